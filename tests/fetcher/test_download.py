import gzip
import random
from collections.abc import Awaitable, Callable

import pytest

from copydesk_fetcher.download import Downloader, download_stage
from copydesk_fetcher.http import Client
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import DeadLetterReason, DropReason, Poison, Retryable
from copydesk_shared.identity import article_id
from copydesk_shared.log import Record
from copydesk_shared.marks import marked
from copydesk_shared.messages import Entry, Page, Source
from copydesk_shared.retries import ATTEMPT
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.telemetry import CURRENT_RECORD
from copydesk_shared.topics import DISCOVERED, FETCHED

from .conftest import Settings
from .samples import NOW
from .site import Site, answer, raw

Handler = Callable[..., Awaitable[None]]


@pytest.fixture
def downloader(client: Client, settings_with: Settings) -> Downloader:
    return Downloader(client, settings_with(page_bytes=20_000))


def entry_at(url: str, **more: object) -> Entry:
    given = {
        "feed_id": "news", "url": url, "source": Source(name="The News", domain="news.example"), "title": "T",
        "authors": ("Ann",), "published_at": NOW, "discovered_at": NOW, "revision": 3, "known_titles": ("Other",), **more,
    }  # fmt: skip
    return Entry.model_validate(given)


async def page_of(downloader: Downloader, entry: Entry) -> Page:
    outcome = await downloader.handle(entry)
    assert isinstance(outcome, Emit), outcome
    return outcome.message


async def test_a_page_carries_what_the_entry_knew(site: Site, downloader: Downloader) -> None:
    site.pages["/a?utm_source=rss"] = answer("<title>T</title>Café", content_type="text/html; charset=utf-8")
    page = await page_of(downloader, entry_at(site.url("/a?utm_source=rss")))
    assert page.content == "<title>T</title>Café"
    assert (page.url, page.canonical_url) == (site.url("/a?utm_source=rss"), site.url("/a"))
    assert page.article_id == article_id(site.url("/a"))
    assert (page.feed_id, page.revision, page.source.name) == ("news", 3, "The News")
    assert (page.entry_title, page.entry_authors, page.entry_published_at) == ("T", ("Ann",), NOW)
    assert page.known_titles == ("Other",)


async def test_the_same_article_has_the_same_id_by_every_road(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    story = answer('<html><head><link rel="canonical" href="/the-story-of-the-day-4711">')
    site.pages |= {
        "/the-story-of-the-day-4711": story,
        "/the-story-of-the-day-4711?print=1": story,
        "/moved": answer("", 301, location="/the-story-of-the-day-4711?print=1"),
    }
    site.pages["/header"] = answer(
        "plain", content_type="text/plain", link='</the-story-of-the-day-4711>; rel="canonical"'
    )
    roads = ("/the-story-of-the-day-4711", "/the-story-of-the-day-4711?print=1", "/moved", "/header")
    pages = [await page_of(Downloader(client, settings), entry_at(site.url(road))) for road in roads]
    assert {page.article_id for page in pages} == {article_id(site.url("/the-story-of-the-day-4711"))}


async def test_another_site_cannot_claim_the_article(site: Site, downloader: Downloader) -> None:
    site.pages["/a"] = answer('<head><link rel="canonical" href="https://evil.example/a">')
    assert (await page_of(downloader, entry_at(site.url("/a")))).canonical_url == site.url("/a")


async def test_full_text_from_the_feed_needs_no_download(site: Site, downloader: Downloader) -> None:
    entry = entry_at(site.url("/a?utm_source=x"), content="<p>All of it.", content_type="text/html")
    page = await page_of(downloader, entry)
    assert (page.content, page.content_type) == ("<p>All of it.", "text/html")
    assert (page.url, page.canonical_url) == (site.url("/a?utm_source=x"), site.url("/a"))
    assert site.requests == []


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [("text/html", "text/html"), ("application/xhtml+xml; charset=utf-8", "text/html"), ("TEXT/PLAIN", "text/plain"),
     ("", "text/html")],
)  # fmt: skip
async def test_kinds_of_pages(site: Site, downloader: Downloader, content_type: str, kind: str) -> None:
    site.pages["/a"] = answer("text", content_type=content_type)
    assert (await page_of(downloader, entry_at(site.url("/a")))).content_type == kind


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answer("", 404), DropReason.NOT_FOUND),
        (answer("", 410), DropReason.NOT_FOUND),
        (answer("", 401), DropReason.WALL),
        (answer("", 402), DropReason.WALL),
        (answer("", 403), DropReason.REFUSED),
        (answer("", 451), DropReason.REFUSED),
        (answer("", 418), DropReason.REFUSED),
        (answer("", 302), DropReason.REFUSED),
        (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), DropReason.NO_ARTICLE),
        (answer("x", content_type="application/pdf"), DropReason.UNSUPPORTED_CONTENT),
        (answer("x", content_type="image/svg+xml"), DropReason.UNSUPPORTED_CONTENT),
        (answer("x", content_encoding="sdch"), DropReason.UNSUPPORTED_CONTENT),
        (answer("", 302, location="/a"), DropReason.REFUSED),
        (answer("", 302, location="http://10.0.0.1/"), DropReason.REFUSED),
        (answer("", 302, location="https://[::ffff:a9fe:a9fe]/latest/meta-data/"), DropReason.REFUSED),
        (answer("", 302, location="file:///etc/passwd"), DropReason.REFUSED),
    ],
)
async def test_what_is_dropped_and_why(
    site: Site, downloader: Downloader, handler: Handler, reason: DropReason
) -> None:
    site.pages["/a"] = handler
    outcome = await downloader.handle(entry_at(site.url("/a")))
    assert isinstance(outcome, Drop)
    assert outcome.reason is reason
    assert outcome.detail.startswith("http://127.0.0.1")


async def test_a_login_wall_is_called_one(site: Site, downloader: Downloader) -> None:
    site.pages["/a"] = answer("", 401)
    outcome = await downloader.handle(entry_at(site.url("/a")))
    assert outcome == Drop(DropReason.WALL, f"{site.url('/a')}: the server answered 401: a login wall")


PACKED = gzip.compress(random.Random(7).randbytes(5000))


@pytest.mark.parametrize("broken", [PACKED[:2000] + b"\xff" * 100 + PACKED[2100:], PACKED[:-100]], ids=["wrong", "cut"])
@pytest.mark.parametrize("attempts", [0, 1, 2])
async def test_broken_compressed_data_is_tried_a_few_times(
    site: Site, downloader: Downloader, attempts: int, broken: bytes
) -> None:
    site.pages["/a"] = answer(broken, content_encoding="gzip")
    retried = marked("fetcher.retry.short", Record(DISCOVERED.name, 0, 0, b"a", b"b"), {ATTEMPT: str(attempts)})
    record = Record(retried.topic, 0, 0, retried.key, retried.value, retried.headers)
    said = CURRENT_RECORD.set(record)
    try:
        with pytest.raises(Retryable if attempts < 2 else Poison, match="gzip data") as caught:
            await downloader.handle(entry_at(site.url("/a")))
    finally:
        CURRENT_RECORD.reset(said)
    assert isinstance(caught.value, Retryable) or caught.value.reason is DeadLetterReason.UNDECODABLE


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_what_may_pass_is_tried_again(site: Site, downloader: Downloader, status: int) -> None:
    site.pages["/a"] = answer("", status, retry_after="0")
    with pytest.raises(Retryable, match=f"answered {status}"):
        await downloader.handle(entry_at(site.url("/a")))


async def test_nobody_there_is_tried_again(downloader: Downloader) -> None:
    with pytest.raises(Retryable):
        await downloader.handle(entry_at("http://127.0.0.1:1/"))


async def test_a_page_over_the_limit_goes_to_the_dead_letters(site: Site, downloader: Downloader) -> None:
    site.pages["/a"] = answer("x" * 20_001)
    with pytest.raises(Poison) as caught:
        await downloader.handle(entry_at(site.url("/a")))
    assert caught.value.reason is DeadLetterReason.TOO_LARGE


async def test_an_inside_address_in_a_feed_is_dropped(site: Site, settings_with: Settings) -> None:
    site.pages["/a"] = answer("secret")
    settings: FetcherSettings = settings_with(allow_networks="")
    async with Client(settings) as client:
        outcome = await Downloader(client, settings).handle(entry_at(site.url("/a")))
    assert isinstance(outcome, Drop)
    assert outcome.reason is DropReason.REFUSED
    assert site.requests == []


def test_the_stage_reads_entries_and_writes_pages(downloader: Downloader) -> None:
    stage = download_stage(downloader)
    assert (stage.name, stage.source, stage.sink, stage.ordered) == ("fetcher", DISCOVERED, FETCHED, False)
