import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.dates import parse_date
from copydesk_cleaner.json_ld import json_ld_nodes
from copydesk_cleaner.languages import primary_language
from copydesk_cleaner.metadata import (
    Figure,
    PageFacts,
    absolute,
    read_metadata,
)
from copydesk_cleaner.people import clean_authors
from tests.cleaner.pages import NOW, URL, article_of, html_page

ARTICLE = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebSite", "name": "Example"},
        {
            "@type": ["NewsArticle"],
            "headline": "Harbour row &amp; more",
            "author": [{"@type": "Person", "name": "By Ann Lee and Bo Ek"}, {"name": "https://example.org/ann"}],
            "datePublished": "2026-11-30T08:00:00+02:00",
            "dateModified": "2026-11-30T09:00:00Z",
            "isAccessibleForFree": "False",
            "inLanguage": "en-GB",
            "image": [{"url": "/a.jpg", "caption": "Crews at the gate (Picture: PA)"}, "https://example.org/b.jpg"],
        },
    ],
}


def test_json_ld_is_read_first() -> None:
    facts = PageFacts(
        json_ld=[json.dumps(ARTICLE)],
        meta={"og:title": ["Other"], "author": ["Nobody"]},
        title_tag="Harbour row | Example",
    )
    found = read_metadata(facts, URL, NOW)
    assert found.title == "Harbour row & more"
    assert "Other" in found.titles
    assert "Harbour row" in found.titles
    assert found.authors == ("Ann Lee", "Bo Ek")
    assert found.published_at == datetime(2026, 11, 30, 6, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert found.language == "en"
    assert found.paywalled
    assert [(image.url, image.caption, image.credit) for image in found.images] == [
        ("https://example.org/a.jpg", "Crews at the gate", "PA"),
        ("https://example.org/b.jpg", "", ""),
    ]


def test_meta_tags_fill_what_json_ld_lacks() -> None:
    facts = PageFacts(
        meta={
            "og:title": [" Harbour\n row "],
            "article:author": ["https://example.org/ann"],
            "author": ["Ann Lee, Example"],
            "og:site_name": ["Example"],
            "article:published_time": ["nonsense", "2026-11-30"],
            "og:image": ["https://example.org/lead.jpg"],
        },
        language="de_AT",
    )
    found = read_metadata(facts, URL, NOW)
    assert (found.title, found.authors, found.language) == ("Harbour row", ("Ann Lee",), "de")
    assert found.published_at == datetime(2026, 11, 30, tzinfo=UTC)
    assert [image.url for image in found.images] == ["https://example.org/lead.jpg"]


def test_a_picture_is_named_once() -> None:
    facts = PageFacts(
        meta={"og:image": ["https://example.org/a.jpg"]},
        figures=[Figure("/a.jpg", "Crews at the gate (PA)"), Figure(None, "Crews at the gate")],
    )
    (image,) = read_metadata(facts, URL, NOW).images
    assert (image.url, image.caption, image.credit, image.agencies) == (
        "https://example.org/a.jpg",
        "Crews at the gate",
        "PA",
        ("PA",),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-30T08:00:00Z", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("2026-11-30 08:00:00", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("Mon, 30 Nov 2026 08:00:00 +0100", datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("Tue, 03 Nov 2026 09:15:00 CET", datetime(2026, 11, 3, 8, 15, tzinfo=UTC)),
        ("Tue, 03 Nov 2026 09:15:00 EST", datetime(2026, 11, 3, 14, 15, tzinfo=UTC)),
        ("Tue, 03 Nov 2026 09:15:00 IST", datetime(2026, 11, 3, 9, 15, tzinfo=UTC)),
        ("November 3, 2026 9:15 am EDT", datetime(2026, 11, 3, 13, 15, tzinfo=UTC)),
        ("Tue, Nov 3, 2026 at 9:15 PM BST", datetime(2026, 11, 3, 20, 15, tzinfo=UTC)),
        ("3 November 2026 9:15 pm", datetime(2026, 11, 3, 21, 15, tzinfo=UTC)),
        ("2026-11-03 09:15 MESZ", datetime(2026, 11, 3, 7, 15, tzinfo=UTC)),
        (
            "Tue Nov 03 2026 09:15:00 GMT+0100 (Central European Standard Time)",
            datetime(2026, 11, 3, 8, 15, tzinfo=UTC),
        ),
        ("2031-01-01", None),
        ("1203-01-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (20261130, None),
    ],
)
def test_dates(value: object, expected: datetime | None) -> None:
    assert parse_date(value, NOW) == expected


def test_a_printed_date_with_a_strange_zone_warns_nobody() -> None:
    page = html_page(
        '<html><head><meta name="date" content="2026/11/03 09:15 XYT"></head><body><article>'
        f"<p>{'The harbour board met on Friday. ' * 20}</p></article></body></html>"
    )
    assert article_of(page).published_at == datetime(2026, 11, 3, tzinfo=UTC)


@given(st.text(max_size=60))
def test_no_text_breaks_the_dates(value: str) -> None:
    found = parse_date(value, NOW)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("en-GB", "en"), ("PT_br", "pt"), ("zul", "zul"), ("und", None), ("english", None), ("", None)],
)
def test_languages(tag: str, expected: str | None) -> None:
    assert primary_language(tag) == expected


def test_authors_are_people_and_each_once() -> None:
    names = ["By Ann Lee", "ANN LEE", "@annlee", "https://x.org/a", "Example", "Bo Ek; Cy Dee", "x" * 80, ""]
    assert clean_authors(names, "example") == ("Ann Lee", "Bo Ek", "Cy Dee")


@pytest.mark.parametrize(
    "script", ["", "{", "[" * 100_000, '"text"', "null", "<!-- {} -->", '{"@graph": 3}', "x" * 600_000]
)
def test_json_ld_that_is_no_use(script: str) -> None:
    assert [node for node in json_ld_nodes([script]) if "@type" in node] == []


@pytest.mark.parametrize("field", ["headline", "author", "datePublished", "image", "inLanguage", "@type"])
@pytest.mark.parametrize("value", [None, 3, True, [], {}, [[["x"]]], {"name": {"name": 1}}, [None, {"url": 5}]])
def test_json_ld_of_the_wrong_shape_is_passed_over(field: str, value: object) -> None:
    node = {"@type": "NewsArticle", "headline": "A title", field: value}
    found = read_metadata(PageFacts(json_ld=[json.dumps(node)], meta={"og:title": ["Other"]}), URL, NOW)
    assert found.title in {"A title", "Other", "x"}


@pytest.mark.parametrize(
    ("base", "address", "expected"),
    [
        (URL, "/a.jpg", "https://example.org/a.jpg"),
        (URL, "javascript:alert(1)", None),
        (URL, "data:image/png;base64,AA", None),
        (URL, "http://[", None),
        (URL, None, None),
        ("urn:sha256:00", "/a.jpg", None),
        ("urn:sha256:00", "https://e.org/a.jpg", "https://e.org/a.jpg"),
    ],
)
def test_addresses_of_pictures(base: str, address: str | None, expected: str | None) -> None:
    assert absolute(base, address) == expected


@pytest.mark.parametrize(
    ("headline", "heading", "tag", "site", "expected"),
    [
        ("Harbour row grows | Politics", "Harbour row grows", "", "Courier", "Harbour row grows"),
        ("Harbour row grows - The Courier", "", "", "The Courier", "Harbour row grows"),
        ("", "", "Harbour row grows | News | example.org", "", "Harbour row grows | News"),
        ("", "", "Harbour row grows — Example", "", "Harbour row grows"),
        ("Harbour - a row grows", "", "", "Courier", "Harbour - a row grows"),
        ("Row &amp;amp; ruin", "", "", "", "Row & ruin"),
        ("A long account of the row. " * 9, "Harbour row grows", "", "", "Harbour row grows"),
        ("Courier", "", "", "Courier", "Courier"),
        ("The Gazette: Council votes for bridge", "", "", "The Gazette", "Council votes for bridge"),
        ("The Gazette | Council votes for bridge", "", "", "The Gazette", "Council votes for bridge"),
        ("The Gazette: a history", "", "", "The Gazette", "The Gazette: a history"),
        ("Gazette readers: Council votes for bridge", "", "", "Gazette", "Gazette readers: Council votes for bridge"),
        ("Example: Council votes for bridge", "", "", "", "Example: Council votes for bridge"),
        ("What we know - so far - BBC News", "", "", "", "What we know - so far - BBC News"),
    ],
)
def test_the_title_is_the_headline_without_the_site(
    headline: str, heading: str, tag: str, site: str, expected: str
) -> None:
    facts = PageFacts(
        meta={"og:title": [headline], "og:site_name": [site]}, headings=[heading] if heading else [], title_tag=tag
    )
    found = read_metadata(facts, URL, NOW)
    assert found.title == expected


@pytest.mark.parametrize(
    ("tag", "lower", "expected"),
    [
        ("Ferry crews walk out - The Courier", ["Ferry crews walk out"], "Ferry crews walk out"),
        ("Ferry crews walk out | News | Courier", ["Most read", "Ferry crews walk out"], "Ferry crews walk out"),
        ("Sport | The Courier", ["Sport"], "Sport | The Courier"),
        ("Ferry crews walk out - The Courier", ["Ferry crews"], "Ferry crews walk out - The Courier"),
    ],
)
def test_a_heading_of_the_second_rank_may_be_the_headline(tag: str, lower: list[str], expected: str) -> None:
    assert read_metadata(PageFacts(title_tag=tag, lower_headings=lower), URL, NOW).title == expected


def test_all_titles_are_kept_as_written_too() -> None:
    facts = PageFacts(meta={"og:title": ["Row grows | Example"]}, headings=["The row"])
    assert read_metadata(facts, URL, NOW).titles == ("Row grows", "The row", "Row grows | Example")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Written by Ann Lee, PhD, and Bo Ek"], ("Ann Lee", "Bo Ek")),
        (["Von Ann Lee und Bo Ek"], ("Ann Lee", "Bo Ek")),
        (["Ann Lee - Courier Team"], ("Ann Lee",)),
        (["a.lee@example.org"], ()),
        (["Dec 9, 2025"], ()),
        (["105092"], ()),
        ([".css-1c {margin:0}", "Ann Lee"], ("Ann Lee",)),
        (["Ann Lee (AFP)"], ("Ann Lee",)),
        (["Anders Vonn"], ("Anders Vonn",)),
        (["Byron Lee"], ("Byron Lee",)),
        (["harbour.es"], ()),
        (["display:flex", "-ms-flex:0", "Written By", "Name"], ()),
        (["Ann Lee Fri"], ("Ann Lee",)),
        (["Ann Lee Published May 3"], ("Ann Lee",)),
        (["Ann Lee Dec", "Bo Decker", "May Frisch"], ("Ann Lee", "Bo Decker", "May Frisch")),
        (["Ann Lee, DVM Reviewed by Bo Ek"], ("Ann Lee",)),
        (["Ann Lee, Registered Dietitian, Bo Ek, Sr. Director of Operations"], ("Ann Lee", "Bo Ek")),
        (["Jane Roe and John Poe, Scotland Correspondent"], ("Jane Roe", "John Poe")),
        (["Jane Roe", "Scotland Correspondent"], ("Jane Roe",)),
        (["Jane"], ("Jane",)),
        (["Roe, Jane"], ("Jane Roe",)),
        (["Roe, Jane; O'Neil, John M.", "van Dyk, Mary-Ann"], ("Jane Roe", "John M. O'Neil", "Mary-Ann van Dyk")),
        (["Иванов, Пётр"], ("Пётр Иванов",)),
        (["Roe, Reuters", "Poe, PhD", "Doe, Editor"], ("Roe", "Reuters", "Poe", "Doe")),
        (["牛镛, 岳弘彬"], ("牛镛", "岳弘彬")),
        (["dpa, AFP"], ("dpa", "AFP")),
        (["Jane Roe, John Poe"], ("Jane Roe", "John Poe")),
        (["Jane Roe | Harbour Post", "Emily Post | John Poe"], ("Jane Roe", "Emily Post", "John Poe")),
        (["Nga Ann Lee", "作者：温素霞"], ("Ann Lee", "温素霞")),
    ],
)
def test_what_is_no_name_is_no_author(names: list[str], expected: tuple[str, ...]) -> None:
    assert clean_authors(names, "Courier") == expected


def test_an_author_that_is_a_reference_is_looked_up() -> None:
    graph = {
        "@graph": [
            {"@type": "NewsArticle", "headline": "Row", "author": {"@id": "#ann"}},
            {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
        ]
    }
    assert read_metadata(PageFacts(json_ld=[json.dumps(graph)]), URL, NOW).authors == ("Ann Lee",)


def test_section_keywords_and_lead_image() -> None:
    node = {"@type": "NewsArticle", "keywords": ["Ports", "ports", "Strikes &amp; pay", "26157981-b4f7-4929-adc1"]}
    facts = PageFacts(
        json_ld=[json.dumps(node)],
        meta={"article:section": ["Business"], "keywords": ["other"], "og:image": ["/lead.jpg"]},
    )
    found = read_metadata(facts, URL, NOW)
    assert found.keywords == ("Ports", "Strikes & pay")
    assert found.section == "Business"
    assert found.lead_image == "https://example.org/lead.jpg"


def test_no_date_is_in_the_future() -> None:
    assert parse_date("2026-12-01T20:00:00Z", NOW) == NOW
    assert parse_date("2026-12-03T20:00:00Z", NOW) is None


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"og:site_name": ["The Harbour Courier"]}, "The Harbour Courier"),
        ({"twitter:site": ["@courier"], "application-name": ["Courier"]}, "Courier"),
        ({"og:site_name": ["https://courier.example"]}, ""),
        ({"og:site_name": ["News " * 20]}, ""),
        ({}, ""),
    ],
)
def test_the_name_that_a_site_gives_itself(meta: dict[str, list[str]], expected: str) -> None:
    assert read_metadata(PageFacts(meta=meta), URL, NOW).site == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", "The Courier"), ("example.org", "The Courier"), ("Harbour feed", "Harbour feed")],
)
def test_a_source_of_which_only_the_domain_is_known_has_the_name_of_the_site(name: str, expected: str) -> None:
    head = '<html><head><meta property="og:site_name" content="The Courier"></head>'
    page = html_page(f"{head}<body><article><p>{'The harbour board met on Friday. ' * 20}</p></article></body></html>")
    source = page.source.model_copy(update={"name": name})
    assert article_of(page.model_copy(update={"source": source})).source.name == expected
