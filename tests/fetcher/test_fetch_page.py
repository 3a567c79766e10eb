"""One page for a person: the page, or one line that says why there is none."""

import pytest

from copydesk_fetcher.http import fetch_page
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import InputError

from .conftest import Settings
from .site import Site, answer, raw
from .wall_pages import HONEST, TEASERS, WALLS


async def test_fetch_page_gives_the_page_of_a_url(site: Site, settings: FetcherSettings) -> None:
    site.pages["/a"] = answer("", 301, location="/story?utm_medium=x")
    site.pages["/story?utm_medium=x"] = answer("<h1>Häuser</h1>".encode("latin-1"), content_type="text/html")
    page = await fetch_page(site.url("/a"), settings)
    assert page.content == "<h1>Häuser</h1>"
    assert page.canonical_url == site.url("/story")
    assert (page.source.name, page.feed_id, page.revision) == ("127.0.0.1", None, 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("consent en", "a consent wall, not an article (rule consent-phrases)"),
        ("login form en", "a paywall, not an article (rule login-form)"),
        ("challenge by markup", "a wall, not an article (rule challenge-markup)"),
    ],
)
async def test_fetch_page_gives_no_wall_for_an_article(
    site: Site, settings: FetcherSettings, name: str, said: str
) -> None:
    site.pages["/a"] = answer(WALLS[name][0])
    with pytest.raises(InputError) as caught:
        await fetch_page(site.url("/a"), settings)
    assert str(caught.value) == f"{site.url('/a')}: {said}"


async def test_fetch_page_says_how_much_of_the_story_there_is(site: Site, settings: FetcherSettings) -> None:
    site.pages["/a"] = answer(TEASERS["phrase en"][0])
    site.pages["/b"] = answer(HONEST["banner en"])
    assert (await fetch_page(site.url("/a"), settings)).access == "paywall"
    assert (await fetch_page(site.url("/b"), settings)).access == "full"


async def test_a_redirect_to_a_page_to_log_in_gives_no_article(site: Site, settings: FetcherSettings) -> None:
    site.pages["/a"] = answer("", 302, location="/login?return=/a")
    site.pages["/login?return=/a"] = answer("<p>Welcome back.</p>")
    with pytest.raises(InputError, match=r"a paywall, not an article \(rule login-redirect\)"):
        await fetch_page(site.url("/a"), settings)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://news.example/x", "not an absolute http or https URL"),
        ("http://10.1.2.3/", "10.1.2.3 is not a public address (private); COPYDESK_FETCHER_ALLOW_NETWORKS can allow"),
        ("http://127.0.0.1:{port}/missing", "the server answered 404"),
        ("http://127.0.0.1:{port}/picture", "content-type 'image/png'"),
        ("http://127.0.0.1:{port}/big", "larger than"),
        ("http://127.0.0.1:1/", "no connection to 127.0.0.1 port 1"),
    ],
)
async def test_fetch_page_says_in_one_line_why_there_is_none(
    site: Site, settings_with: Settings, url: str, problem: str
) -> None:
    site.pages["/picture"] = answer(b"\x89PNG", content_type="image/png")
    site.pages["/big"] = raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n" + b"x" * 5000)
    with pytest.raises(InputError) as caught:
        await fetch_page(url.format(port=site.port), settings_with(page_bytes=2000))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
