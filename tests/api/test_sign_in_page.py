"""Signing in as a person does, in Chromium by Playwright: a real browser keeps the cookie and says where it comes from."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article
from tests.api.servers import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """It goes before its server does."""
    assert site
    # axe brings its script along, which the policy of the page would refuse
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('sign-in-page') / 'api.db'}")
    opened.write([("a", article("a"))], {})
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    with serving(create_app(store, ApiSettings(read_access="key"))) as url:
        yield url


def axe(page: Page) -> str:
    found = Axe().run(page)
    return str(found.generate_report()) if found.violations_count else ""


def test_a_person_signs_in_reads_and_signs_out(page: Page, site: str, store: Store) -> None:
    token = KeyStore(store.engine).create("The night desk", Scope.READ).token
    page.goto(f"{site}/articles/a")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert axe(page) == ""
    page.keyboard.type("nonsense")  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is no key")
    assert axe(page) == ""
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/articles/a")
    expect(page.get_by_role("heading", name="Title of a")).to_be_visible()
    with page.expect_response("**/v1/stream*") as stream:  # what scripts ask for brings the cookie along
        page.goto(site)
    assert stream.value.status == 200
    assert page.evaluate("document.cookie") == "", "no script sees it"
    page.get_by_role("link", name="API key").click()
    expect(page.get_by_text("The night desk")).to_be_visible()
    assert axe(page) == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_another_site_gets_nothing_out_of_it(page: Page, site: str, store: Store) -> None:
    token = KeyStore(store.engine).create("x", Scope.ADMIN).token
    page.goto(f"{site}/login")
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("search")).to_be_visible()
    elsewhere = site.replace("127.0.0.1", "localhost")  # another site to a browser
    page.goto(f"{elsewhere}/login")
    status = page.evaluate(
        "url => fetch(url, {method: 'POST', credentials: 'include', mode: 'no-cors'}).then(a => a.status, () => -1)",
        f"{site}/logout",
    )
    assert status in (0, -1), "an answer that no script may read, or none at all"
    page.goto(site)
    expect(page.get_by_role("search")).to_be_visible()
