"""A megabyte of what makes a pattern look again from each place: within pytest's time-out only if it costs its length."""

from collections.abc import Callable

import pytest

from copydesk_fetcher.blocks import blocks
from copydesk_fetcher.bodies import body_digest
from copydesk_fetcher.feed_links import declared
from copydesk_fetcher.head import attributes, read_head
from copydesk_fetcher.pages import open_page
from copydesk_fetcher.parsing.bounds import first_entries, without_bombs
from copydesk_fetcher.parsing.dates import read_date
from copydesk_fetcher.parsing.dispatch import root_of
from copydesk_fetcher.parsing.relative import with_absolute_addresses
from copydesk_fetcher.parsing.skips import read_skips
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.walls import judge
from copydesk_fetcher.websub.links import hub_from_headers
from copydesk_shared.feed_charset import decode
from copydesk_shared.text import plain_text

CHARACTERS = 1_000_000
URL = "https://news.example/"
WALLS = '<div class="paywall">Subscribe to continue reading.</div>' * 20


def _judged(text: str) -> object:
    """Behind many walls, and with an end of a paragraph that everything before it may look for."""
    page = f"<body>{WALLS}{text}</p>"
    return judge(open_page(Fetched(200, URL, {"content-type": "text/html"}, page.encode())))


READERS: dict[str, Callable[[str], object]] = {
    "decode": lambda text: decode(f"<rss>{text}".encode(), "text/xml"),
    "root_of": root_of,
    "first_entries": lambda text: first_entries(text.encode(), 10),
    "without_bombs": lambda text: without_bombs(text.encode()),
    "read_skips": lambda text: read_skips(f"<skipDays>{text}".encode()),
    "plain_text": lambda text: plain_text(text, CHARACTERS),
    "with_absolute_addresses": lambda text: with_absolute_addresses(text, URL),
    "attributes": attributes,
    "read_head": read_head,
    "declared": lambda text: declared(text, text, URL),
    "hub_from_headers": lambda text: hub_from_headers(text, URL),
    "body_digest": lambda text: body_digest(URL, text.encode()),
    "read_date": read_date,
    "blocks": lambda text: list(blocks(text)),
    "judge": _judged,
}
UNITS = (
    " ", "\n", "<", "<a ", '"', "'", "a", "1", "&", "&#", "=", ";", "a:", " href=", '<a" ="', "<a' ='", "<?", "<?xml ",
    "<!--", "<![CDATA[", "<!DOCTYPE [", "<!ENTITY a ", "<author> ", "<link ", "<meta name=", "<svg ", "</item", "<skipDays>", ', a="', "<p>",
)  # fmt: skip


ENDLESS = f"&#{'9' * 5000};"


def test_a_character_reference_of_thousands_of_digits_is_an_unknown_character() -> None:
    assert plain_text(f"a {ENDLESS} b &eacute;", 1000) == "a \ufffd b é"
    assert attributes(f'<a href="/{ENDLESS}">') == {"href": "/\ufffd"}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", READERS)
def test_hostile_text_costs_no_more_than_its_length(name: str, unit: str) -> None:
    for start in ("", "<a "):
        READERS[name](start + unit * (CHARACTERS // len(unit)))
