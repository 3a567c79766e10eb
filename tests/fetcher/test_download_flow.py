"""What stands between an entry and its page: other feeds, robots.txt, rights, walls, other domains, and busy hosts."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from prometheus_client import REGISTRY

from copydesk_fetcher.download import LONGEST_JOURNEY, Downloader, told_by_feed
from copydesk_fetcher.http import Client
from copydesk_fetcher.known import Known
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.uplink import DOMAINS_IN_A_ROW
from copydesk_shared.errors import DependencyDown, DropReason, Retryable, RetryClass
from copydesk_shared.messages import Entry, KnownPage
from copydesk_shared.stage import Drop, Emit, Forward
from copydesk_shared.topics import PAGES_KNOWN

from .conftest import Settings
from .site import Handler, Site, answer
from .test_download import entry_at, page_of

STORY = "<title>A story</title><p>" + "Something happened in the town on Sunday, and nobody knew why. " * 40


@pytest.fixture
async def client(settings: FetcherSettings) -> AsyncIterator[Client]:
    """Every name is this machine, and no other address is."""

    async def loopback(_: str, __: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with Client(settings, resolve=loopback) as running:
        yield running


def url(site: Site, host: str, path: str) -> str:
    return f"http://{host}.example:{site.port}{path}"


async def dropped(downloader: Downloader, entry: Entry) -> DropReason:
    outcome = await downloader.handle(entry)
    assert isinstance(outcome, Drop), outcome
    return outcome.reason


def stored(outcome: object) -> list[KnownPage]:
    """What is written once the page is stored."""
    assert isinstance(outcome, Emit)
    assert outcome.then is not None
    records = list(outcome.then())
    assert {record.topic for record in records} == {PAGES_KNOWN.name}
    return [KnownPage.model_validate_json(record.value or b"") for record in records]


async def test_an_article_of_many_feeds_is_fetched_once(site: Site, client: Client, settings: FetcherSettings) -> None:
    site.pages["/a?utm_source=x"] = answer(STORY)
    downloader = Downloader(client, settings)
    entries = [entry_at(site.url("/a?utm_source=x"), feed_id=f"feed{number}", revision=1) for number in range(8)]
    outcomes = await asyncio.gather(*(downloader.handle(entry) for entry in entries))
    pages = [outcome for outcome in outcomes if isinstance(outcome, Emit)]
    assert len(pages) == 1
    assert site.count("/a?utm_source=x") == 1
    [known] = stored(pages[0])
    assert known.url == site.url("/a")
    again = [await downloader.handle(entry.model_copy(update={"revision": 2})) for entry in entries[:1]]
    assert isinstance(again[0], Emit)
    assert again[0].message.revision == 2


async def test_two_addresses_of_one_story_are_one_page(site: Site, client: Client, settings: FetcherSettings) -> None:
    site.pages["/a"] = site.pages["/b"] = answer(f'<link rel="canonical" href="/story-of-today-2611">{STORY}')
    downloader = Downloader(client, settings)
    page = await page_of(downloader, entry_at(site.url("/a"), revision=1))
    assert page.canonical_url == site.url("/story-of-today-2611")
    for _ in range(2):
        assert await dropped(downloader, entry_at(site.url("/b"), feed_id="other", revision=1)) is DropReason.DUPLICATE
    assert site.count("/b") == 1, "the second time it is known where that leads"


async def test_what_another_owner_knew_is_not_fetched(site: Site, client: Client, settings: FetcherSettings) -> None:
    site.pages["/a"] = answer(STORY)
    first = Downloader(client, settings)
    written = stored(await first.handle(entry_at(site.url("/a"))))
    known = Known()
    known.restore(written)
    second = Downloader(client, settings, known=known)
    assert await dropped(second, entry_at(site.url("/a"))) is DropReason.DUPLICATE
    assert (await page_of(second, entry_at(site.url("/a"), revision=9))).revision == 9


async def test_text_of_a_feed_is_known_too(site: Site, client: Client, settings: FetcherSettings) -> None:
    downloader = Downloader(client, settings)
    entry = entry_at(site.url("/a"), content="<p>All of it.", content_type="text/html")
    [known] = stored(await downloader.handle(entry))
    assert (known.url, known.revision) == (site.url("/a"), 3)
    assert await dropped(downloader, entry) is DropReason.DUPLICATE
    assert await dropped(downloader, entry_at(site.url("/a"), feed_id="other", revision=1)) is DropReason.DUPLICATE
    assert site.requests == []


async def test_robots_txt_is_asked_once_and_obeyed(site: Site, client: Client, settings: FetcherSettings) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /closed\n", content_type="text/plain")
    site.pages["/open"] = answer(STORY)
    downloader = Downloader(client, settings)
    for path in ("/closed/1", "/closed/2"):
        assert await dropped(downloader, entry_at(site.url(path))) is DropReason.ROBOTS
    assert (await page_of(downloader, entry_at(site.url("/open")))).rights.robots == ""
    asked = [request.path for request in site.requests]
    assert asked.count("/robots.txt") == 1
    assert not any(path.startswith("/closed") for path in asked)


async def test_where_a_redirect_leads_robots_txt_has_its_say(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /closed\n", content_type="text/plain")
    site.pages["/open"] = answer("", 301, location=site.url("/closed/1"))
    site.pages["/closed/1"] = answer(STORY)
    downloader = Downloader(client, settings)
    assert await dropped(downloader, entry_at(site.url("/open"))) is DropReason.ROBOTS


def test_what_the_feed_carries_in_full_is_better_than_its_summary() -> None:
    entry = entry_at(
        "https://a.example/1", summary="In short.", content="<p>At length. " * 50, content_type="text/html"
    )
    assert told_by_feed(entry) is entry
    short = entry.model_copy(update={"content": None, "content_type": None})
    assert (told_by_feed(short).content, told_by_feed(short).content_type) == ("In short.", "text/plain")


async def test_without_a_robots_txt_that_can_be_had_it_is_tried_later(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/robots.txt"] = answer("", 500)
    with pytest.raises(Retryable, match=r"robots\.txt cannot be had") as caught:
        await Downloader(client, settings).handle(entry_at(site.url("/a")))
    assert caught.value.after_seconds == pytest.approx(300, abs=5)
    assert [request.path for request in site.requests] == ["/robots.txt"]
    (state,) = client.hosts.changed()
    assert state.queued == 1, "it waits, and operators see that"


@pytest.mark.parametrize(
    ("policies", "page", "reason", "robots", "tdm"),
    [
        ({}, answer(STORY, x_robots_tag="noindex"), DropReason.ROBOTS, None, None),
        ({"robots": "record"}, answer(STORY, x_robots_tag="noindex"), None, "noindex", ""),
        ({"robots": "skip"}, answer(STORY, x_robots_tag="noindex"), None, "", ""),
        ({}, answer(STORY, tdm_reservation="1"), None, "", "reserved"),
        ({"reservations": "obey"}, answer(STORY, tdm_reservation="1"), DropReason.RESERVED, None, None),
        ({"reservations": "obey"}, answer(f'<meta name="robots" content="noai">{STORY}'), DropReason.RESERVED, None, None),
        ({"reservations": "skip", "robots": "skip"}, answer(STORY, tdm_reservation="1"), None, None, None),
    ],
)  # fmt: skip
async def test_rights_are_obeyed_recorded_or_skipped(
    site: Site, client: Client, settings_with: Settings, policies: dict[str, str], page: Handler,
    reason: DropReason | None, robots: str | None, tdm: str | None,
) -> None:  # fmt: skip
    site.pages["/a"] = page
    downloader = Downloader(client, settings_with(**policies))
    if reason is not None:
        assert await dropped(downloader, entry_at(site.url("/a"))) is reason
        return
    rights = (await page_of(downloader, entry_at(site.url("/a")))).rights
    assert (rights.robots, rights.tdm) == (robots, tdm)


async def test_a_wall_is_never_published(site: Site, client: Client, settings: FetcherSettings) -> None:
    site.pages["/a"] = answer("<title>Just a moment...</title><p>Checking your browser.")
    downloader = Downloader(client, settings)
    assert await dropped(downloader, entry_at(site.url("/a"))) is DropReason.WALL
    told = "The council met on Sunday and decided to rebuild the harbour wall. " * 10
    page = await page_of(downloader, entry_at(site.url("/a"), summary=told, feed_id="full"))
    assert (page.content, page.content_type, page.access) == (told, "text/plain", "partial")
    assert page.canonical_url == site.url("/a")


TOLD = "The council met on Sunday and decided to rebuild the harbour wall. " * 10


@pytest.mark.parametrize(("status", "access"), [(401, "paywall"), (402, "paywall"), (403, "partial")])
async def test_the_feed_s_text_is_used_where_the_page_is_kept_back(
    site: Site, client: Client, settings: FetcherSettings, status: int, access: str
) -> None:
    site.pages["/a"] = answer("<p>Subscribe!", status, x_robots_tag="noarchive")
    page = await page_of(Downloader(client, settings), entry_at(site.url("/a"), summary=TOLD))
    assert (page.content, page.content_type, page.access) == (TOLD, "text/plain", access)
    assert (page.url, page.rights.robots) == (site.url("/a"), "noarchive")


async def test_what_may_not_be_kept_is_not_taken_from_the_feed_either(
    site: Site, client: Client, settings_with: Settings
) -> None:
    site.pages["/a"] = answer("", 403, x_robots_tag="noai")
    downloader = Downloader(client, settings_with(reservations="obey"))
    assert await dropped(downloader, entry_at(site.url("/a"), summary=TOLD)) is DropReason.RESERVED


async def test_a_summary_is_no_story_where_the_page_is_kept_back(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/a"] = answer("", 402)
    assert await dropped(Downloader(client, settings), entry_at(site.url("/a"), summary="In short.")) is DropReason.WALL


async def test_a_redirect_to_another_domain_is_for_its_owner(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/go"] = answer("", 301, location=url(site, "there", "/a"))
    downloader = Downloader(client, settings)
    outcome = await downloader.handle(entry_at(url(site, "here", "/go")))
    assert isinstance(outcome, Forward)
    assert (outcome.message.url, outcome.message.hops) == (url(site, "there", "/a"), 1)
    assert site.count("/a") == 0
    tired = entry_at(url(site, "here", "/go"), hops=LONGEST_JOURNEY)
    assert await dropped(downloader, tired) is DropReason.REFUSED


async def test_a_busy_host_puts_off_without_asking(site: Site, client: Client, settings: FetcherSettings) -> None:
    downloader = Downloader(client, settings)
    client.hosts.hold("127.0.0.1", 100)
    with pytest.raises(Retryable) as caught:
        await downloader.handle(entry_at(site.url("/a")))
    assert caught.value.kind is RetryClass.QUEUED
    assert caught.value.after_seconds == pytest.approx(85, abs=5), "a little before its turn"
    assert site.requests == []


async def test_who_waits_when_the_partitions_go_is_left_to_their_next_owner(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/a"] = answer(STORY)
    client.hosts.hold("127.0.0.1", 15)
    waiting = asyncio.create_task(Downloader(client, settings).handle(entry_at(site.url("/a"))))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    client.hosts.close()
    with pytest.raises(Retryable) as caught:
        await waiting
    assert (caught.value.kind, caught.value.after_seconds) == (RetryClass.QUEUED, 0)


async def test_a_crawl_delay_of_robots_txt_slows_the_host(
    site: Site, client: Client, settings: FetcherSettings
) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nCrawl-delay: 40\n", content_type="text/plain")
    downloader = Downloader(client, settings)
    waiting = asyncio.create_task(downloader.handle(entry_at(site.url("/a"))))
    async with asyncio.timeout(60):
        while 40 not in [state.delay_seconds for state in client.hosts.changed()]:
            await asyncio.sleep(0.01)
    with pytest.raises(Retryable) as caught:
        await downloader.handle(entry_at(site.url("/b")))
    assert caught.value.kind is RetryClass.QUEUED
    assert 40 < (caught.value.after_seconds or 0) <= 81
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_when_sites_that_used_to_answer_fall_silent_the_network_is_away(
    site: Site, client: Client, settings_with: Settings
) -> None:
    site.pages["/a"] = answer(STORY)
    downloader = Downloader(client, settings_with(robots="skip", reservations="skip"))
    gone = [f"http://site{number}.example:1/a" for number in range(DOMAINS_IN_A_ROW)]
    for dead in gone:
        with pytest.raises(Retryable):
            await downloader.handle(entry_at(dead))
    for number in range(DOMAINS_IN_A_ROW):
        await page_of(downloader, entry_at(url(site, f"site{number}", "/a")))
    for dead in gone[:-1]:
        with pytest.raises(Retryable):
            await downloader.handle(entry_at(dead))
    with pytest.raises(DependencyDown):
        await downloader.handle(entry_at(gone[-1]))
    await page_of(downloader, entry_at(url(site, "fresh", "/a")))
    with pytest.raises(Retryable):
        await downloader.handle(entry_at(gone[0]))


async def test_outcomes_are_counted_without_addresses(site: Site, client: Client, settings: FetcherSettings) -> None:
    def count(outcome: str, access: str = "") -> float:
        labels = {"outcome": outcome, "access": access}
        return REGISTRY.get_sample_value("copydesk_downloads_total", labels) or 0.0

    kinds = [("page", "full"), ("feed", "full"), ("duplicate", ""), ("not-found", ""), ("server-error", "")]
    before = [count(*kind) for kind in kinds]
    site.pages |= {"/a": answer(STORY), "/broken": answer("", 500)}
    downloader = Downloader(client, settings)
    await downloader.handle(entry_at(site.url("/a")))
    await downloader.handle(entry_at(site.url("/a"), feed_id="other", revision=1))
    await downloader.handle(entry_at(site.url("/f"), content="All.", content_type="text/plain"))
    await downloader.handle(entry_at(site.url("/missing")))
    with pytest.raises(Retryable):
        await downloader.handle(entry_at(site.url("/broken")))
    assert [count(*kind) - earlier for kind, earlier in zip(kinds, before, strict=True)] == [1] * 5
