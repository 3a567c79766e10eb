"""What is answered sooner is answered the same: parts of trafilatura, and addresses, by the longer way and the shorter."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from trafilatura import external
from trafilatura.settings import Extractor

from copydesk_cleaner.extraction.paragraphs import justext_rescue
from copydesk_cleaner.extraction.teasers import ABSOLUTE, is_other_page

SENTENCE = "The harbour board said on Monday that the old ferry would not sail again before the summer. "
PIECES = st.sampled_from(
    ["/", "//", ".", "..", "a", "b-c.html", "?", "#", "q=1", ";", ":", "@", "é", " ", "\n", "%20", "|"]
)
STARTS = st.sampled_from(
    ["", "/", "//", "http://a.example", "https://A.example", "https://b.example:80", "HTTP://a.example"]
)
OWN = ("https://a.example/news/ferry", "http://A.example", "https://b.example/", "urn:x")


@given(start=STARTS, pieces=st.lists(PIECES, max_size=6), url=st.sampled_from(OWN))
def test_an_address_is_understood_as_python_understands_it(start: str, pieces: list[str], url: str) -> None:
    written = start + "".join(pieces)
    own, address = urlsplit(url), written.strip()
    try:
        target = urlsplit(address if address.startswith(ABSOLUTE) else urljoin(url, address))
        expected = target.hostname == own.hostname and target.path not in {own.path, "", "/"}
    except ValueError:
        expected = False
    assert is_other_page(written, url, own) == expected


@pytest.mark.parametrize("language", [None, "en"])
def test_the_paragraphs_of_justext_are_the_same(language: str | None) -> None:
    blocks = "".join(
        f"<p>{SENTENCE * number}</p><div>Menu <a href='/{number}'>Sport {number}</a><br><br>\n Share  this</div>"
        f"<p>{SENTENCE}<a href='/x'>{SENTENCE * 3}</a></p><h2>The  pier</h2><p>© The Courier</p>"
        for number in range(5)
    )
    page = f"<html><body><nav><ul><li>Home</li><li>News</li></ul></nav><article>{blocks}</article></body></html>"
    options = Extractor(lang=language)
    told, text = justext_rescue(html.fromstring(page), options)
    expected, expected_text = external.justext_rescue(html.fromstring(page), options)
    assert text == expected_text
    assert SENTENCE.strip() in text
    assert [each.text for each in told] == [each.text for each in expected]
