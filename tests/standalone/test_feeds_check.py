"""``copydesk feeds check``: what would become of a URL, and why not, of all that a site can answer with."""

import asyncio
import gzip
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from copydesk_standalone.feeds.running import log_to_stderr
from copydesk_standalone.feeds.spelling import spelt_out
from copydesk_standalone.probes import free_port
from tests.fetcher.samples import rss, rss_of
from tests.fetcher.site import Request, Site, answer, serve
from tests.standalone.feeds_parts import ENVIRONMENT, Answer, facts, here, is_harmless, mistake
from tests.standalone.topic_brokers import copydesk

SENTENCE = "The ferry crossed the bay for the {}th time on Tuesday, and the captain said that the sea was calm. "
STORY = "".join(f"<p>{SENTENCE.format(number)}</p>" for number in range(4, 14))
PAGE = f"<html><head><title>Ferry returns</title></head><body><article><h1>Ferry returns</h1>{STORY}</article></body></html>"
URLSET = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
INDEX = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'
SEARCHING = "looking for feeds of this site...\n"
CONSENT = """<html><head><title>Before you continue</title></head><body><h1>We value your privacy</h1>
<p>We and our 743 partners store and access information on a device, such as cookies.</p>
<button>Accept all</button><button>Reject all</button><button>Manage options</button></body></html>"""


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve() as running:
        yield running


async def check(url: str, *options: str) -> Answer:
    return await asyncio.to_thread(here, "feeds", "check", url, *options)


async def said(url: str, code: int, *options: str) -> dict[str, str]:
    """What the report says, by name."""
    done = await check(url, *options)
    assert (done.returncode, done.stderr.replace(SEARCHING, "")) == (code, ""), done
    return dict(facts(done.stdout))


async def report(url: str, *options: str) -> dict[str, Any]:
    """The report as JSON, which is one line."""
    done = await check(url, "--format", "json", *options)
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["is_of_use"] == (done.returncode == 0)
    return found


@pytest.mark.parametrize("robots", ["obey", "skip"])
async def test_entries_at_an_address_that_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch, robots: str) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_ROBOTS", robots)
    site.pages["/feed"] = answer(
        rss_of("<item><title>Inside</title><link>http://169.254.169.254/latest/a-story-of-the-day</link></item>"),
        content_type="application/rss+xml",
    )
    (inside,) = (await report(site.url("/feed")))["entries"]
    assert inside["would be"].startswith("dropped: 169.254.169.254")


async def test_a_feed_with_each_of_its_entries(site: Site) -> None:
    full = f"<content:encoded><![CDATA[{STORY}]]></content:encoded>"
    items = (
        f"<item><title>Whole</title><link>{site.url('/whole')}</link>{full}</item>"
        f"<item><title>Short</title><link>{site.url('/short')}</link></item>"
        f"<item><title>Private</title><link>{site.url('/private/1')}</link></item>"
        "<item><title>Advertisement</title><link>https://shop.example/buy</link></item>"
        "<item><title>Nowhere</title></item>"
    )
    site.pages["/feed"] = answer(rss_of(items), content_type="application/rss+xml")
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    found = await report(site.url("/feed"))
    assert found["facts"]["would_be"] == "polled"
    assert found["facts"]["what_it_is"] == "a feed called 'News'"
    assert found["facts"]["robots_txt"] == "allows it"
    assert "1 entry has no usable link" in found["facts"]["warning"]
    become = {each["title"]: each["would be"].partition(":")[0] for each in found["entries"]}
    assert become == {
        "Whole": "taken from the feed, which has the full text",
        "Short": "downloaded",
        "Private": "dropped",
        "Advertisement": "dropped",
    }
    shown = await check(site.url("/feed"), "--entries", "1")
    assert shown.stdout.count(" | ") == 2
    assert site.count("/short") == 0, "nothing is downloaded that was not asked for"


async def test_a_sitemap_index(site: Site) -> None:
    dated = "<lastmod>2026-11-22T10:30:00Z</lastmod>"
    children = "".join(f"<sitemap><loc>{site.url(f'/map-{each}.xml')}</loc>{dated}</sitemap>" for each in range(3))
    site.pages["/sitemap.xml"] = answer(gzip.compress(INDEX.format(children).encode()), content_type="application/gzip")
    found = await said(site.url("/sitemap.xml"), 0)
    assert (found["what it is"], found["would be"]) == ("an index of 3 sitemaps", "polled")
    assert found["entries"] == "0; its sitemaps are read when it is polled"
    named = (await report(site.url("/sitemap.xml"), "--entries", "2"))["sitemaps"]
    assert named == [
        {"url": site.url(f"/map-{each}.xml"), "changed": "changed 2026-11-22 10:30 UTC"} for each in range(2)
    ]
    assert site.url("/map-2.xml") in (await check(site.url("/sitemap.xml"))).stdout


async def test_a_sitemap_is_called_one(site: Site) -> None:
    site.pages["/map.xml"] = answer(URLSET.format(f"<url><loc>{site.url('/1')}</loc></url>"), content_type="text/xml")
    site.pages["/map.txt"] = answer(f"{site.url('/1')}\n", content_type="text/plain")
    for path in ("/map.xml", "/map.txt"):
        assert (await said(site.url(path), 0))["what it is"] == "a sitemap"


async def test_a_site_with_feeds(site: Site) -> None:
    links = '<link rel="alternate" type="application/rss+xml" title="All the news" href="/all">'
    page = f"<html><head>{links}{links.replace('/all', '/gone')}</head><body>{STORY}</body></html>"
    site.pages["/"] = answer(page)
    site.pages["/all"] = answer(rss([("One", "/1")]), content_type="application/rss+xml")
    site.pages["/robots.txt"] = answer(f"Sitemap: {site.url('/map.xml')}\n", content_type="text/plain")
    site.pages["/map.xml"] = answer(URLSET.format(f"<url><loc>{site.url('/1')}</loc></url>"), content_type="text/xml")
    found = await report(site.url("/"))
    assert found["facts"]["what_it_is"] == "a web page"
    assert found["facts"]["as_a_feed"] == f"polled at {site.url('/all')}"
    by_url = {each["url"]: each for each in found["candidates"]}
    assert by_url[site.url("/all")]["found"] == "1 entry"
    assert by_url[site.url("/gone")]["problem"] == "the server answered 404"
    assert site.url("/map.xml") in by_url
    assert "All the news" in (await check(site.url("/"))).stdout


async def test_the_page_of_an_article(site: Site) -> None:
    canonical = f'<link rel="canonical" href="{site.url("/story")}">'
    site.pages["/story?utm_source=x"] = answer(PAGE.replace("<title>", f"{canonical}<title>"), x_robots_tag="noai")
    found = await said(site.url("/story?utm_source=x"), 0)
    assert found["as an article"].startswith("published as ")
    assert (found["canonical url"], found["access"]) == (site.url("/story"), "full")
    assert found["rights"] == "robots: noai; text and data mining: -"
    assert found["as a feed"] == "not polled: no feed and no sitemap was found"


async def test_a_consent_wall_is_no_article(site: Site) -> None:
    site.pages["/story"] = answer(CONSENT)
    found = await said(site.url("/story"), 1)
    assert found["as an article"].startswith("dropped (wall): ")


async def test_a_redirect_to_a_page_to_log_in_is_no_article(site: Site) -> None:
    site.pages["/story"] = answer("", 302, location="/login?return=/story")
    site.pages["/login?return=/story"] = answer("<html><body><p>Welcome back.</p></body></html>")
    found = await said(site.url("/story"), 1)
    assert found["as an article"].startswith("dropped (wall): ")
    assert found["as an article"].endswith("login-redirect")


async def test_the_search_for_feeds_is_told_and_not_made_from_a_page_that_says_it_is_an_article(site: Site) -> None:
    site.pages["/"] = site.pages["/story"] = answer(
        PAGE.replace("<title>", '<meta property="article:published_time" content="2026-11-01"><title>')
    )
    assert (await check(site.url("/"))).stderr == SEARCHING
    done = await check(site.url("/story"))
    assert (done.returncode, done.stderr) == (0, "")
    assert dict(facts(done.stdout))["as a feed"] == "not looked for: the page says that it is an article"


async def test_a_page_too_large_goes_to_the_dead_letters(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_PAGE_BYTES", "100000")
    site.pages["/story"] = answer(PAGE + "x" * 200_000)
    found = await said(site.url("/story"), 1)
    assert found["as an article"].startswith("sent to the dead letters (too-large): ")


async def test_a_page_that_robots_txt_does_not_allow(site: Site) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /\n", content_type="text/plain")
    site.pages["/story"] = answer(PAGE)
    found = await said(site.url("/story"), 1)
    assert found["robots.txt"].startswith("does not allow it")
    assert found["as an article"].startswith("dropped (robots)")


@pytest.mark.parametrize(
    ("handler", "would_be"),
    [
        (answer("nothing here", 404), "a failure: tried again after an hour, later and later"),
        (answer("", 403), "a failure: tried again after an hour, later and later"),
        (answer("", 410), "disabled (gone)"),
        (answer("", 429, retry_after="60"), "tried again; the host left alone for 60 s"),
        (answer("", 503), "tried again; the host left alone for 5 s"),
        (answer("", 500), "a failure: tried again, later and later"),
        (answer("just words", content_type="text/plain"), "not polled: "),
        (answer("", 302, location="/other"), "a failure: tried again after an hour, later and later"),
        (answer("", 302, location="/it"), "not fetched (redirect-loop)"),
        (answer("", 302, location="http://169.254.169.254/latest/meta-data/"), "not fetched (refused-address)"),
        (answer(b"x" * (11 << 20), content_type="text/xml"), "not fetched (too-large): as an article, sent to"),
    ],
    ids=["404", "403", "410", "429", "503", "500", "words", "redirected", "loop", "metadata", "large"],
)  # fmt: skip
async def test_why_not(site: Site, handler: Any, would_be: str) -> None:
    site.pages |= {"/it": handler, "/other": answer("", 410)}
    found = await said(site.url("/it"), 1)
    assert found["would be"].startswith(would_be)
    assert found["answer"]


async def test_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_ALLOW_NETWORKS", "")
    found = await said(f"http://127.0.0.1:{free_port()}/feed", 1)
    assert found["would be"] == "not fetched (refused-address)"
    assert found["answer"].startswith("none: 127.0.0.1 is not a public address")
    assert found["robots.txt"].startswith("not read: 127.0.0.1 is not a public address")


async def test_robots_txt_that_is_not_asked_for_says_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_ROBOTS", "skip")
    site.pages["/feed"] = answer(rss([]), content_type="application/rss+xml")
    found = await said(site.url("/feed"), 0)
    assert found["robots.txt"] == "not asked for (COPYDESK_FETCHER_ROBOTS is skip)"


def test_how_a_worker_process_ended_is_nobodys_business(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("asyncio")
    with log_to_stderr():
        logger.warning("Unknown child process pid %d, will report returncode 255", 7)
        logger.warning("Task was destroyed but it is pending!")
    logger.warning("Unknown child process pid %d, will report returncode 255", 8)
    assert [record.getMessage() for record in caplog.records] == ["Task was destroyed but it is pending!"]


async def test_nobody_there(site: Site) -> None:
    assert (await said(f"http://127.0.0.1:{free_port()}/", 1))["would be"] == "not fetched (connect)"


async def test_a_server_that_never_answers_is_given_up(site: Site) -> None:
    async def never(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    site.pages["/feed"] = site.pages["/robots.txt"] = never
    found = await said(site.url("/feed"), 1)
    assert found["would be"] in {"not fetched (slow)", "not fetched (timeout)"}
    assert found["robots.txt"].startswith("cannot be had now")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://files.example/feed", "ftp://files.example/feed: "),
        ("http://", "http://: "),
        ("https://user:secret@news.example/feed", "a URL with a user name or password in it is not taken"),
        ("\x1b[2J", "\\x1b[2J"),
        ("https://news.example/" + "x" * 5000, "more than 4096 characters"),
    ],
)
def test_what_is_no_url_is_one_line(url: str, problem: str) -> None:
    line = mistake(here("feeds", "check", url))
    assert problem in line
    assert is_harmless(line)
    assert len(line) < 600


def test_a_setting_that_cannot_be_used_is_one_line() -> None:
    line = mistake(copydesk("feeds", "check", "news.example", env={"COPYDESK_FETCHER_ROBOTS": "ignore"}))
    assert "COPYDESK_FETCHER_ROBOTS" in line


async def test_nothing_raw_of_what_a_site_says_reaches_the_terminal(site: Site) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp.exe"
    entries = [
        {"id": "1", "url": site.url("/1"), "title": evil},
        {"id": "2", "url": site.url("/2"), "title": "x" * 99_999},
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": evil, "items": entries}
    site.pages["/feed"] = answer(json.dumps(feed), content_type="application/json; \x9b31m")
    site.pages["/"] = answer(
        f'<html><head><link rel="alternate" type="application/rss+xml" title="{evil}" href="/feed"></head></html>'
    )
    for path in ("/feed", "/"):
        for options in ((), ("--format", "json")):
            done = await check(site.url(path), *options)
            assert done.returncode == 0
            assert is_harmless(done.stdout), (path, options)
    assert max(map(len, (await check(site.url("/feed"))).stdout.splitlines())) < 1200


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copydesk_standalone", "feeds", "check", "http://127.0.0.1:1/"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60, text=True,
        env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    "text",
    ["news.example", "news.example/feed?a=b:c", "nachrichten.münchen.example", "localhost:8080/feed", "[::1]:80/f"],
)
def test_a_url_may_be_written_without_its_scheme(text: str) -> None:
    assert spelt_out(text) == f"https://{text}"


@pytest.mark.parametrize("text", ["nonsense", "feed:x", "mailto:a@b.example", "a b.example", ""])
def test_what_is_no_host_stays_as_it_is(text: str) -> None:
    assert spelt_out(text) == text
    assert "URL" in mistake(here("feeds", "check", text))
