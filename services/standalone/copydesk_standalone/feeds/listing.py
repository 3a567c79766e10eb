"""Showing feeds and hosts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from copydesk_shared.brokers import Brokers
from copydesk_shared.messages import Feed, FeedState, HostState
from copydesk_standalone.feeds.registry import Registry, read_registry
from copydesk_standalone.feeds.running import run
from copydesk_standalone.feeds.table import ago, facts, skips, span, table
from copydesk_standalone.letters.output import say, warn

# Names and widths at most.
COLUMNS = {
    "id": 64, "name": 24, "state": 14, "entries": 10, "interval": 10, "success": 12, "next": 10, "what is wrong": 120,
}  # fmt: skip
URLS = {"url": 120}
HOST_COLUMNS = {
    "domain": 48, "queued": 8, "delay": 8, "held for": 8, "status": 6, "asked": 12, "requests": 9,
    "what is wrong": 120,
}  # fmt: skip
HOST_FACTS = ("domain", "queued", "delay", "held for", "last status", "last request", "requests", "last error")


def state_of(registry: Registry, feed: Feed) -> str:
    """In a word, how a feed goes."""
    state = registry.states.get(feed.feed_id)
    if feed.paused:
        return "paused"
    if state is None or (state.last_poll_at is None and not state.failures):
        return "new"
    if state.disabled:
        return "disabled"
    if state.failures:
        return f"failing ({state.failures})"
    return "warning" if warning_of(registry, feed) else "ok"


def warning_of(registry: Registry, feed: Feed) -> str:
    """What is wrong with a feed that is polled all the same."""
    state, twins = registry.states.get(feed.feed_id), registry.twins(feed)
    twice = f"polled more than once: {', '.join(twins)} has the same URL" if twins else ""
    return "; ".join(filter(None, (twice, state.warning if state else "")))


def what_is_wrong(registry: Registry, feed: Feed) -> str:
    """Why a feed does not do as it should; empty where it does."""
    state = registry.states.get(feed.feed_id)
    failure = (state.disabled or state.last_error) if state else None
    return failure or warning_of(registry, feed)


def _row(registry: Registry, feed: Feed, now: datetime, *, urls: bool) -> list[str]:
    state = registry.states.get(feed.feed_id)
    interval = (state.interval_seconds if state and feed.adapts else None) or feed.interval_seconds
    is_polled = not feed.paused and not (state and state.disabled)
    return [
        feed.feed_id,
        feed.name,
        state_of(registry, feed),
        str(state.entries_seen) if state else "-",
        f"{span(interval)}{' ~' if feed.adapts else ''}",
        ago(state.last_success_at if state else None, now),
        _ahead(state.next_poll_at if state and is_polled else None, now),
        *([feed.url] if urls else []),
        what_is_wrong(registry, feed),
    ]


def _ahead(at: datetime | None, now: datetime) -> str:
    return "now" if at is not None and at <= now else ago(at, now)


def _columns(*, urls: bool) -> Mapping[str, int]:
    *first, last = COLUMNS.items()
    return dict([*first, *(URLS.items() if urls else ()), last])


def _say_json(each: Mapping[str, Any]) -> None:
    """One line, in ASCII: a terminal takes nothing in it for a command."""
    say(json.dumps(each))


def list_command(brokers: Brokers, style: str, *, failing: bool, urls: bool) -> int:
    """List feeds by name; with ``failing`` those that are not as they should be."""

    async def show_all() -> int:
        registry = await read_registry(brokers)
        feeds = registry.by_name()
        if failing:
            feeds = [feed for feed in feeds if what_is_wrong(registry, feed)]
        if style == "json":
            for feed in feeds:
                _say_json(_listed(registry, feed))
        elif feeds:
            now = datetime.now(UTC)
            rows = [_row(registry, feed, now, urls=urls) for feed in feeds]
            _print(table(_columns(urls=urls), rows))
        else:
            warn(_nothing(registry))
        return 0

    return run(show_all(), brokers)


def _listed(registry: Registry, feed: Feed) -> dict[str, Any]:
    state = registry.states.get(feed.feed_id)
    return {
        "feed": feed.model_dump(mode="json"),
        "how": state_of(registry, feed),
        "also_polled_as": registry.twins(feed),
        "state": state.model_dump(mode="json", exclude={"seen", "children"}) if state else None,
    }


def _nothing(registry: Registry) -> str:
    return "no feed fails or has a warning" if registry.feeds else "no feeds yet: `copydesk feeds add URL` adds one"


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def show_command(brokers: Brokers, wanted: Sequence[str], style: str) -> int:
    """Show feeds whole. Raises :class:`UserError` when one is not there, before any is shown."""

    async def show_them() -> int:
        registry = await read_registry(brokers, whole=wanted)
        for at, feed in enumerate([registry.of(each).feed for each in wanted]):
            state, host = registry.states.get(feed.feed_id), registry.host_of(feed)
            if style == "json":
                host_json = host.model_dump(mode="json") if host else None
                whole = {"state": state.model_dump(mode="json")} if state else {}
                _say_json({**_listed(registry, feed), **whole, "host": host_json})
            else:
                _print([""] if at else [])
                _print(facts(_facts(registry, feed, state, host)))
        return 0

    return run(show_them(), brokers)


def _facts(registry: Registry, feed: Feed, state: FeedState | None, host: HostState | None) -> Mapping[str, str]:
    now = datetime.now(UTC)
    named = {
        "id": feed.feed_id,
        "name": feed.name,
        "url": feed.url,
        "moved from": feed.moved_from or "",
        "state": state_of(registry, feed),
        "also polled as": ", ".join(registry.twins(feed)),
        "from": "a feeds file" if registry.feeds[feed.feed_id].from_file else "`copydesk feeds`",
        "kind": feed.kind,
        "content": feed.content,
        "off-site links": "followed" if feed.off_site == "follow" else "dropped",
        "interval": f"{span(feed.interval_seconds)}, {'adapts' if feed.adapts else 'fixed'}",
    }
    if state is not None:
        named |= {
            "interval now": _interval_now(state, now),
            "read from": state.source_url or "",
            "last poll": ago(state.last_poll_at, now),
            "last success": ago(state.last_success_at, now),
            "next poll": "-" if feed.paused or state.disabled else _ahead(state.next_poll_at, now),
            "entries seen": str(state.entries_seen),
            "disabled": state.disabled or "",
            "failures": f"{state.failures} ({state.failure_kind or 'temporary'})" if state.failures else "",
            "last error": state.last_error or "",
            "warning": state.warning or "",
            "skips": skips(state.skip_hours, state.skip_days),
            "validators": ", ".join(filter(None, (state.etag, state.last_modified))),
            "sitemaps": str(len(state.children)) if state.children else "",
            **_hub_facts(state, now),
        }
    if host is not None:
        named |= {f"host {name}": value for name, value in zip(HOST_FACTS, _host_row(host, now), strict=True)}
    return {name: value for name, value in named.items() if value}


def _interval_now(state: FeedState, now: datetime) -> str:
    """A poll that a hub puts off comes later than the interval has it."""
    if not state.interval_seconds:
        return ""
    hub, said = state.hub, span(state.interval_seconds)
    is_pushed = hub is not None and hub.pushed_at is not None and hub.lease_until is not None and hub.lease_until > now
    is_later = (state.next_poll_at - (state.last_poll_at or now)).total_seconds() > state.interval_seconds
    return f"{said}, longer while the hub pushes" if is_pushed and is_later and not state.failures else said


def _hub_facts(state: FeedState, now: datetime) -> Mapping[str, str]:
    if state.hub is None:
        return {}
    hub = state.hub
    lease = f"until {hub.lease_until.isoformat(timespec='seconds')}" if hub.lease_until else "asked for, not verified"
    return {
        "hub": f"{hub.hub}: {lease}",
        "hub pushed": ago(hub.pushed_at, now) if hub.pushed_at else "",
        "hub error": hub.last_error or "",
    }


def _host_row(host: HostState, now: datetime) -> list[str]:
    held = (host.held_until - now).total_seconds() if host.held_until else 0.0
    return [
        host.domain,
        str(host.queued),
        span(host.delay_seconds) if host.delay_seconds >= 1 else f"{host.delay_seconds:g} s",
        span(held) if held > 0 else "-",
        str(host.last_status or "-"),
        ago(host.last_request_at, now),
        str(host.requests),
        host.last_error or "",
    ]


def hosts_command(brokers: Brokers, style: str, *, held: bool) -> int:
    """List the hosts, the longest queue first."""

    async def show_all() -> int:
        registry = await read_registry(brokers)
        now = datetime.now(UTC)
        hosts = sorted(registry.hosts.values(), key=lambda host: (-host.queued, host.domain))
        if held:
            hosts = [host for host in hosts if host.held_until and host.held_until > now]
        if style == "json":
            for host in hosts:
                _say_json(host.model_dump(mode="json"))
        elif hosts:
            _print(table(HOST_COLUMNS, [_host_row(host, now) for host in hosts]))
        else:
            warn("no host is held" if registry.hosts else "no host was asked yet")
        return 0

    return run(show_all(), brokers)
