"""The ``feeds`` topic: which feeds its records leave, and the records that change them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import structlog

from copydesk_shared.errors import Poison
from copydesk_shared.identity import canonical_url
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.messages import Feed
from copydesk_shared.topics import FEEDS
from copydesk_shared.wire import decode, encode, tombstone

FILE_WRITER = "feeds-file"
WRITER_VERSION = "1"
FROM_FILE = f"/copydesk/{FILE_WRITER}"


@dataclass(frozen=True, slots=True)
class Known:
    """A feed as the topic has it, whether a file brought it, and in which partition it lies."""

    feed: Feed
    from_file: bool
    partition: int = 0


class Definitions:
    """The feeds that the records of the topic leave, by id, as these are taken in.

    What cannot be decoded is passed over. Of a feed that lies in two partitions, because moving it was cut short, the
    newer record counts.
    """

    def __init__(self) -> None:
        self.feeds: dict[str, Known] = {}
        self._written: dict[str, int] = {}

    def take(self, record: Record) -> str:
        """The next record of its partition; the answer is the id of the feed that it is of."""
        key = (record.key or b"").decode("utf-8", "replace")
        before = self.feeds.get(key)
        if record.is_tombstone:
            if before is not None and before.partition == record.partition:
                del self.feeds[key]
            return key
        try:
            feed = decode(FEEDS, record)
        except Poison as error:
            structlog.get_logger().warning("a feed that cannot be read", key=key, error=str(error))
            return key
        is_elsewhere = before is not None and before.partition != record.partition
        if not (is_elsewhere and self._written[key] > record.timestamp_ms):
            self.feeds[key] = Known(feed, record.header("ce_source") == FROM_FILE, record.partition)
            self._written[key] = record.timestamp_ms
        return key


def known_feeds(records: Iterable[Record]) -> dict[str, Known]:
    """The feeds that these records of the topic leave, by id; see :class:`Definitions`."""
    definitions = Definitions()
    for record in records:
        definitions.take(record)
    return definitions.feeds


def address(url: str) -> str:
    """One spelling of the URL, by which two feeds are told to be at the same place."""
    try:
        return canonical_url(url)
    except ValueError:
        return url


def addresses(feeds: Mapping[str, Known]) -> Mapping[str, Collection[str]]:
    """The ids of the feeds at each address, or that were there before they moved."""
    found: dict[str, dict[str, None]] = {}
    for key, known in feeds.items():
        for url in filter(None, (known.feed.url, known.feed.moved_from)):
            found.setdefault(address(url), {})[key] = None
    return found


def new(feed: Feed, writer: str) -> Outgoing:
    """The record that defines a feed that was not there."""
    return encode(FEEDS, feed, stage=writer, version=WRITER_VERSION)


def changed(known: Known, feed: Feed, writer: str) -> Outgoing:
    """The record that changes a feed where it lies, with its state; whoever owns that partition moves both.

    One that a file brought stays one of that file.
    """
    stage = FILE_WRITER if known.from_file else writer
    return replace(encode(FEEDS, feed, stage=stage, version=WRITER_VERSION), partition=known.partition)


def taken_away(known: Known, writer: str) -> Outgoing:
    """The record that removes a feed, in the partition in which it lies."""
    return tombstone(FEEDS, known.feed.feed_id, stage=writer, partition=known.partition)
