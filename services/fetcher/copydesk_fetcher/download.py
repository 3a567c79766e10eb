"""Entries to pages: the stage that downloads."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from prometheus_client import Counter

from copydesk_fetcher.head import Head
from copydesk_fetcher.hosts import Queued, as_page
from copydesk_fetcher.http import PAGE_ACCEPT, Client, is_page
from copydesk_fetcher.known import Known
from copydesk_fetcher.memory import Memories
from copydesk_fetcher.pages import OpenPage, open_page, page_from_feed, page_of
from copydesk_fetcher.responses import (
    Elsewhere,
    Fetched,
    FetchReason,
    Held,
    Refused,
    TooLarge,
    TooSlow,
    Unreachable,
    Unsupported,
)
from copydesk_fetcher.rights import TdmFiles, combine, declared, refusal
from copydesk_fetcher.robots import Robots, RobotsVerdict, product_token
from copydesk_fetcher.settings import ALLOW_SETTING, FetcherSettings
from copydesk_fetcher.walls import Judgement, judge, kept_back
from copydesk_shared.addresses import IPNetwork
from copydesk_shared.addresses import refusal as refused_address
from copydesk_shared.errors import DeadLetterReason, DropReason, Poison, Retryable, RetryClass
from copydesk_shared.identity import canonical_url, registrable_domain
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Entry, Page, Rights
from copydesk_shared.retries import attempt_of
from copydesk_shared.stage import Drop, Emit, Forward, Stage
from copydesk_shared.telemetry import CURRENT_RECORD
from copydesk_shared.topics import DISCOVERED, FETCHED, HOSTS_MEMORY, PAGES_KNOWN
from copydesk_shared.urls import plain_url
from copydesk_shared.wire import encode

NAME = "fetcher"
FETCHER_VERSION = "2"
OK = 200
SERVER_ERRORS = 500
LONGEST_JOURNEY = 5
# Compressed data may be broken in transit; what is still broken after so many waits is so at its source.
BROKEN_TIMES = 2
PORTS = {"http": 80, "https": 443}

DROPPED_STATUS: Mapping[int, DropReason] = {
    204: DropReason.NO_ARTICLE,
    205: DropReason.NO_ARTICLE,
    401: DropReason.WALL,
    402: DropReason.WALL,
    403: DropReason.REFUSED,
    404: DropReason.NOT_FOUND,
    405: DropReason.REFUSED,
    406: DropReason.UNSUPPORTED_CONTENT,
    410: DropReason.NOT_FOUND,
    415: DropReason.UNSUPPORTED_CONTENT,
    451: DropReason.REFUSED,
}
WALLS: Mapping[int, str] = {401: ": a login wall", 402: ": a paywall"}
RETRIED_STATUS: Mapping[int, RetryClass] = {
    408: RetryClass.TIMED_OUT,
    425: RetryClass.SERVER_ERROR,
    429: RetryClass.THROTTLED,
    503: RetryClass.THROTTLED,
}

DOWNLOADS = Counter(
    "copydesk_downloads_total",
    "What became of entries: pages, or the feed's text instead, by how much of the story it is; or why there is none.",
    ["outcome", "access"],
)

Result = Emit[Page] | Forward[Entry] | Drop


class RobotsRules(Protocol):
    """What robots.txt files say: :class:`copydesk_fetcher.robots.Robots`."""

    async def check(self, url: str) -> RobotsVerdict:
        """Whether this URL may be asked for. Raises :class:`Held`."""
        ...


class Reservations(Protocol):
    """What files of whole sites reserve: :class:`copydesk_fetcher.rights.TdmFiles`."""

    async def reservation(self, url: str) -> str | None:
        """What is reserved of this URL. Raises :class:`Held`."""
        ...


class _OneByOne:
    """Lets one entry of a page go on at a time: the next one finds out that the page is known."""

    def __init__(self) -> None:
        self._busy: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        lock, users = self._busy.get(url, (asyncio.Lock(), 0))
        self._busy[url] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            users = self._busy[url][1] - 1
            if users:
                self._busy[url] = (lock, users)
            else:
                del self._busy[url]


class Downloader:
    """Turns an entry into a page, once for all feeds that have it. The runner tries again what is :class:`Retryable`;
    the host is asked no sooner than it wishes, because a 429 or 503 holds the whole host.
    """

    def __init__(
        self,
        client: Client,
        settings: FetcherSettings,
        *,
        known: Known | None = None,
        memories: Memories | None = None,
        robots: RobotsRules | None = None,
        reservations: Reservations | None = None,
    ) -> None:
        self._client = client
        self._hosts = client.hosts
        self._settings = settings
        self._known = Known() if known is None else known
        self._memories = Memories() if memories is None else memories
        self._robots = robots or Robots(client.get, client.hosts, settings)
        self._reservations = reservations or TdmFiles(client.get, settings)
        self._token = product_token(settings.user_agent)
        self._one_by_one = _OneByOne()

    async def handle(self, entry: Entry) -> Result:
        """The page of an entry. Raises :class:`Retryable`, :class:`Poison` and :class:`DependencyDown`.

        A page that is too large is :class:`Poison`, not dropped: its dead letter can be replayed once the limit is
        raised, and nothing of the right content type should go missing unseen. Once a page is stored, what is known of
        it is written; after a crash in between it is fetched again.
        """
        try:
            result = await self._handled(entry)
        except Retryable as error:
            DOWNLOADS.labels(error.kind.value, "").inc()
            raise
        except Poison as error:
            DOWNLOADS.labels(error.reason.value, "").inc()
            raise
        DOWNLOADS.labels(*_labels(entry, result)).inc()
        return result

    async def _handled(self, entry: Entry) -> Result:
        seen = self._known.look(entry)
        if isinstance(seen, Drop):
            return seen
        if entry.content is not None:
            return self._emit(entry, page_from_feed(entry, _now()))
        try:
            url = plain_url(entry.url)
            domain = registrable_domain(url)
        except ValueError as error:
            return Drop(DropReason.REFUSED, f"{entry.url[:500]}: {error}")
        try:
            with self._hosts.place(domain):
                async with self._one_by_one.turn(canonical_url(url)):
                    return await self._fetched(entry, url)
        except Held:
            raise _put_off(url, self._hosts.queued(domain)) from None
        except Queued as error:
            raise _put_off(url, error) from None

    async def _fetched(self, entry: Entry, url: str) -> Result:
        seen = self._known.look(entry)
        if isinstance(seen, Drop):
            return seen
        verdict = await self._robots.check(url)
        if not verdict.allowed:
            return self._disallowed(url, verdict)
        in_file = await self._reservations.reservation(url)
        answer = await self._asked(entry, url)
        if not isinstance(answer, Fetched):
            return answer
        if answer.url != url:
            verdict = await self._robots.check(answer.url)
            if not verdict.allowed:
                return self._disallowed(answer.url, verdict)
        return self._used(entry, answer, verdict, in_file)

    def _disallowed(self, url: str, verdict: RobotsVerdict) -> Drop:
        """Raises :class:`Retryable` where nobody knows yet what robots.txt says."""
        if verdict.retry_seconds is not None:
            self._hosts.uplink.check()
            self._hosts.put_off(registrable_domain(url), verdict.retry_seconds)
            raise Retryable(f"{url}: its robots.txt cannot be had", RetryClass.THROTTLED, verdict.retry_seconds)
        return Drop(DropReason.ROBOTS, f"{url}: robots.txt says {verdict.directives}")

    async def _asked(self, entry: Entry, url: str) -> Fetched | Forward[Entry] | Drop:
        try:
            with as_page():
                fetched = await self._client.get(
                    url,
                    max_bytes=self._settings.page_bytes,
                    headers={"accept": PAGE_ACCEPT},
                    accepts=is_page,
                    same_domain=True,
                )
        except Elsewhere as error:
            return self._forwarded(entry, error.url)
        except Refused as error:
            return Drop(DropReason.REFUSED, f"{url}: {error}")
        except Unsupported as error:
            return Drop(DropReason.UNSUPPORTED_CONTENT, f"{url}: {error}")
        except TooLarge as error:
            raise Poison(f"{url}: {error}", DeadLetterReason.TOO_LARGE) from None
        except Held:
            raise
        except Unreachable as error:
            self._hosts.uplink.check()
            if error.reason is FetchReason.ENCODING and _times_put_off() >= BROKEN_TIMES:
                raise Poison(f"{url}: {error}, again and again", DeadLetterReason.UNDECODABLE) from None
            kind = RetryClass.TIMED_OUT if isinstance(error, TooSlow) else RetryClass.UNREACHABLE
            raise Retryable(f"{url}: {error}", kind) from None
        return fetched if fetched.status == OK or kept_back(fetched.status, entry) else _dropped(fetched)

    def _forwarded(self, entry: Entry, url: str) -> Forward[Entry] | Drop:
        """The entry for the owner of the domain that it leads to, who will ask whether that may be fetched."""
        if entry.hops >= LONGEST_JOURNEY:
            return Drop(DropReason.REFUSED, f"{entry.url}: redirected over more than {LONGEST_JOURNEY} domains")
        if reason := _inner_address(url, self._settings.allow_networks):
            return Drop(DropReason.REFUSED, f"{entry.url}: redirected to {url[:200]}: {reason}")
        return Forward(entry.model_copy(update={"url": url, "hops": entry.hops + 1}))

    def _used(self, entry: Entry, fetched: Fetched, verdict: RobotsVerdict, in_file: str | None) -> Result:
        """The page in an answer, where rights and walls let it be one."""
        now = _now()
        without_page = None if fetched.status == OK else kept_back(fetched.status, entry)
        opened = open_page(fetched) if without_page is None else OpenPage(fetched, "text/plain", "", Head())
        said = declared(fetched.headers, opened.head, agent=self._token, now=now, url=fetched.url)
        rights = combine(verdict, said, in_file, self._settings)
        if refused := refusal(rights, self._settings):
            return Drop(refused[0], f"{fetched.url}: {refused[1]}")
        judgement = without_page or judge(opened, entry)
        if judgement.is_wall and judgement.better == "page":
            return Drop(DropReason.WALL, f"{fetched.url}: {judgement.access}: {judgement.reason}")
        return self._emit(entry, _page(entry, opened, judgement, rights, now))

    def _emit(self, entry: Entry, page: Page) -> Emit[Page] | Drop:
        """The page as the next revision of what is known, by its own address and by the entry's."""
        seen = self._known.look(entry), self._known.look(entry, page)
        revision = 0
        for each in seen:
            if isinstance(each, Drop):
                return each
            revision = max(revision, each.revision)
        page = self._memories.completed(page.model_copy(update={"revision": revision}))
        self._known.expect(entry, page)
        return Emit(page, lambda: self._stored(entry, page))

    def _stored(self, entry: Entry, page: Page) -> Iterator[Outgoing]:
        for known in self._known.fetched(entry, page):
            yield encode(PAGES_KNOWN, known, stage=NAME, version=FETCHER_VERSION)
        if memory := self._memories.learn(page):
            yield encode(HOSTS_MEMORY, memory, stage=NAME, version=FETCHER_VERSION)


def _page(entry: Entry, opened: OpenPage, judgement: Judgement, rights: Rights, now: datetime) -> Page:
    """The text of the answer, or that of the feed where it is better; a wall's address is not the story's either."""
    if judgement.better == "page":
        return page_of(opened, now, entry, access=judgement.access, rights=rights)
    told = told_by_feed(entry)
    if judgement.is_wall:
        return page_from_feed(told, now, access=judgement.access, rights=rights)
    page = page_of(opened, now, entry, access=judgement.access, rights=rights)
    return page.model_copy(update={"content": told.content, "content_type": told.content_type})


def told_by_feed(entry: Entry) -> Entry:
    """The entry with the best that its feed told as its content."""
    return entry if entry.content else entry.model_copy(update={"content": entry.summary, "content_type": "text/plain"})


def _dropped(fetched: Fetched) -> Drop:
    """Why an answer without a page is dropped. Raises :class:`Retryable` where it may be another one later."""
    said = f"{fetched.url}: the server answered {fetched.status}"
    if fetched.status in RETRIED_STATUS or fetched.status >= SERVER_ERRORS:
        kind = RETRIED_STATUS.get(fetched.status, RetryClass.SERVER_ERROR)
        raise Retryable(said, kind, fetched.retry_after(_now()))
    return Drop(DROPPED_STATUS.get(fetched.status, DropReason.REFUSED), said + WALLS.get(fetched.status, ""))


def _times_put_off() -> int:
    """How often the entry that is being handled has come back from a retry topic."""
    record = CURRENT_RECORD.get()
    return attempt_of(record) if record is not None else 0


def _inner_address(url: str, allowed: Sequence[IPNetwork]) -> str | None:
    """Why an address that a URL spells out is not for us. What a name leads to is seen when it is connected to."""
    parts = urlsplit(url)
    try:
        address = str(ip_address(parts.hostname or ""))
    except ValueError:
        return None
    return refused_address(address, parts.port or PORTS[parts.scheme], allowed, ALLOW_SETTING)


def _put_off(url: str, error: Queued) -> Retryable:
    return Retryable(f"{url}: {error}", RetryClass.QUEUED, error.back_seconds)


def _labels(entry: Entry, result: Result) -> tuple[str, str]:
    if isinstance(result, Drop):
        return result.reason.value, ""
    if isinstance(result, Forward):
        return "forwarded", ""
    return "page" if entry.content is None else "feed", result.message.access


def _now() -> datetime:
    return datetime.now(UTC)


def download_stage(downloader: Downloader) -> Stage[Entry, Page]:
    """The stage of the fetcher. Pages of a host come as they are ready; readers order by revision."""
    return Stage(
        NAME, version=FETCHER_VERSION, source=DISCOVERED, sink=FETCHED, handle=downloader.handle, ordered=False
    )
