"""The bundled articles: that the data says what the rest relies on."""

import re
from collections import Counter

import pytest

from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import YamlDocument
from copydesk_standalone.demo.article import Article, load_articles
from copydesk_standalone.demo.pages import SECTIONS

ARTICLES = load_articles()
BY_SLUG = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.slug)
SMALL = """\
slug: a
title: A
summary: s
authors: [A B]
section: world
template: broadsheet
channels: [rss]
tags: []
body: [One., Two., {more: Three}, {quote: Four.}, {caption: Five, credit: PA}, {junk: Six}, {headline: Seven}]
"""


def test_there_are_enough_articles_of_each_kind() -> None:
    templates = Counter(article.template for article in ARTICLES)
    assert len(ARTICLES) - templates["wire"] >= 16
    assert min(templates.values()) >= 4
    assert set(templates) == {"broadsheet", "careless", "tabloid", "wire"}


def test_the_first_batch_holds_at_least_six_pages_and_every_feed_has_something() -> None:
    first = [article for article in ARTICLES if article.age_minutes is not None]
    assert sum(article.template != "wire" for article in first) >= 6
    assert {channel for article in first for channel in article.channels} == {"rss", "atom", "wire"}


def test_each_tag_has_several_articles_and_some_have_none_or_more_than_one() -> None:
    counts = Counter(tag for article in ARTICLES for tag in article.tags)
    assert all(counts[tag] >= 4 for tag in ("conflict", "aviation", "prisoner-exchange"))
    assert sum(not article.tags for article in ARTICLES) >= 8
    assert sum(len(article.tags) > 1 for article in ARTICLES) >= 4
    assert any(len(article.tags) == 3 for article in ARTICLES)


def test_names_are_not_used_twice() -> None:
    for values in ([a.slug for a in ARTICLES], [a.title for a in ARTICLES]):
        assert len(values) == len(set(values))


@BY_SLUG
def test_an_article_is_of_newspaper_length(article: Article) -> None:
    paragraphs = article.expected_paragraphs()
    assert 6 <= len(paragraphs) <= 14
    assert 150 <= sum(len(text.split()) for text in paragraphs) <= 600


@BY_SLUG
def test_the_story_itself_holds_no_junk_and_no_stray_space(article: Article) -> None:
    for text in article.expected_paragraphs():
        assert text == " ".join(text.split())
        assert not re.search(r"READ MORE|Getty|Shutterstock|EPA|\bPA\b|AFP|\(Image|newsletter", text)


@BY_SLUG
def test_every_article_carries_junk_of_some_kind(article: Article) -> None:
    assert article.pictures()
    assert article.junk_lines() or article.template == "wire"


@BY_SLUG
def test_sections_and_channels_fit_the_template(article: Article) -> None:
    if article.template == "wire":
        assert (article.section, article.channels) == ("wire", ("wire",))
    else:
        assert article.section in SECTIONS
        assert article.channels
        assert "wire" not in article.channels


def test_one_article_is_corrected_in_its_text_and_its_summary() -> None:
    (article,) = [article for article in ARTICLES if article.corrected_after is not None]
    before, after = article.expected_paragraphs(), article.expected_paragraphs(revised=True)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    assert article.reads_summary(revised=True) != article.reads_summary(revised=False)


def test_only_that_article_reads_differently_when_revised() -> None:
    changed = [a.slug for a in ARTICLES if a.expected_paragraphs() != a.expected_paragraphs(revised=True)]
    assert changed == [a.slug for a in ARTICLES if a.corrected_after is not None]


def test_what_is_story_and_what_is_junk() -> None:
    article = YamlDocument(SMALL, "small.yaml").validate(Article)
    assert article.expected_paragraphs() == ("One.", "Two.", "Four.")
    assert article.junk_lines() == ("READ MORE: Three", "Six", "Seven")
    assert [picture.caption for picture in article.pictures()] == ["Five"]
    assert article.path == "/world/a"


@pytest.mark.parametrize(
    ("wrong", "instead", "line"),
    [
        ("section: world", "section: world\ncolour: red", 6),
        ("tags: []", "tags: [weather]", 8),
        ("template: broadsheet", "template: broadsheeet", 6),
        ("{junk: Six}", "{jnuk: Six}", 9),
        ("body: [One., Two., ", "body: [", 9),
    ],
)
def test_a_mistake_in_an_article_is_named_with_its_line(wrong: str, instead: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"^small\.yaml:{line}: "):
        YamlDocument(SMALL.replace(wrong, instead), "small.yaml").validate(Article)
