"""Messages for tests, small and valid."""

from datetime import UTC, datetime

from copydesk_shared.messages import Article, Entry, Page, Source

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCE = Source(name="The Harbour Courier", domain="courier.example")


def entry(number: int = 1) -> Entry:
    return Entry(
        feed_id="courier",
        url=f"https://courier.example/{number}",
        source=SOURCE,
        title=f"Story {number}",
        discovered_at=NOW,
    )


def page(number: int = 1, content: str = "A first sentence.\nA second one.") -> Page:
    return Page(
        article_id=f"article-{number}",
        url=f"https://courier.example/{number}",
        canonical_url=f"https://courier.example/{number}",
        source=SOURCE,
        content_type="text/plain",
        content=content,
        fetched_at=NOW,
    )


def article(number: int = 1, revision: int = 1, paragraphs: tuple[str, ...] = ("One.", "Two.")) -> Article:
    return Article(
        article_id=f"article-{number}",
        revision=revision,
        url=f"https://courier.example/{number}",
        canonical_url=f"https://courier.example/{number}",
        source=SOURCE,
        title=f"Story {number}",
        fetched_at=NOW,
        paragraphs=paragraphs,
        word_count=2,
        content_hash="0" * 64,
        simhash="0" * 16,
        cleaner_version="1",
    )
