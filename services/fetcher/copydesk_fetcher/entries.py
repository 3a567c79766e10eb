"""What a feed's entries are to us: which are news, which lead elsewhere, and what to remember. No I/O, no clock."""

import hashlib
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal
from urllib.parse import urlsplit

from copydesk_fetcher.parse import ParsedEntry, ParsedFeed
from copydesk_fetcher.states import failed, plan
from copydesk_fetcher.websub.links import Offer
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Entry, Feed, FeedState, SeenEntry, Source

SEEN_AT_LEAST = 100
SEEN_PER_ENTRY = 3
SEEN_GONE_AT_MOST = 500
# A feed that is cut short once must not come back as news: the window shrinks slowly.
SHRINKS_TO = 0.98

# Digests of one feed's entries need to differ from one another only: 60, 36 and 48 bits.
KEY_CHARACTERS = 10
FINGERPRINT_CHARACTERS = 6
LINK_CHARACTERS = 8

KNOWN_TITLES = 100
KNOWN_TITLE_CHARACTERS = 300

# From that many known entries on, and with that share of them changed at once, it is the feed's form that changed.
FORM_ENTRIES = 10
FORM_SHARE = 0.8

# The share of links from which a domain belongs to the feed: where none leads to the feed's own, and where some do.
HOME_SHARE = 0.25
SECOND_HOME_SHARE = 0.5

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a poll: what to publish, in this order, and the state to store after it is stored.

    ``postponed`` is a poll that was not made, because its host is to be left alone. ``off_site`` counts entries that
    were passed over for the first time. ``hub_wanted`` is the hub that the feed names, where it may be subscribed to.
    ``moved_feed`` is the definition to write in place of this one, after a permanent redirect.
    """

    entries: tuple[Entry, ...]
    state: FeedState
    result: Literal["changed", "unchanged", "failed", "gone", "postponed"]
    off_site: int = 0
    hub_wanted: Offer | None = None
    moved_feed: Feed | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a feed, oldest first, the window of entries seen, oldest first, and what to tell an operator.

    ``new`` counts the entries that are there for the first time, ``off_site`` those that were passed over for the
    first time.
    """

    entries: tuple[Entry, ...]
    seen: dict[str, SeenEntry]
    new: int = 0
    off_site: int = 0
    warning: str | None = None


def entries_from(
    feed: Feed,
    parsed: ParsedFeed,
    seen: Mapping[str, SeenEntry],
    now: datetime,
    *,
    homes: Iterable[str] = (),
    shrinks_to: float = SHRINKS_TO,
) -> News:
    """The entries that are new or changed, and the window that keeps every entry that is still in the feed.

    An entry is known by its id or by its URL: one with a new id, or with a new URL, is not new. A changed one has the
    next revision. ``homes`` are URLs that are the feed's own besides its URL and the site that it says it is of.
    """
    window = _Window(seen)
    found = _distinct(parsed.entries)
    away = _away((feed.url, *homes), parsed.site_url, found)
    titles = tuple(dict.fromkeys(each.entry.title[:KNOWN_TITLE_CHARACTERS] for each in found if each.entry.title))
    matches = [_Match(each, window.find(each)) for each in reversed(found)]
    new_form = _is_new_form(matches)
    news: list[Entry] = []
    current: dict[str, SeenEntry] = {}
    off_site = 0
    for match in matches:
        is_away = match.found.domain in away
        emits = match.is_news(new_form=new_form) and not (is_away and feed.off_site == "drop")
        revision = match.revision + emits
        off_site += match.before is None and not emits
        current[match.found.key] = match.remembered(revision)
        if emits:
            news.append(_entry(feed, match.found, revision, titles, now, is_away=is_away))
    new = sum(entry.revision == 1 for entry in news)
    return News(
        tuple(news), window.with_current(current, shrinks_to), new, off_site,
        _warning(feed, found, away, new_form=new_form),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """An entry of the feed as it is now, with what tells it apart."""

    entry: ParsedEntry
    key: str
    link: str
    domain: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Match:
    """An entry of the feed, and what was remembered of it."""

    found: _Found
    before: SeenEntry | None

    @property
    def revision(self) -> int:
        return self.before.revision if self.before else 0

    @property
    def has_changed(self) -> bool:
        return self.revision > 0 and self.before is not None and not _says_same(self.before, self.found)

    def remembered(self, revision: int) -> SeenEntry:
        """What is kept of the entry as it is now."""
        now = SeenEntry.model_construct(revision=revision, fingerprint=self.found.fingerprint, link=self.found.link)
        return self.before if self.before == now else now

    def is_news(self, *, new_form: bool) -> bool:
        return self.revision == 0 or (self.has_changed and not new_form)


def _says_same(before: SeenEntry, found: _Found) -> bool:
    return before.fingerprint[:FINGERPRINT_CHARACTERS] == found.fingerprint


class _Window:
    """The entries seen, by key and by link. States of other versions have longer keys, which begin alike."""

    def __init__(self, seen: Mapping[str, SeenEntry]) -> None:
        self._seen = {key[:KEY_CHARACTERS]: entry for key, entry in seen.items()}
        self._by_link: dict[str, str] | None = None
        self._renamed: set[str] = set()

    def find(self, found: _Found) -> SeenEntry | None:
        """What is remembered of this entry, if need be under another key."""
        if found.key in self._seen:
            return self._seen[found.key]
        if self._by_link is None:
            self._by_link = {each.link: key for key, each in self._seen.items() if each.link}
        former = self._by_link.get(found.link)
        if former is None:
            return None
        self._renamed.add(former)
        return self._seen[former]

    def with_current(self, current: dict[str, SeenEntry], shrinks_to: float) -> dict[str, SeenEntry]:
        """The window after a poll: what is not in the feed any more first, the oldest of it dropped."""
        gone = [pair for pair in self._seen.items() if pair[0] not in current and pair[0] not in self._renamed]
        least = max(SEEN_AT_LEAST, int(len(self._seen) * shrinks_to))
        room = max(least - len(current), min(len(current) * (SEEN_PER_ENTRY - 1), SEEN_GONE_AT_MOST), 0)
        return dict(gone[-room:] if room else []) | current


def link_digest(url: str) -> str:
    """What tells the URLs of a feed apart, whatever their scheme."""
    plain = url.partition("://")[2].removeprefix("www.").rstrip("/")
    digest = hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=LINK_CHARACTERS * 6 // 8).digest()
    return urlsafe_b64encode(digest).decode("ascii")


def _distinct(entries: Iterable[ParsedEntry]) -> list[_Found]:
    """One entry for each URL, the newest by its date, else the first; in the order of the feed.

    An id that several of them have says nothing: there the URL takes its place.
    """
    by_link: dict[str, ParsedEntry] = {}
    for entry in entries:
        link = link_digest(entry.url)
        other = by_link.get(link)
        if other is None or _age(entry) > _age(other):
            by_link[link] = entry
    keys = Counter(entry.key[:KEY_CHARACTERS] for entry in by_link.values())
    domains = {origin: registrable_domain(origin) for origin in {_origin(entry.url) for entry in by_link.values()}}
    return [
        _Found(
            entry=entry,
            key=key if keys[key := entry.key[:KEY_CHARACTERS]] == 1 else f"~{link}",
            link=link,
            domain=domains[_origin(entry.url)],
            fingerprint=entry.fingerprint[:FINGERPRINT_CHARACTERS],
        )
        for link, entry in by_link.items()
    ]


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _age(entry: ParsedEntry) -> datetime:
    return entry.updated_at or entry.published_at or LONG_AGO


def _away(homes: Iterable[str], site_url: str | None, found: Sequence[_Found]) -> frozenset[str]:
    """The domains that are not the feed's: not its own, nor that of so many links that they cannot be advertisements.

    Feeds are often hosted elsewhere than the site they are of. The site that a feed names is a home of it, but some
    name an advertiser's: that makes strangers of the others only if many links lead there.
    """
    links = Counter(each.domain for each in found)
    often = {domain for domain, count in links.items() if count > HOME_SHARE * len(found)}
    own, named = _domains(homes), _domains([site_url] if site_url else [])
    if (own & links.keys()) or (named & often):
        often = {domain for domain in often if links[domain] > SECOND_HOME_SHARE * len(found)}
    return frozenset(links.keys() - own - named - often)


def _domains(urls: Iterable[str]) -> set[str]:
    return {registrable_domain(url) for url in urls if urlsplit(url).hostname}


def _is_new_form(matches: Sequence[_Match]) -> bool:
    """Whether nearly all that was known has changed: then the feed is written in another way, not the stories."""
    known = sum(match.revision > 0 for match in matches)
    return known >= FORM_ENTRIES and sum(match.has_changed for match in matches) >= FORM_SHARE * known


def _warning(feed: Feed, found: Sequence[_Found], away: frozenset[str], *, new_form: bool) -> str | None:
    strangers = sum(each.domain in away for each in found)
    if feed.off_site == "drop" and strangers * 2 > len(found):
        return (
            f"{strangers} of {len(found)} entries link to other sites and are passed over (off_site: follow takes them)"
        )
    return "nearly all entries changed at once: taken for a change of the feed's form" if new_form else None


def _entry(feed: Feed, each: _Found, revision: int, titles: tuple[str, ...], now: datetime, *, is_away: bool) -> Entry:
    found = each.entry
    own = found.title[:KNOWN_TITLE_CHARACTERS]
    uses_content = feed.content == "feed" or (feed.content == "auto" and found.is_full)
    return Entry(
        feed_id=feed.feed_id,
        url=found.url,
        source=Source(name=feed.name, domain=each.domain),
        title=found.title,
        summary=found.summary,
        authors=found.authors,
        published_at=found.published_at,
        updated_at=found.updated_at,
        discovered_at=now,
        revision=revision,
        content=found.content if uses_content else None,
        content_type=found.content_type if uses_content else None,
        known_titles=tuple(islice((title for title in titles if title != own), KNOWN_TITLES)),
        is_off_site=is_away,
    )


__all__ = ["LINK_CHARACTERS", "News", "Outcome", "entries_from", "failed", "link_digest", "plan"]
