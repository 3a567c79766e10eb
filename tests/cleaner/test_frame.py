"""Which part of a page is its story: parts between advertisements, frames, boxes, lists of updates, walls."""

import json

import pytest
from lxml import html

from copydesk_cleaner.extraction.boxes import without_boxes
from copydesk_cleaner.extraction.frame import frame_of
from copydesk_cleaner.extraction.layout import without_layout_lists
from tests.cleaner.pages import article_of, html_page

ONE = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
TWO = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
THREE = "The crews had asked for a break of twenty minutes between the last crossing and the first of the night."
FOUR = "Nobody on the board would say whether there was money for it, and nobody said that there was none."
LONG = [ONE, TWO, THREE, FOUR]


def _paragraphs(body: str, head: str = "") -> tuple[str, ...]:
    page = (
        f"<html><head><title>Board hears crews</title>{head}</head><body><h1>Board hears crews</h1>{body}</body></html>"
    )
    return article_of(html_page(page)).paragraphs


def _p(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def test_parts_of_a_class_are_one_story_with_the_sub_heads_between_them() -> None:
    parts = [f'<div class="article-body x1">{_p(text)}</div>' for text in LONG]
    parts.insert(2, "<div><h2>What the crews want</h2></div>")
    parts.insert(2, "<div>Advertisement</div>")
    assert _paragraphs("".join(parts)) == (ONE, TWO, "What the crews want", THREE, FOUR)


def test_the_body_of_another_article_is_no_part() -> None:
    articles = [
        f'<article><div class="article-body">{_p(*texts)}</div></article>' for texts in (LONG[:2] * 3, LONG[2:])
    ]
    assert THREE not in _paragraphs("".join(articles))


def test_a_page_without_known_classes_keeps_sub_heads_and_lists() -> None:
    story = f"{_p(ONE)}<h2>What they want</h2>{_p(TWO)}<ul><li>Breaks</li><li>Pay</li></ul>{_p(THREE, FOUR)}"
    found = _paragraphs(f'<div class="q7">{story}</div><div class="q8"><p>Read in other languages</p></div>')
    assert found == (ONE, "What they want", TWO, "- Breaks", "- Pay", THREE, FOUR)


def test_the_frame_is_the_smallest_element_with_most_of_the_long_paragraphs() -> None:
    tree = html.fromstring(f"<div><section>{_p(*LONG)}</section><aside>{_p('Short')}</aside></div>")
    frame, length = frame_of(tree)
    assert frame is not None
    assert (frame.tag, length) == ("section", sum(map(len, LONG)))


@pytest.mark.parametrize("markup", ["<div></div>", f"<div>{_p('Short')}</div>"])
def test_a_page_without_long_paragraphs_has_no_frame(markup: str) -> None:
    assert frame_of(html.fromstring(markup)) == (None, 0)


def test_what_holds_the_story_is_not_dropped_for_its_name() -> None:
    story = _p(*LONG * 3)
    found = _paragraphs(
        f'<article><div class="share">{story}</div><div class="sidebar">{_p(ONE + " Aside.")}</div></article>'
    )
    assert found[: len(LONG)] == tuple(LONG)
    assert f"{ONE} Aside." not in found


def test_a_box_that_asks_for_an_address_goes_and_the_story_around_it_stays() -> None:
    box = "<div><h3>The Quay Letter</h3><p>Every Friday.</p><form><input type=email></form></div>"
    tree = html.fromstring(f"<div>{_p(*LONG)}{box}{_p(ONE)}</div>")
    without_boxes(tree)
    assert tree.text_content() == "".join((*LONG, ONE))


def test_a_field_without_a_form_in_the_story_takes_nothing_with_it() -> None:
    tree = html.fromstring(f"<main>{_p(*LONG)}<input type=email></main>")
    without_boxes(tree)
    assert tree.text_content() == "".join(LONG)


@pytest.mark.parametrize("heading", ["Comments (3)", "12 Kommentare", "Commentaires", "Reader comments:"])
def test_comments_after_a_story_go(heading: str) -> None:
    tree = html.fromstring(f"<div>{_p(ONE)}<section><h3>{heading}</h3>{_p(TWO)}</section></div>")
    without_boxes(tree)
    assert tree.text_content() == ONE


@pytest.mark.parametrize("markup", [f"<h2>Comments</h2>{_p(ONE)}", f"{_p(ONE)}<h2>Comments on a draft</h2>{_p(TWO)}"])
def test_other_headings_about_comments_take_nothing_with_them(markup: str) -> None:
    tree = html.fromstring(f"<div>{markup}</div>")
    before = tree.text_content()
    without_boxes(tree)
    assert tree.text_content() == before


def test_lists_of_updates_are_blocks_and_lists_of_linked_stories_stay() -> None:
    tree = html.fromstring(
        f"<div><ol><li><h3>Road open</h3>{_p(ONE)}</li></ol><ul><li><h3><a href=/a>Ferry late</a></h3>{_p(TWO)}</li></ul></div>"
    )
    without_layout_lists(tree)
    assert [element.tag for element in tree.iter("ol", "ul", "li")] == ["ul", "li"]


@pytest.mark.parametrize("first", [ONE, f"Another story. {TWO}"])
def test_a_wall_longer_than_the_story_hides_no_body_of_the_same_story(first: str) -> None:
    data = json.dumps({"@type": "NewsArticle", "headline": "Board hears crews", "articleBody": "\n".join(LONG * 2)})
    wall = _p("Subscribe to unlock this story and all that the Courier publishes, on all of your devices, for a year.")
    found = _paragraphs(
        f"<article>{_p(first)}{wall}{wall.replace('year', 'month')}</article>",
        f'<script type="application/ld+json">{data}</script>',
    )
    assert (FOUR in found) == (first == ONE)


def test_a_standfirst_is_found_before_a_large_first_letter() -> None:
    standfirst = "Crews want twenty minutes between two crossings and the board wants time"
    found = _paragraphs(
        f'<p>{standfirst}</p><div class="article-body"><p><span>T</span>{ONE[1:]}</p>{_p(TWO, THREE, FOUR)}</div>',
        f'<meta name="description" content="{standfirst}">',
    )
    assert found[0] == standfirst
