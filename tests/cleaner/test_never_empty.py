"""A text that says something comes out with words, and what comes out is clean."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copydesk_cleaner.never_empty import LEAST_SURE_FIRST
from copydesk_cleaner.stage import Cleaner, clean
from copydesk_cleaner.text import normalise
from copydesk_shared.errors import DropReason
from copydesk_shared.removals import restore
from copydesk_shared.stage import Drop
from tests.cleaner.pages import article_of, html_page, text_page
from tests.cleaner.test_accounting import PIECES

# Lines of which nothing stays in a longer text.
REMOVABLE = (
    "Advertisement",
    "By Jane Roe",
    "(Reuters)",
    "READ MORE: Ferry crews walk out over winter timetable",
    "Sign up to our free weekly newsletter",
    "Photo: Jane Roe/AP",
    "Ferries wait at the quay (Jane Roe/PA)",
    "A ferry is pictured at the quay on Friday, January 9, 2026. (AP Photo/Jane Roe)",
    "The dog, pictured, ran away. (Jane Roe/PA Wire)",
    "Copyright 2026 Harbour Press. All rights reserved.",
    "Lees ook: Twee aangehouden na brand in de haven",
    "© 2026 AFP",
    "Follow us on Facebook and Twitter",
    "图片来源：路透社",
    "___",
    "…",
)
JUNK = st.lists(st.sampled_from(REMOVABLE), min_size=1, max_size=6).flatmap(
    lambda lines: st.sampled_from(["\n", " ", ""]).map(lambda blank: blank.join(lines))
)
TEXTS = st.lists(st.one_of(st.sampled_from((*PIECES, *REMOVABLE)), st.text(max_size=20)), max_size=8).map("".join)


def has_word(text: str) -> bool:
    return any(map(str.isalnum, text))


LOOKS = {(kind, rule) for kind, rules in LEAST_SURE_FIRST for rule in rules}


@given(st.one_of(JUNK, TEXTS))
@example("The minister resigned. (Jane Roe/PA)")
@settings(max_examples=300, deadline=None)
def test_no_text_is_emptied_by_cuts_of_what_only_looks_like_it(text: str) -> None:
    text = normalise(text)
    outcome = clean(text_page(text))
    _, cuts = Cleaner(()).cuts(text_page(text))
    if isinstance(outcome, Drop) or not has_word(outcome.message.text):
        assert not any(has_word(cut.text) for cut in cuts if (cut.kind, cut.rule) in LOOKS)
    else:
        assert restore(outcome.message) == text


@given(st.lists(st.sampled_from(REMOVABLE), min_size=1, max_size=6).map("\n".join))
@settings(max_examples=200, deadline=None)
def test_what_was_taken_back_stays(text: str) -> None:
    once = clean(text_page(text))
    if not isinstance(once, Drop):
        assert article_of(text_page(once.message.text)).text == once.message.text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The minister resigned. (Jane Roe/PA)", "The minister resigned."),
        ("The dog, pictured, ran away. (PA Wire/Jane Roe)", "The dog, pictured, ran away."),
        ("Jane Roe, January 9, 2026. (AP Photo/Ann Moe)", "Jane Roe, January 9, 2026."),
        ("Advertisement\nFerries wait at the quay (Jane Roe/PA)", "Ferries wait at the quay"),
        ("READ MORE: Ferry crews walk out\nThe quay is shut. Photo: Jane Roe/PA", "The quay is shut."),
    ],
)
def test_what_is_told_by_its_look_alone_is_taken_back(text: str, left: str) -> None:
    assert article_of(text_page(text)).text == left


def test_a_caption_that_is_taken_back_is_no_image() -> None:
    article = article_of(text_page("Ferries wait at the quay (Jane Roe/PA)"))
    assert [(image.caption, image.credit) for image in article.images] == [("", "Jane Roe/PA")]


def test_an_item_of_a_feed_is_not_emptied_either() -> None:
    assert article_of(html_page("<p>Ferries wait at the quay (Jane Roe/PA)</p>")).text == "Ferries wait at the quay"


@pytest.mark.parametrize("text", ["", " \n ", "\u200b"])
def test_a_text_of_nothing_is_dropped(text: str) -> None:
    outcome = clean(text_page(text))
    assert isinstance(outcome, Drop)
    assert outcome.reason is DropReason.NO_ARTICLE
