"""The cleaner and the classifier on every bundled article: the story exactly, none of the junk, the tags."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from copydesk_cleaner.stage import clean
from copydesk_shared import messages
from copydesk_shared.removals import restore
from copydesk_shared.stage import Emit
from copydesk_standalone.demo import Publisher
from copydesk_standalone.demo.article import Article, ReadMore, load_articles
from copydesk_standalone.demo.pages import render_wire
from copydesk_standalone.demo.schedule import Printed

BASE = "http://127.0.0.1:8099"
STARTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LATEST = 3600.0
CORRECTED = next(article for article in load_articles() if article.corrected_after is not None)

each_article = pytest.mark.parametrize("article", load_articles(), ids=lambda article: article.slug)


def printed(article: Article, seconds: float) -> Printed:
    paper = Publisher(lambda: STARTED + timedelta(seconds=seconds), STARTED, 5, BASE)
    return next(item for item in paper.printed() if item.article is article)


def known_titles(article: Article, seconds: float) -> Sequence[str]:
    """What the article's feed showed beside it when it appeared."""
    paper = Publisher(lambda: STARTED, STARTED, 5, BASE)
    appeared = max(printed(article, seconds).published, STARTED)
    others = [item for channel in article.channels for item in paper.schedule.printed(appeared, channel)]
    return tuple(dict.fromkeys(item.article.title for item in others if item.article is not article))


def content(article: Article, seconds: float) -> str:
    if article.template == "wire":
        return render_wire(printed(article, seconds))
    paper = Publisher(lambda: STARTED + timedelta(seconds=seconds), STARTED, 5, BASE)
    return paper.respond(article.path, {}).body.decode()


@cache
def cleaned(article: Article, seconds: float = LATEST) -> messages.Article:
    outcome = clean(
        messages.Page(
            article_id=article.slug,
            url=BASE + article.path,
            canonical_url=BASE + article.path,
            source=messages.Source(name="The Harbour Courier", domain="127.0.0.1"),
            content_type="text/html",
            content=content(article, seconds),
            fetched_at=STARTED + timedelta(seconds=seconds),
            entry_title=article.title,
            entry_authors=article.authors,
            entry_published_at=printed(article, seconds).published,
            known_titles=tuple(known_titles(article, seconds)),
        )
    )
    assert isinstance(outcome, Emit), outcome
    return outcome.message


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


@each_article
def test_the_story_comes_out_exactly(article: Article) -> None:
    assert cleaned(article).paragraphs == article.expected_paragraphs(revised=True)


@each_article
def test_no_line_of_junk_is_left(article: Article) -> None:
    text = cleaned(article).text
    left = [line for line in article.junk_lines() if line in text]
    left += [picture.caption for picture in article.pictures() if picture.caption in text]
    left += [picture.credit for picture in article.pictures() if f"({picture.credit})" in text]
    assert left == []


@each_article
def test_no_furniture_of_the_page_is_left(article: Article) -> None:
    text = cleaned(article).text.lower()
    for words in ("cookie", "inbox", "most read", "related stories", "comments (", "subscribe"):
        assert words not in text
    assert not [title for title in article.related if title in text]


@each_article
def test_title_author_and_dates_are_found(article: Article) -> None:
    found, wanted = cleaned(article), printed(article, LATEST)
    assert (found.title, found.authors, found.language) == (article.title, article.authors, "en")
    assert found.published_at == wanted.published
    if article.template != "wire":
        assert found.modified_at == wanted.updated


@each_article
def test_captions_and_credits_become_images(article: Article) -> None:
    found = {(image.caption, image.credit) for image in cleaned(article).images}
    wanted = {(picture.caption, picture.credit.removeprefix("Image: ")) for picture in article.pictures()}
    assert wanted <= found


@each_article
def test_labelled_pointers_become_related_links(article: Article) -> None:
    found = {link.title for link in cleaned(article).related_links}
    assert {block.more for block in article.body if isinstance(block, ReadMore)} <= found


@each_article
def test_what_was_cut_can_be_put_back(article: Article) -> None:
    whole = restore(cleaned(article))
    fused = [f"{picture.caption} ({picture.credit})" for picture in article.pictures()]
    if article.template in {"careless", "wire"}:
        assert all(caption in whole for caption in fused)
        assert all(line in whole for line in article.junk_lines())


def test_the_correction_is_a_change_of_content() -> None:
    before, after = cleaned(CORRECTED, 0.0), cleaned(CORRECTED, LATEST)
    assert before.paragraphs == CORRECTED.expected_paragraphs(revised=False)
    assert after.paragraphs == CORRECTED.expected_paragraphs(revised=True)
    assert before.content_hash != after.content_hash
    assert before.published_at == after.published_at


@each_article
def test_the_tags_are_those_expected(article: Article, taxonomy: Taxonomy) -> None:
    found = classify(cleaned(article), taxonomy)
    assert {tag.tag for tag in found.tags} & {"conflict", "aviation", "prisoner-exchange"} == article.tags
    assert all(tag.evidence for tag in found.tags)


def test_junk_in_the_body_would_have_led_to_wrong_tags(taxonomy: Taxonomy) -> None:
    """The bundled junk is tempting: cleaning is what keeps these tags away."""
    article = next(article for article in load_articles() if article.slug == "needle-exchange")
    tags = {tag.tag for tag in classify(cleaned(article), taxonomy).tags}
    dirty = cleaned(article).model_copy(
        update={"paragraphs": (*article.junk_lines() * 2, *cleaned(article).paragraphs)}
    )
    tempted = {"aviation", "conflict", "prisoner-exchange"}
    assert not tags & tempted
    assert {tag.tag for tag in classify(dirty, taxonomy).tags} & tempted
