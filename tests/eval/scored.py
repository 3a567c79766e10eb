"""The two functions that the scorers of the developer data call."""

from tests.cleaner.pages import cleaned_text, html_page, text_page


def from_text(text: str, title: str | None) -> str:
    return cleaned_text(text_page(text, title=title or ""))


def from_html(html: str, url: str | None) -> str:
    page = html_page(html)
    return cleaned_text(page.model_copy(update={"url": url or page.url}))
