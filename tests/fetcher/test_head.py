from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.head import HEAD_CHARACTERS, attributes, read_head
from copydesk_fetcher.pages import open_page, page_from_feed, page_of
from copydesk_fetcher.responses import Fetched
from copydesk_shared.messages import Entry, Rights, Source

URL = "https://news.example/a/story"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_one_pass_finds_everything() -> None:
    text = (
        "<!DOCTYPE html><HTML><HEAD><TITLE> A &amp; B\n C </TITLE><BASE HREF=/deep/>"
        '<meta charset="utf-8"><META NAME="Robots" CONTENT=" NoIndex "><meta content="1" name=\'tdm-reservation\'>'
        '<meta property="article:content_tier" content="locked"><meta name="robots" content="noarchive">'
        '<link rel="canonical" href="/one"><link href="/two" rel="alternate canonical"></HEAD><body>'
    )
    head = read_head(text)
    assert (head.title, head.base, head.canonicals) == ("A & B C", "/deep/", ("/one", "/two"))
    assert head.meta("robots") == ["NoIndex", "noarchive"]
    assert head.meta("tdm-reservation") == ["1"]
    assert head.meta("article:content_tier") == ["locked"]
    assert head.meta("description") == []
    assert text[head.end :].lower() == "</head><body>"


@pytest.mark.parametrize(
    "before",
    [
        "<!-- </head> -->",
        "<script>document.write('</head>')</script>",
        "<style>/* </head> */</style>",
        f"<script>{'x' * 100_000}</script>",
        f'<meta name="description" content="{"long " * 3000}">',
        '<meta property="og:title" content="x">' * 300,
        "<SCRIPT>'<link rel=canonical href=/no>'</SCRIPT>",
        "<template><link rel=canonical href=/no></template>",
        "İÄ新" * 1000,
    ],
)
def test_what_stands_before_does_not_hide_it(before: str) -> None:
    head = read_head(f'<html><head>{before}<link rel="canonical" href="/yes"><meta name=robots content=noai></head>')
    assert head.canonicals == ("/yes",)
    assert head.meta("robots") == ["noai"]


def test_a_head_that_never_ends_is_read_as_far_as_we_read() -> None:
    tag = '<link rel="canonical" href="/yes">'
    assert read_head(f"<html>{tag}<p>text").canonicals == ("/yes",)
    assert read_head(" " * HEAD_CHARACTERS + tag).canonicals == ()
    assert read_head("<p>" * HEAD_CHARACTERS).end == HEAD_CHARACTERS
    assert read_head("short").end == len("short")


@pytest.mark.parametrize(
    "part",
    ["<meta ", "<meta name=a content=b>", "<link canonical>", "a" * 50, "<base href=x>", "<title>", "< ", "\x80"],
)
def test_no_head_takes_long(part: str) -> None:
    head = read_head(part * (500_000 // len(part)))
    assert len(head.canonicals) <= 20
    assert sum(len(tags) for tags in head.metas.values()) <= 5500


def test_attributes_of_a_tag() -> None:
    assert attributes("""<a B=1 c='2 "' d="3 '&amp;" e = 5 b=6 f""") == {"b": "1", "c": '2 "', "d": "3 '&", "e": "5"}
    assert attributes("<meta " + "a" * 100_000) == {}
    assert attributes("<meta " + "a " * 100_000) == {}
    assert attributes('<meta a="' * 20_000) != {}


@given(st.text(alphabet="<>/metalinkscripthead!-\"'= éİ新\ud800\x00", max_size=300))
def test_no_head_breaks_it(text: str) -> None:
    assert 0 <= read_head(text).end <= len(text)


def answered(text: str, content_type: str = "text/html", **headers: str) -> Fetched:
    return Fetched(200, URL, {"content-type": content_type, **headers}, text.encode())


def test_a_page_says_how_much_of_it_there_is_and_what_is_reserved() -> None:
    rights = Rights(robots="noai", tdm="reserved")
    opened = open_page(answered('<html><head><link rel=canonical href="/b"></head>'))
    page = page_of(opened, NOW, access="partial", rights=rights)
    assert (page.access, page.rights, page.canonical_url) == ("partial", rights, "https://news.example/b")
    assert page_of(opened.fetched, NOW) == page.model_copy(update={"access": "full", "rights": Rights()})


def test_the_header_counts_before_the_head() -> None:
    fetched = answered('<head><link rel=canonical href="/b"></head>', link='</c>; rel="canonical"')
    assert page_of(fetched, NOW).canonical_url == "https://news.example/c"


def test_plain_text_has_no_head() -> None:
    opened = open_page(answered('<link rel=canonical href="/b">', "text/plain"))
    assert (opened.head.canonicals, opened.content_type) == ((), "text/plain")
    assert page_of(opened, NOW).canonical_url == URL


def test_a_page_made_of_the_feed_has_its_address_and_rights() -> None:
    entry = Entry(
        feed_id="f", url=f"{URL}/?utm_source=x", source=Source(name="N", domain="news.example"), discovered_at=NOW,
        content="<p>x</p>", revision=3,
    )  # fmt: skip
    page = page_from_feed(entry, NOW, access="consent", rights=Rights(tdm=""))
    assert (page.access, page.rights.tdm, page.revision, page.canonical_url) == ("consent", "", 3, f"{URL}/")
