import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.json_ld import json_ld_nodes, story_node
from tests.cleaner.pages import NOW, URL, article_of, html_page

STORY = {"@type": "NewsArticle", "headline": "A row, grows", "url": "https://example.org/a"}
WRITTEN = json.dumps(STORY)
PARAGRAPH = "The harbour board met on Friday to hear the complaint of the ferry crews. " * 8


@pytest.mark.parametrize(
    "script",
    [
        WRITTEN,
        f"<!-- {WRITTEN} -->",
        f"<![CDATA[\n{WRITTEN}\n]]>",
        f"//<![CDATA[\n{WRITTEN}\n//]]>",
        f"/*<![CDATA[*/{WRITTEN}/*]]>*/",
        f"{WRITTEN};",
        WRITTEN.replace("}", ",}"),
        f"[{WRITTEN} , ,\n]",
        WRITTEN.replace('"', "&quot;"),
        WRITTEN.replace("NewsArticle", "News\\Article"),
    ],
)
def test_what_is_nearly_json_is_read(script: str) -> None:
    assert [dict(node) for node in json_ld_nodes([script])] == [STORY]


def test_line_breaks_in_strings_and_objects_in_a_row_are_read() -> None:
    script = '{"@type": "WebSite", "name": "The\nCourier"}\n{"@type": "NewsArticle"},{"@type": "Person",}'
    nodes = list(json_ld_nodes([script]))
    assert [node["@type"] for node in nodes] == ["WebSite", "NewsArticle", "Person"]
    assert nodes[0]["name"] == "The\nCourier"


def test_nothing_in_a_string_is_taken_for_a_fault() -> None:
    (node,) = json_ld_nodes([r'{"headline": "One,} two,]\u00e9 \- three", }'])
    assert node["headline"] == "One,} two,]é - three"


@pytest.mark.parametrize(
    "script", [",", '"', '\\"', '"\\"', "{", '{"a":', ", ", "[1,", "&quot;", "//", "<!--", "\\"], ids=repr
)
def test_half_a_megabyte_of_one_fault_is_read_in_linear_time(script: str) -> None:
    hostile = script * (500_000 // len(script))
    assert list(json_ld_nodes([hostile, "{" + hostile])) == []


@given(st.text(alphabet='{}[]",:\\ \n&quot;a1', max_size=80))
def test_no_script_breaks_it(script: str) -> None:
    assert all(isinstance(node, dict) for node in json_ld_nodes([script]))


OTHER = {"@type": "NewsArticle", "headline": "Another story", "author": {"name": "Cy Dee"}}
OWN = {"@type": "NewsArticle", "headline": "Harbour row grows again", "author": {"name": "Ann Lee"}}


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"url": URL}, {"mainEntityOfPage": "https://example.org/o"}),
        ({"mainEntityOfPage": {"@id": "http://www.example.org/news/story/#page"}}, {}),
        ({"@id": "/news/story?utm_source=x#article", "headline": "Short"}, {"headline": "Harbour row grows again"}),
        ({"mainEntityOfPage": [{"@type": "WebPage", "url": URL}]}, {"url": "http://["}),
        ({}, {}),
        ({"url": None, "mainEntityOfPage": True}, {"url": 3, "headline": ["x"]}),
    ],
)
def test_of_several_articles_the_one_of_this_page_is_told(own: dict[str, object], other: dict[str, object]) -> None:
    nodes: list[dict[str, object]] = [{**OTHER, **other}, {"@type": "WebPage", "url": URL}, {**OWN, **own}]
    assert story_node(nodes, [URL], ["Harbour row grows again | Courier"]) is nodes[2]


def test_without_a_sign_the_first_article_is_told() -> None:
    assert story_node([{}, OTHER, OWN], [URL], ["Something else"]) is OTHER
    assert story_node([{}, OTHER], [], []) is OTHER
    assert story_node([{"@type": "WebPage"}], [URL], []) == {}


@pytest.mark.parametrize("in_one", [True, False])
def test_metadata_and_body_are_not_those_of_another_story(in_one: bool) -> None:
    address = "https://example.org/2026/row"
    other = {
        **OTHER,
        "mainEntityOfPage": "https://example.org/o",
        "datePublished": "2026-11-01T08:00:00Z",
        "image": "https://example.org/o.jpg",
        "articleBody": "A wholly other story about ferries. " * 60,
    }
    own = {**OWN, "url": address, "datePublished": "2026-11-02T08:00:00Z", "image": "https://example.org/s.jpg"}
    blocks = [[other, own]] if in_one else [other, own]
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(block)}</script>' for block in blocks)
    page = html_page(
        f'<html><head><link rel="canonical" href="/2026/row">{scripts}</head>'
        f"<body><article><h1>Harbour row</h1><p>{PARAGRAPH}</p></article></body></html>"
    )
    article = article_of(page)
    assert (article.title, article.authors) == ("Harbour row grows again", ("Ann Lee",))
    assert article.published_at is not None
    assert article.published_at < NOW.replace(month=11, day=3)
    assert article.published_at.day == 2
    assert article.lead_image == "https://example.org/s.jpg"
    assert "wholly other" not in article.text
