"""The pages: that a reader sees the story and the junk, and a parser finds the metadata."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree, html

from copydesk_standalone.demo import Publisher
from copydesk_standalone.demo.article import Article, load_articles
from copydesk_standalone.demo.pages import pieces, render_article, render_wire
from copydesk_standalone.demo.schedule import Printed

BASE = "http://127.0.0.1:8099"
STARTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAGES = tuple(article for article in load_articles() if article.template != "wire")
EVERY_PAGE = pytest.mark.parametrize("article", PAGES, ids=lambda article: article.slug)
HIDDEN = {"script", "style", "head", "title"}


def publisher() -> Publisher:
    """A newspaper of which all articles are out and all corrections made."""
    return Publisher(lambda: STARTED + timedelta(hours=1), STARTED, 5, BASE)


def page(article: Article) -> Any:
    response = publisher().respond(article.path, {})
    assert response.status == 200
    return html.document_fromstring(response.body.decode())


def visible(node: Any) -> Iterator[str]:
    if node.tag in HIDDEN or not isinstance(node.tag, str):
        return
    yield node.text or ""
    for child in node:
        yield from visible(child)
        yield child.tail or ""


def squeezed(text: str) -> str:
    return " ".join(text.split())


@EVERY_PAGE
def test_the_story_and_the_junk_stand_in_the_visible_text(article: Article) -> None:
    text = squeezed("".join(visible(page(article))))
    for paragraph in article.expected_paragraphs(revised=True):
        assert paragraph in text
    for line in article.junk_lines():
        assert line in text
    for picture in article.pictures():
        assert picture.caption in text
        assert picture.credit in text


@EVERY_PAGE
def test_the_page_has_the_furniture_of_a_real_one(article: Article) -> None:
    tree = page(article)
    for wanted in ("cookie", "masthead", "crumbs", "newsletter", "comments"):
        assert tree.xpath(f"//*[contains(concat(' ', @class, ' '), ' {wanted} ')]"), wanted
    text = squeezed("".join(visible(tree)))
    assert all(title in text for title in article.related)
    assert tree.xpath("//a[starts-with(@href, '#s')]")
    assert tree.xpath("count(//h1)") == 1.0


@EVERY_PAGE
def test_the_tags_of_a_page_balance(article: Article) -> None:
    source = publisher().respond(article.path, {}).body.decode()
    source = re.sub(r"<(meta|link|img|input)([^>]*)>", r"<\1\2/>", source.replace("<!DOCTYPE html>", ""))
    source = re.sub(r"<script.*?</script>", "", source, flags=re.DOTALL)
    assert etree.fromstring(source).tag == "html"


def news_article(tree: Any) -> dict[str, Any]:
    (text,) = tree.xpath("//script[@type='application/ld+json']/text()")
    data = json.loads(text)
    things = data if isinstance(data, list) else data.get("@graph", [data])
    (found,) = [thing for thing in things if thing["@type"] == "NewsArticle"]
    assert isinstance(found, dict)
    return found


@EVERY_PAGE
def test_metadata_agrees_with_the_article(article: Article) -> None:
    tree = page(article)
    data = news_article(tree)
    assert data["headline"] == article.title == tree.xpath("string(//meta[@property='og:title']/@content)")
    assert [author["name"] for author in data["author"]] == list(article.authors)
    assert tree.xpath("string(//link[@rel='canonical']/@href)") == BASE + article.path == data["mainEntityOfPage"]
    published = datetime.fromisoformat(data["datePublished"])
    assert published == datetime.fromisoformat(
        tree.xpath("string(//meta[@property='article:published_time']/@content)")
    )
    assert (datetime.fromisoformat(data["dateModified"]) > published) == (article.corrected_after is not None)
    assert len(data["image"]) == len(article.pictures())


@pytest.mark.parametrize("article", [a for a in PAGES if a.template == "careless"], ids=lambda article: article.slug)
def test_the_careless_template_fuses_caption_credit_and_paragraph(article: Article) -> None:
    paragraphs = {squeezed(node.text_content()) for node in page(article).xpath("//div[@class='story']/p")}
    story = article.expected_paragraphs(revised=True)
    for picture in article.pictures():
        start = f"{picture.caption} ({picture.credit})"
        assert any(start + text in paragraphs for text in story)


@pytest.mark.parametrize("article", [a for a in PAGES if a.template != "careless"], ids=lambda article: article.slug)
def test_the_other_templates_keep_pictures_in_figures(article: Article) -> None:
    captions = [squeezed(node.text_content()) for node in page(article).xpath("//figure/figcaption")]
    label = "Image: " if article.template == "tabloid" else ""
    assert captions == [f"{picture.caption} ({label}{picture.credit})" for picture in article.pictures()]


def test_every_link_and_picture_leads_somewhere() -> None:
    paper = publisher()
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        response = paper.respond(path, {})
        assert response.status == 200, path
        if response.headers["content-type"].startswith("text/html"):
            found = html.document_fromstring(response.body.decode()).xpath("//a/@href | //img/@src | //link/@href")
            local = {str(link).removeprefix(BASE).partition("#")[0] for link in found}
            waiting += sorted(link for link in local if link and link not in seen and link not in waiting)
    assert {article.path for article in PAGES} <= seen
    assert {"/rss.xml", "/atom.xml", "/wire.xml", "/style.css", "/about"} <= seen
    assert sum(path.startswith("/pictures/") for path in seen) == sum(len(article.pictures()) for article in PAGES)


HOSTILE = Article.model_validate(
    {
        "slug": "hostile", "title": "</script><script>alert(1)</script>", "summary": '"><b onclick=x>', "section": "world",
        "authors": ["<i>A</i>"], "channels": ["rss"], "tags": [], "template": "broadsheet", "related": ["<u>r</u>"],
        "body": [
            "<b>1</b>", "2 & 3 &amp; 4", {"caption": "<i>c</i>", "credit": "<i>d</i>"}, {"more": "<i>m</i>"},
            {"headline": "<i>h</i>"}, {"junk": "<i>j</i>"},
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize("template", ["broadsheet", "careless", "tabloid"])
def test_markup_in_an_article_stays_text(template: str) -> None:
    printed = Printed(HOSTILE.model_copy(update={"template": template}), STARTED, STARTED)
    tree = html.document_fromstring(render_article(BASE, printed).decode())
    assert not tree.xpath("//i | //u | //@onclick | //p/b")
    assert "alert(1)" not in " ".join(tree.xpath("//script[not(@type)]/text()"))
    assert news_article(tree)["headline"] == HOSTILE.title
    text = squeezed("".join(visible(tree)))
    assert "<b>1</b>" in text
    assert "2 & 3 &amp; 4" in text


def test_the_wire_text_is_paragraphs_with_captions_fused() -> None:
    article = next(article for article in load_articles() if article.template == "wire")
    tree = html.fragments_fromstring(render_wire(Printed(article, STARTED, STARTED)))
    assert {node.tag for node in tree} == {"p"}
    lines = [node.text_content() for node in tree]
    picture = article.pictures()[0]
    assert any(line.startswith(f"{picture.caption} ({picture.credit})") for line in lines)
    assert not any(line == f"{picture.caption} ({picture.credit})" for line in lines)


def test_a_picture_with_no_paragraph_after_it_stands_alone() -> None:
    printed = Printed(HOSTILE, STARTED, STARTED)
    kinds = [piece.kind for piece in pieces(printed, fuse=True)]
    assert kinds == ["paragraph", "paragraph", "picture", "read-more", "headline", "junk"]
