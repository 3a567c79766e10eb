"""The pages about sources, the pipeline, revisions and dead letters in Chromium: live, by keyboard, and what axe says."""

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from copydesk_api.app import create_app
from copydesk_api.operating.dead_letters import DeadLetters
from copydesk_api.operating.parts import Operating
from copydesk_api.operating.pipeline import Pipeline, sampled
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.web import pipeline as page_of_pipeline
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.topics import DEAD_LETTER, FETCHED
from tests.api.samples import article, fused_article
from tests.api.servers import serving
from tests.api.test_keys import ADMIN
from tests.api.test_pipeline import NOW, arrivals, filled, offsets
from tests.brokers import Broker, unique
from tests.standalone.letters import Letters, letter

pytestmark = pytest.mark.browser
T = TypeVar("T")
PHONE = 390
PATHS = (
    "/sources", "/sources/harbourgull.example", "/sources/none.example", "/pipeline", "/articles/a/revisions",
    "/articles/fused/revisions", "/articles/fused?removed=1", "/login", "/docs",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    store.write([("fused", fused_article()), ("a", article("a", minutes=-5))], {})
    store.write([("a", article("a", 2, "A longer piece of copy.\nAnd more.", ("aviation",)))], {})
    yield store
    store.close()


@pytest.fixture
def pipeline() -> Pipeline:
    return filled()


@pytest.fixture
def letters(request: pytest.FixtureRequest) -> Letters:
    embedded: Broker = request.getfixturevalue("embedded_broker")
    topic = unique("letters")
    embedded.create_topics(topic, partitions=2, config=DEAD_LETTER.config())
    aside(lambda: asyncio.run(ensure_topics(Brokers(embedded.bootstrap_servers))))
    return Letters(embedded, topic)


def aside(work: Callable[[], T]) -> T:
    """Done in a thread: Playwright has a loop running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def open_page(browser: Browser, complaints: list[str], **options: object) -> Page:
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), page.url


@pytest.mark.parametrize("with_script", [True, False])
def test_times_of_sources_are_relative_where_scripts_run(browser: Browser, store: Store, with_script: bool) -> None:
    complaints: list[str] = []
    with serving(create_app(store, ApiSettings())) as site:
        page = open_page(browser, complaints, java_script_enabled=with_script)
        for path in ("/sources", "/sources/harbourgull.example"):
            page.goto(f"{site}{path}")
            time = page.locator("time[data-relative]").first
            absolute, relative = re.compile(r"20\d\d, \d\d:\d\d UTC$"), re.compile(r"^\d+ (s|min|h|days) ago$")
            expect(time).to_have_text(relative if with_script else absolute)
            if with_script:
                expect(time).to_have_attribute("title", absolute)
        page.context.close()
    assert complaints == []


@pytest.mark.parametrize(("colours", "width"), [("light", PHONE), ("dark", 1280)])
def test_axe_finds_nothing(browser: Browser, store: Store, pipeline: Pipeline, colours: str, width: int) -> None:
    with serving(create_app(store, ApiSettings(), operating=Operating(pipeline=pipeline))) as site:
        # axe brings its script along, which the policy of the page would refuse
        size = {"width": width, "height": 844}
        page = open_page(browser, [], color_scheme=colours, viewport=size, bypass_csp=True)
        for path in PATHS:
            page.goto(f"{site}{path}")
            assert_accessible(page)
        page.context.close()


def test_the_figures_renew_themselves(
    browser: Browser, store: Store, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_pipeline, "SAMPLE_SECONDS", 0.1)
    complaints: list[str] = []
    with serving(create_app(store, ApiSettings(), operating=Operating(pipeline=pipeline))) as site:
        page = open_page(browser, complaints)
        page.goto(f"{site}/pipeline")
        expect(page.locator("tbody tr").first).to_contain_text("50")
        pipeline.samples.append(sampled(offsets(90, 100, letters=7), arrivals(2), NOW))
        expect(page.locator(".summary")).to_contain_text("7", timeout=30_000)
        expect(page.locator("tbody tr").first).to_contain_text("10")
        pipeline.away_since = NOW
        expect(page.get_by_role("alert")).to_contain_text("no answer since", timeout=30_000)
        assert page.locator("#stale").is_hidden()
        assert complaints == []
        page.context.set_offline(True)
        page.locator("#stale").wait_for(timeout=30_000)
        page.context.close()


def test_by_keyboard_from_an_article_to_what_has_changed(browser: Browser, store: Store) -> None:
    complaints: list[str] = []
    with serving(create_app(store, ApiSettings())) as site:
        page = open_page(browser, complaints)
        page.goto(f"{site}/articles/a")
        page.get_by_role("link", name="what has changed").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/articles/a/revisions")
        assert page.locator(".diff ins").first.inner_text() == "longer"
        assert page.locator(".diff del").first.inner_text() == "short"
        page.context.close()
    assert complaints == []


@pytest.mark.kafka
def test_an_admin_signs_in_reads_and_replays(browser: Browser, store: Store, letters: Letters) -> None:
    key = unique("key")
    aside(lambda: letters.bury(letter("other", b"{}"), letter(key, b'{"whole": true}', error="KeyError: 5")))
    operating = Operating(letters=DeadLetters(letters.brokers, letters.topic))
    with serving(create_app(store, ApiSettings(admin_key=ADMIN), operating=operating)) as site:
        page = open_page(browser, [], bypass_csp=True)
        page.set_default_timeout(60_000)
        page.goto(f"{site}/dead-letters")
        page.get_by_label("API key").fill(ADMIN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/dead-letters")
        assert_accessible(page)
        page.get_by_role("link", name="0/").or_(page.get_by_role("link", name="1/")).first.click()
        expect(page.locator("pre").last).to_contain_text('"whole": true')
        assert_accessible(page)
        page.go_back()
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Replay the chosen ones").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("1 letter replayed")
        assert_accessible(page)
        page.context.close()
    back = aside(lambda: letters.read("cleaner.retry.short", range(FETCHED.partitions)))
    assert [each.value for each in back if each.key == key.encode()] == [b'{"whole": true}']
