"""Which pages were fetched in the last two weeks, so that one article of many feeds is fetched once.

A page has up to two addresses: that of the entry that led to it and the one that it calls canonical. What is known of
it is kept for each as some bytes, since there are hundreds of thousands of them.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice

from prometheus_client import Gauge

from copydesk_shared.errors import DropReason
from copydesk_shared.identity import canonical_url, short_digest
from copydesk_shared.messages import Entry, KnownPage, Page
from copydesk_shared.stage import Drop

# A page's addresses are asked for about ten times on its way.
REMEMBERED = 4096
DAYS = 14
DAY_SECONDS = 24 * 3600
MOST_ADDRESSES = 600_000
FEEDS_OF_A_PAGE = 8
LARGEST_REVISION = 0xFFFF
LATEST_SECONDS = 0xFFFFFFFF
# Seconds and thousandths of when it was fetched, the revision; then each feed's number with the revision of its entry.
HEAD = struct.Struct("<IHH")
FEED = struct.Struct("<IH")
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SIX_BITS = {letter: value for value, letter in enumerate(BASE64)}

KNOWN = Gauge("copydesk_known_addresses", "Addresses of pages that were fetched and are remembered.")

Identity = tuple[str, str, int, datetime]


@dataclass(frozen=True, slots=True)
class Fresh:
    """The entry's page is to be fetched and emitted as this revision."""

    revision: int


@dataclass(slots=True)
class _Known:
    """What is known of one address, unpacked. ``feeds`` maps numbers of feeds to revisions, the last seen last."""

    fetched_ms: int
    revision: int
    feeds: dict[int, int]

    def pack(self) -> bytes:
        seconds, thousandths = divmod(self.fetched_ms, 1000)
        head = HEAD.pack(min(max(seconds, 0), LATEST_SECONDS), thousandths, _small(self.revision))
        last = islice(self.feeds.items(), max(len(self.feeds) - FEEDS_OF_A_PAGE, 0), None)
        return head + b"".join(FEED.pack(number, _small(revision)) for number, revision in last)

    @classmethod
    def unpack(cls, packed: bytes) -> "_Known":
        seconds, thousandths, revision = HEAD.unpack_from(packed)
        return cls(seconds * 1000 + thousandths, revision, dict(FEED.iter_unpack(packed[HEAD.size :])))

    def see(self, feed: int, revision: int) -> None:
        """An entry of this feed was looked at."""
        before = self.feeds.pop(feed, 0)
        self.feeds[feed] = max(before, revision)


def _small(revision: int) -> int:
    return min(max(revision, 0), LARGEST_REVISION)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class _Days:
    """Packed knowledge by address, in a table for each day, so that whole days are forgotten at once."""

    def __init__(self) -> None:
        self._days: dict[int, dict[int, bytes]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def get(self, address: int) -> bytes | None:
        """What is known of this address."""
        for day in self._days.values():
            if (packed := day.get(address)) is not None:
                return packed
        return None

    def put(self, address: int, packed: bytes, fetched_ms: int) -> None:
        """Remember it under the day it was fetched, unless that is too long ago."""
        today = int(time.time()) // DAY_SECONDS
        number = min(fetched_ms // 1000 // DAY_SECONDS, today)
        for day in self._days.values():
            if day.pop(address, None) is not None:
                self._size -= 1
        if number not in self._days:
            self._forget_before(today - DAYS)
        if number >= today - DAYS:
            self._days.setdefault(number, {})[address] = packed
            self._size += 1
        if self._size > MOST_ADDRESSES:
            self._forget_oldest()

    def _forget_before(self, first: int) -> None:
        for number in [number for number in self._days if number < first]:
            self._size -= len(self._days.pop(number))

    def _forget_oldest(self) -> None:
        """Half of the oldest day: a hundred thousand addresses or so at a time."""
        number = min(self._days)
        day = self._days[number]
        self._days[number] = dict(islice(day.items(), (len(day) + 1) // 2, None))
        self._size -= len(day) - len(self._days[number])
        if not self._days[number]:
            del self._days[number]


class Known:
    """The pages of the partitions that are ours. Restored from ``pages.known``; what is to be written there it says."""

    def __init__(self) -> None:
        self._feeds: dict[str, int] = {}
        self._names: list[str] = []
        self._pages = _Days()
        self._expected: dict[int, Identity] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def restore(self, pages: Iterable[KnownPage]) -> None:
        """Take up what was written. Of two records of one page the later counts."""
        for page in pages:
            feeds = {self._number(feed_id): revision for feed_id, revision in page.feeds.items()}
            known = _Known(_milliseconds(page.fetched_at), page.revision, feeds)
            self._pages.put(_address_of_id(page.page_id), known.pack(), known.fetched_ms)
        KNOWN.set(len(self))

    def forget(self) -> None:
        """All pages are somebody else's now."""
        self._feeds.clear()
        self._names.clear()
        self._pages = _Days()
        self._expected.clear()
        KNOWN.set(0)

    def look(self, entry: Entry, page: Page | None = None) -> Fresh | Drop:
        """Whether to fetch the page of this entry, or, once it is fetched, whether to emit it.

        An address that cannot be one is fresh: whoever asks for it finds out.
        """
        url = entry.url if page is None else page.canonical_url
        address = _address(url)
        packed = None if address is None else self._pages.get(address)
        if address is None or packed is None:
            return Fresh(entry.revision)
        known = _Known.unpack(packed)
        if self._expected.get(address) == _identity(entry):
            return Fresh(known.revision)
        feed = self._number(entry.feed_id)
        if _is_news(entry, known, feed):
            return Fresh(max(known.revision + 1, entry.revision))
        if feed not in known.feeds:
            known.see(feed, entry.revision)
            self._pages.put(address, known.pack(), known.fetched_ms)
        if page is not None and (other := _address(entry.url)) is not None:
            self._pages.put(other, known.pack(), known.fetched_ms)
        return Drop(DropReason.DUPLICATE, f"{url[:500]}: fetched before, as revision {known.revision}")

    def expect(self, entry: Entry, page: Page) -> None:
        """This page is about to be stored: other entries need not fetch it, but the same entry, if it comes again."""
        for url in _urls(entry, page):
            if (address := _address(url)) is not None:
                self._note(address, entry, page)
                self._expected[address] = _identity(entry)

    def fetched(self, entry: Entry, page: Page) -> list[KnownPage]:
        """This page is stored; what is to be written."""
        return [known for url in _urls(entry, page) if (known := self._stored(url, entry, page)) is not None]

    def _stored(self, url: str, entry: Entry, page: Page) -> KnownPage | None:
        address = _address(url)
        if address is None:
            return None
        if self._expected.get(address) == _identity(entry):
            del self._expected[address]
        known = self._note(address, entry, page)
        KNOWN.set(len(self))
        feeds = {self._names[number]: revision for number, revision in known.feeds.items()}
        canonical = canonical_url(url)
        return KnownPage(
            page_id=short_digest(canonical),
            url=canonical,
            revision=known.revision,
            fetched_at=datetime.fromtimestamp(known.fetched_ms / 1000, UTC),
            feeds=feeds,
        )

    def _note(self, address: int, entry: Entry, page: Page) -> _Known:
        packed = self._pages.get(address)
        known = _Known(0, 0, {}) if packed is None else _Known.unpack(packed)
        known.fetched_ms = max(known.fetched_ms, _milliseconds(page.fetched_at))
        known.revision = max(known.revision, page.revision)
        known.see(self._number(entry.feed_id), entry.revision)
        kept = known.pack()
        self._pages.put(address, kept, known.fetched_ms)
        return _Known.unpack(kept)

    def _number(self, feed_id: str) -> int:
        number = self._feeds.get(feed_id)
        if number is None:
            number = self._feeds[feed_id] = len(self._names)
            self._names.append(feed_id)
        return number


def _is_news(entry: Entry, known: _Known, feed: int) -> bool:
    """Whether the entry says that the page has changed since.

    Of the feed that led to it a higher revision says so. Another feed brings old news at first; only if it was updated
    later, or is a change that the feed made later, is there something new.
    """
    if feed in known.feeds:
        return entry.revision > known.feeds[feed]
    times = (entry.updated_at, entry.discovered_at if entry.revision > 1 else None)
    return any(at is not None and _milliseconds(at) > known.fetched_ms for at in times)


def _identity(entry: Entry) -> Identity:
    return entry.feed_id, entry.url, entry.revision, entry.discovered_at


def _urls(entry: Entry, page: Page) -> Iterator[str]:
    yield page.canonical_url
    if entry.url != page.canonical_url and _address(entry.url) != _address(page.canonical_url):
        yield entry.url


@lru_cache(REMEMBERED)
def _address(url: str) -> int | None:
    """Sixty bits of the digest of the canonical spelling: an integer that takes 32 bytes. ``None`` if it has none."""
    try:
        canonical = canonical_url(url)
    except ValueError:
        return None
    digest = sha256(canonical.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 4


def _address_of_id(page_id: str) -> int:
    """The same of a page's id, which is such a digest in base64url, six bits a character."""
    return sum(SIX_BITS.get(letter, 0) << (54 - 6 * place) for place, letter in enumerate(page_id[:10]))
