"""``feeds.yaml``: the feeds to poll, checked with line numbers, and brought into the ``feeds`` topic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from copydesk_shared.brokers import Brokers
from copydesk_shared.feed_records import FILE_WRITER as WRITER
from copydesk_shared.feed_records import Known, changed, known_feeds, new, taken_away
from copydesk_shared.feeds import FIELDS, FieldError, feed_of
from copydesk_shared.identity import canonical_url
from copydesk_shared.kafka import connect, read_partitions
from copydesk_shared.log import Log, Outgoing
from copydesk_shared.messages import Feed
from copydesk_shared.plain import kind_of
from copydesk_shared.topics import FEEDS
from copydesk_shared.yaml_lines import YamlDocument, read_yaml


def _check_keys(document: YamlDocument, location: tuple[int | str, ...], value: object, known: Sequence[str]) -> None:
    if not isinstance(value, dict):
        raise document.error(location, f"expected a mapping, found {kind_of(value)}")
    for key in value:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise document.error((*location, str(key)), f"unknown key{hint}")


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
        raise document.error(("feeds",), f"expected a list, found {kind_of(listed)}")
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
    others = {key: feed for key, feed in there.items() if known[key].feed != feed}
    removed = [each for key, each in known.items() if each.from_file and key not in wanted]
    records = [new(feed, WRITER) for feed in added]
    records += [changed(known[key], feed, WRITER) for key, feed in others.items()]
    records += [taken_away(each, WRITER) for each in removed]
    return records, SyncResult(len(added), len(others), len(removed), len(there) - len(others))


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
