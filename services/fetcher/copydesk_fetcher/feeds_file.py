"""``feeds.yaml``: the feeds to poll, checked with line numbers, and brought into the ``feeds`` topic."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import structlog

from copydesk_fetcher.urls import plain_url
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, Poison
from copydesk_shared.identity import canonical_url, registrable_domain, short_digest
from copydesk_shared.kafka import connect, read_partitions
from copydesk_shared.log import Log, Outgoing, Record
from copydesk_shared.messages import Feed
from copydesk_shared.topics import FEEDS
from copydesk_shared.wire import decode, encode, tombstone
from copydesk_shared.yaml_lines import YamlDocument, read_yaml

WRITER = "feeds-file"
WRITER_VERSION = "1"
FROM_FILE = f"/copydesk/{WRITER}"

SHORTEST_INTERVAL_SECONDS = 1
LONGEST_INTERVAL_SECONDS = 7 * 24 * 3600
DEFAULT_INTERVAL_SECONDS = 900
UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"([0-9]{1,9})\s?([smhd]?)", re.ASCII)
FEED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
NAME_CHARACTERS = 200


class FieldError(ValueError):
    """A value of a feed that cannot be used: under which key, and what is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem


def parse_duration(value: object) -> int:
    """Seconds of ``30s``, ``15m``, ``2h``, ``1d`` or a plain number. Raises ``ValueError`` that says what is wrong."""
    match = DURATION.fullmatch(str(value).strip()) if isinstance(value, int | str) and value is not True else None
    if match is None or value is False:
        raise ValueError(f"{value!r} is not a duration such as 30s, 15m, 2h or 900")
    seconds = int(match[1]) * UNIT_SECONDS[match[2]]
    if not SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS:
        raise ValueError(f"{value!r} is not between {SHORTEST_INTERVAL_SECONDS}s and 7d")
    return seconds


def _feed_url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a URL")  # noqa: TRY004 - one kind of complaint for the whole table
    if "@" in urlsplit(value).netloc:
        raise ValueError("a URL with a user name or password in it is not taken: it would be published in a topic")
    return plain_url(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_CHARACTERS:
        raise ValueError(f"{str(value)[:50]!r} is not a name of 1 to {NAME_CHARACTERS} characters")
    return " ".join(value.split())


def _id(value: object) -> str:
    if not isinstance(value, str) or not FEED_ID.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!r} is not an id: letters, digits, '.', '_' and '-', 64 characters at most")
    return value


def _choice(field: str) -> Callable[[object], str]:
    choices = get_args(Feed.model_fields[field].annotation)

    def check(value: object) -> str:
        if value not in choices:
            raise ValueError(f"{str(value)[:50]!r} is none of {', '.join(choices)}")
        return str(value)

    return check


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{str(value)[:50]!r} is neither true nor false")  # noqa: TRY004 - as above
    return value


FIELDS: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "url": ("url", _feed_url),
    "name": ("name", _name),
    "interval": ("interval_seconds", parse_duration),
    "content": ("content", _choice("content")),
    "id": ("feed_id", _id),
    "kind": ("kind", _choice("kind")),
    "off_site": ("off_site", _choice("off_site")),
    "websub": ("websub", _flag),
    "paused": ("paused", _flag),
}


def _check_keys(document: YamlDocument, location: tuple[int | str, ...], value: object, known: Sequence[str]) -> None:
    if not isinstance(value, dict):
        raise document.error(location, f"expected a mapping, found {_kind(value)}")
    for key in value:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise document.error((*location, str(key)), f"unknown key{hint}")


def _kind(value: object) -> str:
    return {"NoneType": "nothing", "dict": "a mapping", "list": "a list", "str": "text"}.get(
        type(value).__name__, type(value).__name__
    )


def feed_of(told: Mapping[str, object]) -> Feed:
    """The feed of these values, by the keys of a ``feeds.yaml``; ``url`` has to be there.

    Only what was told counts as set in it. Without an interval it adapts. Raises :class:`FieldError`.
    """
    given: dict[str, Any] = {}
    for key, value in told.items():
        field, check = FIELDS[key]
        try:
            given[field] = check(value)
        except ValueError as error:
            raise FieldError(key, str(error)) from None
    given.setdefault("feed_id", short_digest(canonical_url(given["url"])))
    given.setdefault("name", registrable_domain(given["url"]))
    return Feed(adapts="interval_seconds" not in given, **given)


def _feed(document: YamlDocument, index: int, raw: object) -> Feed:
    where = ("feeds", index)
    _check_keys(document, where, raw, tuple(FIELDS))
    told: dict[str, object] = dict(raw)  # type: ignore[call-overload]
    if "url" not in told:
        raise document.error(where, "url is missing")
    try:
        return feed_of(told)
    except FieldError as error:
        raise document.error((*where, error.key), error.problem) from None


def _check_unique(document: YamlDocument, feeds: Sequence[Feed]) -> None:
    urls: dict[str, int] = {}
    ids: dict[str, int] = {}
    for index, feed in enumerate(feeds):
        for key, seen, value in (("url", urls, canonical_url(feed.url)), ("id", ids, feed.feed_id)):
            first = seen.setdefault(value, index)
            if first != index:
                raise document.error(("feeds", index, key), f"the same as that of feeds[{first}]")


def _feeds(document: YamlDocument) -> tuple[Feed, ...]:
    if document.data is None:
        raise document.error((), "empty; it needs a list 'feeds'")
    _check_keys(document, (), document.data, ("feeds",))
    listed = document.data.get("feeds")
    if not isinstance(listed, list):
        raise document.error(("feeds",), f"expected a list, found {_kind(listed)}")
    feeds = tuple(_feed(document, index, raw) for index, raw in enumerate(listed))
    _check_unique(document, feeds)
    return feeds


def parse_feeds(text: str, name: str) -> tuple[Feed, ...]:
    """The feeds in the text of a ``feeds.yaml``; ``name`` is what errors call it. Raises :class:`InputError`."""
    return _feeds(YamlDocument(text, name))


def load_feeds(path: Path) -> tuple[Feed, ...]:
    """The feeds in a ``feeds.yaml``. Raises :class:`InputError`: ``feeds.yaml:7: feeds[2].url: ...``."""
    return _feeds(read_yaml(path))


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many feeds came, changed, went and stayed as they were."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A feed as the topic has it, whether a file brought it, and in which partition it lies."""

    feed: Feed
    from_file: bool
    partition: int = 0


def known_feeds(records: Sequence[Record]) -> dict[str, Known]:
    """The feeds that these records of the topic leave, by id. What cannot be decoded is passed over.

    Of a feed that lies in two partitions, because moving it was cut short, the newer record counts.
    """
    known: dict[str, tuple[int, Known]] = {}
    for record in records:
        key = (record.key or b"").decode("utf-8", "replace")
        _, before = known.get(key, (0, None))
        if record.is_tombstone:
            if before is not None and before.partition == record.partition:
                del known[key]
            continue
        try:
            feed = decode(FEEDS, record)
        except Poison as error:
            structlog.get_logger().warning("a feed that cannot be read", key=key, error=str(error))
            continue
        is_older = before is not None and before.partition != record.partition and known[key][0] > record.timestamp_ms
        if not is_older:
            known[key] = record.timestamp_ms, Known(feed, record.header("ce_source") == FROM_FILE, record.partition)
    return {key: each for key, (_, each) in known.items()}


def merged(wanted: Feed, known: Feed) -> Feed:
    """What a file wants of a feed, with what somebody has done to the feed since that the file says nothing of."""
    kept: dict[str, Any] = {}
    if "paused" not in wanted.model_fields_set:
        kept["paused"] = known.paused
    if known.moved_from is not None and canonical_url(known.moved_from) == canonical_url(wanted.url):
        kept |= {"url": known.url, "moved_from": known.moved_from}
    return wanted.model_copy(update=kept)


def changes(feeds: Sequence[Feed], known: Mapping[str, Known]) -> tuple[list[Outgoing], SyncResult]:
    """The records that make the topic say what the file says. Feeds that no file brought are left alone.

    A feed is changed where it lies, with its state; whoever owns that partition moves both if it is not their place.
    """
    wanted = {feed.feed_id: feed for feed in feeds}
    added = [feed for key, feed in wanted.items() if key not in known]
    there = {key: merged(feed, known[key].feed) for key, feed in wanted.items() if key in known}
    changed = {key: feed for key, feed in there.items() if known[key].feed != feed}
    removed = [key for key, each in known.items() if each.from_file and key not in wanted]
    records = [encode(FEEDS, feed, stage=WRITER, version=WRITER_VERSION) for feed in added]
    for key, feed in changed.items():
        record = encode(FEEDS, feed, stage=WRITER, version=WRITER_VERSION)
        records.append(replace(record, partition=known[key].partition))
    records += [tombstone(FEEDS, key, stage=WRITER, partition=known[key].partition) for key in removed]
    return records, SyncResult(len(added), len(changed), len(removed), len(there) - len(changed))


async def publish_feeds(log: Log, feeds: Sequence[Feed], known: Mapping[str, Known]) -> SyncResult:
    """Write what :func:`changes` says and wait until it is stored. Raises :class:`LogError`."""
    records, result = changes(feeds, known)
    for stored in [await log.send(record) for record in records]:
        await stored
    return result


async def sync_feeds(brokers: Brokers, feeds: Sequence[Feed]) -> SyncResult:
    """Make the ``feeds`` topic of these brokers say what the file says. Raises :class:`LogError`."""
    async with connect(brokers, client_id="copydesk-feeds-file") as log:
        partitions = await log.count(FEEDS.name)
        known = known_feeds(await read_partitions(brokers, FEEDS.name, range(partitions)))
        return await publish_feeds(log, feeds, known)


__all__ = [
    "InputError",
    "SyncResult",
    "feed_of",
    "load_feeds",
    "parse_duration",
    "parse_feeds",
    "publish_feeds",
    "sync_feeds",
]
