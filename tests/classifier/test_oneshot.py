"""One text in, the tags out: what the one-shot command reads and prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.oneshot import article_from, render_text
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy
from copydesk_shared.errors import InputError
from copydesk_shared.messages import ClassifiedArticle
from tests.classifier.samples import NOW, article


def test_plain_text_is_a_paragraph_a_line_without_a_title() -> None:
    made = article_from("First line.\r\n\n  Second line.  \n", NOW)
    assert made.paragraphs == ("First line.", "Second line.")
    assert (made.title, made.language, made.word_count, made.fetched_at) == ("", None, 4, NOW)
    assert made.url.startswith("urn:sha256:")
    assert made.canonical_url == made.url
    assert made == article_from("First line.\nSecond line.", NOW)
    assert made.article_id != article_from("Other.", NOW).article_id


def test_plain_text_is_composed_and_has_no_soft_hyphens() -> None:
    assert article_from("El avio\u0301n ate\u00adrrizo\u0301.", NOW) == article_from("El avión aterrizó.", NOW)


def test_the_json_of_an_article_comes_through_whole() -> None:
    story = article("The ferry left.", title="A ferry")
    assert article_from(story.model_dump_json(), NOW) == story
    assert article_from("\ufeff  \n" + story.model_dump_json(indent=2), NOW) == story


def test_what_classify_prints_can_be_classified_again(ferries: Taxonomy) -> None:
    first = classify(article("The ferry left."), ferries)
    assert classify(article_from(first.model_dump_json(), NOW), ferries) == first


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no text"),
        (" \n\t\n", "no text"),
        ('{"article_id": "a",\n "revision" 1}', "line 2, column 13: not valid JSON: expected `:`"),
        ('{"article_id": "a"', "line 1, column 18: not valid JSON"),
        ('{"a": "\\ud800"}', "not valid JSON"),
        ('{"a":' * 5000, "not valid JSON"),
        ("{}", "not the JSON of an article: article_id: is missing"),
        ('{"article_id": 7}', "not the JSON of an article: article_id: must be text"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        article_from(text, NOW)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_text_that_only_starts_like_json_is_text() -> None:
    assert article_from("{sic} he said", NOW).paragraphs == ("{sic} he said",)


@given(st.text())
def test_any_text_is_an_article_or_one_complaint(text: str) -> None:
    try:
        made = article_from(text, NOW)
    except InputError as error:
        complaint = str(error)
    else:
        complaint = ""
        assert all(paragraph.strip() for paragraph in made.paragraphs)
    assert "\n" not in complaint


def test_people_see_each_tag_with_its_evidence(ferries: Taxonomy) -> None:
    shown = render_text(classify(article("The ferry left the quay.", title="A ferry"), ferries), colour=False)
    assert shown.splitlines()[:4] == [
        "ferry  5.60 (threshold 2)  Ferries  medtop:20000337",
        "   +3.20  boats  title: A [ferry]",
        "   +1.20  boats  The [ferry] left the quay.",
        "   +1.20  harbour  The ferry left the [quay].",
    ]
    assert shown.endswith(f"classifier {ferries.version}\n")


def test_colour_is_only_used_when_asked(ferries: Taxonomy) -> None:
    classified = classify(article("The ferry left."), ferries)
    assert "\x1b[1;33mferry\x1b[0m" in render_text(classified, colour=True)
    assert "\x1b" not in render_text(classified, colour=False)


def test_no_tag_is_said_plainly_and_candidates_come_after(ferries: Taxonomy) -> None:
    nothing = render_text(classify(article("A bus left."), ferries), colour=False)
    assert nothing.startswith("No tag reached its threshold.\n")
    assert "Close" not in nothing
    foreign = render_text(classify(article("Matkustajia oli sata.", language="fi"), ferries), colour=False)
    assert foreign.startswith("No tag has words in the language 'fi': none is tried.\n")
    near = render_text(classify(article("The gangway fell."), ferries), colour=False)
    assert near.index("No tag") < near.index("Close, but no tag:") < near.index("ferry  1.20")


def test_long_texts_are_cut_around_the_evidence(ferries: Taxonomy) -> None:
    shown = render_text(classify(article("w " * 40 + "The ferry left." + " w" * 40), ferries), colour=False)
    line = next(each for each in shown.splitlines() if "[ferry]" in each)
    assert line.count("…") == 2
    assert len(line) < 140


def test_a_terminal_obeys_nothing_that_stands_in_the_text(ferries: Taxonomy) -> None:
    classified = classify(article("\x1b]0;owned\x07 The ferry\u202e left.\x9b2J"), ferries)
    shown = render_text(classified, colour=False)
    assert isinstance(classified, ClassifiedArticle)
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "[ferry]" in shown
