"""The page as people use it, in Chromium by Playwright: live updates, keyboard, and what axe says of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article, fused_article
from tests.api.servers import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    store.write([("fused", fused_article()), ("a", article("a", minutes=-5))], {})
    yield store
    store.close()


@pytest.fixture
def site(filled: Store) -> Iterator[str]:
    with serving(create_app(filled, ApiSettings())) as url:
        yield url


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A page that has no complaint at its end, of the policy or of a script; it goes before its server does."""
    assert site
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def test_new_articles_are_told_and_shown_when_asked_for(page: Page, site: str, filled: Store) -> None:
    with page.expect_response("**/v1/stream?tag=conflict") as stream:
        page.goto(f"{site}/?tag=conflict")
    assert stream.value.status == 200
    notice = page.locator("#live")
    assert notice.is_hidden()
    filled.write([("other", article("other", tags=("aviation",))), ("b", article("b", minutes=9))], {})
    notice.wait_for()
    assert notice.inner_text() == "1 new article"
    filled.write([("b", article("b", revision=2, text="Corrected.")), ("c", article("c", minutes=10))], {})
    expect(notice).to_have_text("2 new articles")
    assert page.locator(".entry").count() == 2, "nothing moves under the reader's eyes"
    page.get_by_role("link", name="2 new articles").click()
    expect(page.locator(".entry")).to_have_count(4)
    assert page.locator(".entry h2").first.inner_text() == "Title of c"
    assert page.url == f"{site}/?tag=conflict"


def test_a_search_and_an_older_page_are_not_live(page: Page, site: str) -> None:
    page.goto(f"{site}/?q=copy")
    assert page.locator("#live").count() == 0


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/", "/?q=nothing", "/?tag=conflict", "/articles/fused", "/articles/fused?removed=1", "/articles/none", "/docs"],
)
def test_axe_finds_nothing(browser: Browser, site: str, path: str, colours: str) -> None:
    # axe brings its script along, which the policy of the page would refuse
    context = browser.new_context(color_scheme=colours, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site}{path}")
    found = Axe().run(page)
    context.close()
    assert found.violations_count == 0, found.generate_report()


def test_by_keyboard_from_the_top_to_an_article_and_what_was_removed(page: Page, site: str) -> None:
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.locator("#q").focus()
    page.keyboard.type("cargo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=cargo")
    page.get_by_role("link", name="Cargo plane hit over the strait").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles/fused")
    page.get_by_role("link", name="Show what was removed").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles/fused?removed=1")
    assert page.locator("del.cut").count() > 0


def test_the_article_says_what_it_is_to_programs(page: Page, site: str) -> None:
    page.goto(f"{site}/articles/fused")
    said = json.loads(page.locator('script[type="application/ld+json"]').inner_text())
    assert (said["@type"], said["headline"]) == ("NewsArticle", "Cargo plane hit over the strait")
    assert said["@id"] == f"{site}/articles/fused"
    assert page.locator('link[rel="canonical"]').get_attribute("href") == "https://harbourgull.example/fused"
    page.goto(site)
    feeds = page.locator('link[rel="alternate"]')
    assert [feeds.nth(i).get_attribute("href") for i in range(3)] == [
        "/v1/feed.atom", "/v1/feed.rss", "/v1/feed.json",
    ]  # fmt: skip
