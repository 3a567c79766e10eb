"""A page on which everything is loaded that the first page needs. Its story is short, so that both extractors run."""

from datetime import UTC, datetime

from copydesk_cleaner.oneshot import page_from
from copydesk_shared.messages import Page

URL = "https://example.org/2026/ferries"
PARAGRAPHS = (
    "OLD QUAY, Jan 24 (Reuters) - The harbour board met on Friday to hear the ferry crews about the new timetable.",
    "READ MORE: Ferry crews walk out over winter timetable",
    "“Nobody asked us,” said Ada Holm, who has sailed for 30 years (and likes it).",
    "Ferries wait at the quay on Friday (Picture: Jo Bell/AP)",
    "Sign up to our newsletter",
)
TITLE = "Ferry crews walk out"


def sample() -> Page:
    """The page, whose article is of no use."""
    story = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    html = f"<html><title>{TITLE}</title><body><article><h1>{TITLE}</h1>{story}</article></body></html>"
    return page_from(html, kind="html", url=URL, now=datetime(2026, 1, 25, tzinfo=UTC))
