"""Pages and their articles, for the tests of the cleaner."""

from datetime import UTC, datetime
from pathlib import Path

from copydesk_cleaner.stage import clean
from copydesk_shared.messages import Article, Page, Source
from copydesk_shared.stage import Emit

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
URL = "https://example.org/news/story"
ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHARED_DATA = ROOT.parent / "shared" / "data" / "clean"


def text_page(text: str, *, title: str = "", known_titles: tuple[str, ...] = ()) -> Page:
    return Page(
        article_id="a" * 20,
        url=URL,
        canonical_url=URL,
        source=Source(name="Example", domain="example.org"),
        content_type="text/plain",
        content=text,
        fetched_at=NOW,
        entry_title=title,
        known_titles=known_titles,
    )


def html_page(html: str, *, known_titles: tuple[str, ...] = ()) -> Page:
    return text_page(html, known_titles=known_titles).model_copy(update={"content_type": "text/html"})


def article_of(page: Page) -> Article:
    outcome = clean(page)
    assert isinstance(outcome, Emit), outcome
    return outcome.message


def cleaned_text(page: Page) -> str:
    """The article's text, or nothing where the page was dropped."""
    outcome = clean(page)
    return outcome.message.text if isinstance(outcome, Emit) else ""
