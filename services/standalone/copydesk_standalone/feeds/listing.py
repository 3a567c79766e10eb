"""Showing feeds and hosts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.messages import Feed, FeedState, HostState, Message
from copydesk_standalone.feeds.registry import Registry, read_registry
from copydesk_standalone.letters.output import run, say

COLUMNS = ("id", "name", "state", "entries", "interval", "last success", "next poll", "what is wrong")
HOST_COLUMNS = ("domain", "queued", "delay", "held for", "last status", "last request", "requests", "what is wrong")
NAME_WIDTH = 32
REASON_WIDTH = 80
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def state_of(feed: Feed, state: FeedState | None) -> str:
    """In a word, how a feed goes."""
    if feed.paused:
        return "paused"
    if state is None or (state.last_poll_at is None and not state.failures):
        return "new"
    if state.disabled:
        return "disabled"
    if state.failures:
        return f"failing ({state.failures})"
    return "warning" if state.warning else "ok"


def what_is_wrong(state: FeedState | None) -> str:
    """Why a feed does not do as it should; empty where it does."""
    return (state.disabled or state.last_error or state.warning or "") if state else ""


def span(seconds: float) -> str:
    """A span of time in its largest unit."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago a time was, or how far ahead it is."""
    if at is None:
        return "-"
    seconds = (now - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def _plain(text: str, width: int) -> str:
    """Text from outside on one line, without control characters, cut to a width."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def _row(feed: Feed, state: FeedState | None, now: datetime) -> list[str]:
    interval = (state.interval_seconds if state and feed.adapts else None) or feed.interval_seconds
    is_polled = not feed.paused and not (state and state.disabled)
    return [
        feed.feed_id,
        _plain(feed.name, NAME_WIDTH),
        state_of(feed, state),
        str(state.entries_seen) if state else "-",
        f"{span(interval)}{' ~' if feed.adapts else ''}",
        ago(state.last_success_at if state else None, now),
        ago(state.next_poll_at if state and is_polled else None, now),
        _plain(what_is_wrong(state), REASON_WIDTH),
    ]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows under their columns, as lines."""
    lines = [columns, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _as_json(**messages: Message | None) -> str:
    return json.dumps({name: each.model_dump(mode="json") if each else None for name, each in messages.items()})


def list_command(brokers: Brokers, style: str, *, failing: bool) -> int:
    """List feeds by name; with ``failing`` those that are not as they should be."""

    async def show_all() -> int:
        registry = await read_registry(brokers)
        now = datetime.now(UTC)
        feeds = sorted(
            (known.feed for known in registry.feeds.values()), key=lambda feed: (feed.name.lower(), feed.url)
        )
        if failing:
            feeds = [feed for feed in feeds if what_is_wrong(registry.states.get(feed.feed_id))]
        if style == "json":
            for feed in feeds:
                say(_as_json(feed=feed, state=_without_seen(registry.states.get(feed.feed_id))))
            return 0
        for line in table(COLUMNS, [_row(feed, registry.states.get(feed.feed_id), now) for feed in feeds]):
            say(line)
        return 0

    return run(show_all(), brokers)


def _without_seen(state: FeedState | None) -> FeedState | None:
    return state.model_copy(update={"seen": {}}) if state else None


def show_command(brokers: Brokers, wanted: str, style: str) -> int:
    """Show one feed whole. Raises :class:`UserError` when there is none."""

    async def show_one() -> int:
        registry = await read_registry(brokers)
        feed = registry.of(wanted).feed
        state, host = registry.states.get(feed.feed_id), registry.host_of(feed)
        if style == "json":
            say(_as_json(feed=feed, state=state, host=host))
            return 0
        facts = _facts(registry, feed, state, host)
        width = max(map(len, facts))
        for name, value in facts.items():
            say(f"{name.ljust(width)}  {_plain(value, 2_000)}")
        return 0

    return run(show_one(), brokers)


def _facts(registry: Registry, feed: Feed, state: FeedState | None, host: HostState | None) -> Mapping[str, str]:
    now = datetime.now(UTC)
    facts = {
        "id": feed.feed_id,
        "name": feed.name,
        "url": feed.url,
        "moved from": feed.moved_from or "",
        "state": state_of(feed, state),
        "from": "a feeds file" if registry.feeds[feed.feed_id].from_file else "`copydesk feeds`, or a move",
        "kind": feed.kind,
        "content": feed.content,
        "off-site links": "followed" if feed.off_site == "follow" else "dropped",
        "interval": f"{span(feed.interval_seconds)}, {'adapts' if feed.adapts else 'fixed'}",
    }
    if state is not None:
        facts |= {
            "interval now": span(state.interval_seconds) if state.interval_seconds else "",
            "read from": state.source_url or "",
            "last poll": ago(state.last_poll_at, now),
            "last success": ago(state.last_success_at, now),
            "next poll": "-" if feed.paused or state.disabled else ago(state.next_poll_at, now),
            "entries seen": str(state.entries_seen),
            "disabled": state.disabled or "",
            "failures": f"{state.failures} ({state.failure_kind or 'temporary'})" if state.failures else "",
            "last error": state.last_error or "",
            "warning": state.warning or "",
            "validators": ", ".join(filter(None, (state.etag, state.last_modified))),
            "sitemaps": str(len(state.children)) if state.children else "",
            **_hub_facts(state, now),
        }
    if host is not None:
        facts |= {f"host {name}": value for name, value in zip(HOST_COLUMNS, _host_row(host, now), strict=True)}
    return {name: value for name, value in facts.items() if value}


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
        _plain(host.last_error or "", REASON_WIDTH),
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
                say(host.model_dump_json())
            return 0
        for line in table(HOST_COLUMNS, [_host_row(host, now) for host in hosts]):
            say(line)
        return 0

    return run(show_all(), brokers)
