"""What a poll makes of a feed: which entries are news, and what to remember for the next time. No I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from copydesk_fetcher.parsing.model import ParsedEntry, ParsedFeed
from copydesk_fetcher.responses import Fetched
from copydesk_shared.identity import registrable_domain, short_digest
from copydesk_shared.messages import Entry, Feed, FeedState, SeenEntry, Source

SEEN_AT_LEAST = 500
SEEN_PER_ENTRY = 3
KNOWN_TITLES = 100
KNOWN_TITLE_CHARACTERS = 300
FIRST_POLL_JITTER = timedelta(seconds=2)
JITTER_SHARE = 0.1
LONGEST_BACKOFF = timedelta(hours=6)
GONE_BACKOFF = timedelta(days=7)
DOUBLINGS = 20
VALIDATOR_CHARACTERS = 1000
ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a poll: what to publish, in this order, and the state to store after it is stored."""

    entries: tuple[Entry, ...]
    state: FeedState
    result: Literal["changed", "unchanged", "failed", "gone"]


def plan(feed: Feed, state: FeedState | None, now: datetime) -> datetime:
    """When to poll next. A feed without a state is new and due within seconds, not all new ones at once."""
    interval = timedelta(seconds=feed.interval_seconds)
    if state is None:
        return now + min(interval * JITTER_SHARE, FIRST_POLL_JITTER) * _fraction(feed.feed_id)
    return state.next_poll_at if state.failures else min(state.next_poll_at, now + interval)


def _fraction(text: str) -> float:
    """A number from 0 to 1 that is always the same for this text."""
    return sum(map(ord, short_digest(text))) % 97 / 96


def conditional_headers(state: FeedState | None) -> dict[str, str]:
    """The headers that let a server answer 304 (RFC 9110 section 13)."""
    pairs = (("if-none-match", state.etag), ("if-modified-since", state.last_modified)) if state else ()
    return {name: value for name, value in pairs if value}


def entries_from(
    feed: Feed, parsed: ParsedFeed, seen: Mapping[str, SeenEntry], now: datetime
) -> tuple[tuple[Entry, ...], dict[str, SeenEntry]]:
    """The entries that are new or changed, oldest first, and the window of entries seen, oldest first.

    A changed entry has the next revision. The window keeps every entry that is still in the feed.
    """
    titles = tuple(dict.fromkeys(entry.title[:KNOWN_TITLE_CHARACTERS] for entry in parsed.entries if entry.title))
    news: list[Entry] = []
    current: dict[str, SeenEntry] = {}
    for found in reversed(parsed.entries):
        before = seen.get(found.key)
        if before is not None and before.fingerprint == found.fingerprint:
            current[found.key] = before
            continue
        revision = before.revision + 1 if before else 1
        current[found.key] = SeenEntry(revision=revision, fingerprint=found.fingerprint)
        news.append(_entry(feed, found, revision, titles, now))
    return tuple(news), _window(seen, current)


def _window(seen: Mapping[str, SeenEntry], current: dict[str, SeenEntry]) -> dict[str, SeenEntry]:
    gone = [(key, each) for key, each in seen.items() if key not in current]
    room = max(SEEN_AT_LEAST, SEEN_PER_ENTRY * len(current)) - len(current)
    return dict(gone[-room:] if room else []) | current


def _entry(feed: Feed, found: ParsedEntry, revision: int, titles: tuple[str, ...], now: datetime) -> Entry:
    own = found.title[:KNOWN_TITLE_CHARACTERS]
    uses_content = feed.content == "feed" or (feed.content == "auto" and found.is_full)
    return Entry(
        feed_id=feed.feed_id,
        url=found.url,
        source=Source(name=feed.name, domain=registrable_domain(found.url)),
        title=found.title,
        summary=found.summary,
        authors=found.authors,
        published_at=found.published_at,
        updated_at=found.updated_at,
        discovered_at=now,
        revision=revision,
        content=found.content if uses_content else None,
        content_type=found.content_type if uses_content else None,
        known_titles=tuple(title for title in titles if title != own)[:KNOWN_TITLES],
    )


def succeeded(feed: Feed, fetched: Fetched, seen: Mapping[str, SeenEntry], now: datetime) -> FeedState:
    """The state after a 200 that could be read."""
    return FeedState(
        feed_id=feed.feed_id,
        etag=_validator(fetched, "etag"),
        last_modified=_validator(fetched, "last-modified"),
        next_poll_at=now + timedelta(seconds=feed.interval_seconds),
        last_success_at=now,
        seen=dict(seen),
    )


def _validator(fetched: Fetched, name: str) -> str | None:
    value = fetched.headers.get(name, "")
    return value if value and len(value) <= VALIDATOR_CHARACTERS else None


def unchanged(feed: Feed, state: FeedState | None, now: datetime) -> FeedState:
    """The state after a 304."""
    return _base(feed, state, now).model_copy(
        update={
            "next_poll_at": now + timedelta(seconds=feed.interval_seconds),
            "last_success_at": now,
            "failures": 0,
            "last_error": None,
        }
    )


def failed(
    feed: Feed,
    state: FeedState | None,
    reason: str,
    now: datetime,
    *,
    retry_after: float | None = None,
    gone: bool = False,
) -> FeedState:
    """The state after a poll that failed: later and later, up to six hours, no sooner than the server asks."""
    failures = (state.failures if state else 0) + 1
    doubled = timedelta(seconds=feed.interval_seconds * 2.0 ** min(failures - 1, DOUBLINGS))
    wait = GONE_BACKOFF if gone else max(min(doubled, LONGEST_BACKOFF), timedelta(seconds=retry_after or 0))
    return _base(feed, state, now).model_copy(
        update={"next_poll_at": now + wait, "failures": failures, "last_error": reason[:ERROR_CHARACTERS]}
    )


def _base(feed: Feed, state: FeedState | None, now: datetime) -> FeedState:
    return state if state is not None else FeedState(feed_id=feed.feed_id, next_poll_at=now)
