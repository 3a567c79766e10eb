"""Feeds that are broken, or meant to break: what can be read of them is read, in bounded time, with a warning."""

import gzip
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_fetcher.parsing.bounds import DEPTH_LIMIT, MARKS_LIMIT, first_entries, without_bombs
from copydesk_fetcher.parsing.model import IsHtml, NotAFeed, ParsedFeed

from .samples import complaint, parse, rss, rss_of


def item(title: str, link: str = "https://news.example/a", more: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link>{more}</item>"


BEFORE = item("Before", "https://news.example/1")
AFTER = item("After", "https://news.example/3")


def titles(feed: ParsedFeed) -> list[str]:
    return [entry.title for entry in feed.entries]


@pytest.mark.parametrize(
    ("broken", "title"),
    [
        (item("One & two", "https://news.example/2?a=1&b=2"), "One & two"),
        (item("Caf&eacute; &nbsp;&hellip;", "https://news.example/2"), "Café …"),
        (item("&unheard; of", "https://news.example/2"), "&unheard; of"),
        (item("T", "https://news.example/2", "<media:content url='x'/><georss:point>1 2</georss:point>"), "T"),
        (item("T", "https://news.example/2", "<a b=c>x"), "T"),
        (item("T", "https://news.example/2", "</description></p>"), "T"),
        (item("T", "https://news.example/2", "<description>5 < 6</description>"), "T"),
        (item("T", "https://news.example/2", "<description><p>One<p>Two<br></description>"), "T"),
        (item("T", "https://news.example/2", "<!-- -- -->"), "T"),
        (item("A\x0bB\x1f", "https://news.example/2"), "AB"),
        (item("T&#0;&#x1F;&#xD800;&#99999999999;U", "https://news.example/2"), "T����U"),
        (item("&#55357;&#56832;", "https://news.example/2"), "😀"),
        (item("<![CDATA[One <b>&amp;</b> two]]>", "<![CDATA[https://news.example/2?a=1&b=2]]>"), "One & two"),
    ],
)
def test_a_fault_costs_neither_its_own_entry_nor_the_others(broken: str, title: str) -> None:
    feed = parse(rss_of(BEFORE + broken + AFTER))
    assert titles(feed) == ["Before", title, "After"]
    assert [entry.url.partition("?")[0] for entry in feed.entries] == [f"https://news.example/{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (item("One & two"), "broken XML: not well-formed"),
        (item("Caf&eacute;"), "broken XML: undefined entity"),
        (item("T", more="<media:content url='x'/>"), "broken XML: unbound prefix"),
        (item("A\x0bB"), "control characters"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(broken: str, problem: str) -> None:
    found = parse(rss_of(broken)).problem
    assert found is not None
    assert problem in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "end", ["</channel>", "", "<item><title>Cut", "<item><title>Cut</title><link>https://n", "<![CDATA["]
)
def test_a_feed_that_breaks_off_gives_what_came_before(end: str) -> None:
    feed = parse(f"<rss version='2.0'><channel>{BEFORE}{AFTER}{end}".encode())
    assert titles(feed)[:2] == ["Before", "After"]
    assert "broken XML" in str(feed.problem)


def test_a_broken_feed_that_lost_nothing_is_a_feed_without_entries() -> None:
    assert parse(b"<rss version='2.0'><channel><title>A & B</title></channel></rss>").entries == ()
    with pytest.raises(NotAFeed, match="broken and without entries"):
        parse(b"<rss version='2.0'><channel><title>A & B</title>")


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><html><head>",
        "\ufeff\n<HTML lang=en>",
        "<!-- cached --><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x.dtd'>\n<html xmlns='x'>",
        '<?xml version="1.0"?><?xml-stylesheet href="a"?><html>',
        "<html><body><rss><channel><item>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_web_page_is_one_whatever_it_is_served_as(page: str, encoding: str) -> None:
    with pytest.raises(IsHtml):
        parse(page.encode(encoding), "application/rss+xml")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\t",
        b"\x00\x00",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"%PDF-1.7\n<<>>",
        gzip.compress(b"", mtime=0),
    ],
)
def test_what_is_empty_or_no_text_is_no_feed(body: bytes) -> None:
    assert complaint(body)


def test_a_feed_is_one_whatever_it_is_served_as() -> None:
    for content_type in ("text/html", "text/plain", "application/json", "image/png", "", "nonsense;;;charset"):
        assert parse(rss_of(BEFORE), content_type).problem is None


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
MANY = '<!ENTITY a "b">' * 5000
ATTRIBUTES = " ".join(f"a{number}='1'" for number in range(20_000))
BLOW_UP = f'<!ENTITY a "{"x" * 50_000}">'


@pytest.mark.parametrize(
    ("doctype", "problem"),
    [
        (f'<!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>', "undefined entity"),
        (f"<!DOCTYPE rss [{BLOW_UP}]>", "a document type with more than it needs"),
        (f"<!DOCTYPE rss [{MANY}]>", "a document type with more than it needs"),
        ('<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]>', "undefined entity"),
    ],
)
def test_entities_are_not_expanded_without_bounds(doctype: str, problem: str) -> None:
    feed = parse(doctype.encode() + rss_of(item(f"{'&a;' * 1000}&l11;") + AFTER))
    assert titles(feed)[1] == "After"
    assert len(feed.entries[0].title) <= 1000
    assert problem in str(feed.problem)


def test_entities_that_a_feed_defines_for_itself_are_known() -> None:
    doctype = b'<!DOCTYPE rss [<!ENTITY paper "The Paper"><!ENTITY nbsp "&#160;">]>'
    assert titles(parse(doctype + rss_of(item("&paper;&nbsp;!")))) == ["The Paper !"]


@pytest.mark.parametrize(
    "filler", ["<item/>", "<item><title>x", "<item><title>x</title></item>", "<x:entry><a/></x:entry>", "<entry >"]
)
def test_of_a_feed_without_end_only_the_first_entries_are_read(filler: str) -> None:
    body = f"<rss version='2.0'><channel>{BEFORE}{filler * 100_000}{AFTER}</channel></rss>".encode()
    assert len(first_entries(body, 20)) < 2000
    assert titles(parse(body, limit=20))[0] == "Before"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_entries_are_counted_in_every_charset(encoding: str) -> None:
    body = rss([(f"T{number}", f"https://news.example/{number}") for number in range(300)])
    feed = parse(body.replace('<?xml version="1.0"?>', "").encode(encoding), limit=20)
    assert (len(feed.entries), feed.problem) == (20, None)


@pytest.mark.parametrize(
    ("bomb", "problem"),
    [
        ("<a/>" * (MARKS_LIMIT + 9), f"cut where it has more than {MARKS_LIMIT} tags"),
        ("&amp;" * (MARKS_LIMIT + 9), f"cut where it has more than {MARKS_LIMIT} tags"),
        (f"<x {ATTRIBUTES}/>", "an element with giant attributes"),
        (f"<author>{'a' * 200_000}</author>", "the name of a person is giant"),
        (f"<dc:creator><![CDATA[{'a@' * 100_000}]]></dc:creator>", "the name of a person is giant"),
    ],
    ids=["tags", "references", "attributes", "author", "creator"],
)
def test_what_would_keep_the_parser_busy_is_cut_and_named(bomb: str, problem: str) -> None:
    safe, problems = without_bombs(rss_of(BEFORE + bomb + AFTER))
    assert problems == [problem]
    assert b"Before" in safe
    assert len(safe) < 2_000_000


TOO_DEEP = f"elements nested more than {DEPTH_LIMIT} deep"


@pytest.mark.parametrize("tag", ["a", "a xml:base='x/'", "description", "dc:a"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_elements_that_lie_too_deep_are_taken_out_and_their_texts_stay(tag: str, is_closed: bool) -> None:
    end = f"</{tag.split(maxsplit=1)[0]}>" * 5000 if is_closed else ""
    inside = item("T", "https://news.example/2", f"<x>{f'<{tag}>' * 5000}Text{end}</x>")
    safe, problems = without_bombs(rss_of(BEFORE + inside + AFTER))
    assert problems == [TOO_DEEP]
    assert safe.count(b"<" + tag.encode()) <= DEPTH_LIMIT
    assert b"Text" in safe
    if is_closed:
        found = parse(rss_of(BEFORE + inside + AFTER))
        assert (titles(found), found.problem) == (["Before", "T", "After"], TOO_DEEP)


@given(
    st.lists(st.sampled_from(("<a>", "<b x='1'>", "</a>", "</b>", "<br>", "<c/>", "<!--<a>-->", "<![CDATA[<a>]]>", "<!--", "t"))),
    st.integers(min_value=1, max_value=4),
)  # fmt: skip
def test_what_is_not_deep_stays_as_it_is(parts: list[str], times: int) -> None:
    body = "".join(parts).encode() * times
    safe, problems = without_bombs(body + b"<c/>" * DEPTH_LIMIT)
    if body.count(b"<a>") + body.count(b"<b") <= DEPTH_LIMIT:
        assert (safe, problems) == (body + b"<c/>" * DEPTH_LIMIT, [])


def test_paragraphs_that_are_never_closed_lie_side_by_side() -> None:
    many = "".join(item(f"T{n}", more=f"<description>{'<p>One<li>Two<br>' * 50}</description>") for n in range(9))
    assert without_bombs(rss_of(many)) == (rss_of(many), [])


def test_thousands_of_nested_elements_are_no_obstacle() -> None:
    for nested in ("<a>" * 5000, "<a>" * 5000 + "</a>" * 5000):
        assert titles(parse(rss_of(BEFORE + nested)))[0] == "Before"
    deep = escape("<div>" * 5000 + "Text" + "</div>" * 5000)
    assert parse(rss_of(item("T", more=f"<description>{deep}</description>"))).entries[0].summary == "Text"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.integers(min_value=0, max_value=400))
def test_bytes_thrown_into_a_feed_never_break_the_reader(noise: bytes, at: int) -> None:
    whole = rss_of(BEFORE + AFTER)
    body = whole[:at] + noise + whole[at:]
    assert "\n" not in complaint(body)
    try:
        feed = parse(body)
    except NotAFeed:
        return
    for url in (feed.hub, feed.self_url, feed.site_url, *(entry.url for entry in feed.entries)):
        assert url is None or (url.startswith("http") and "@" not in url.split("/")[2] and "#" not in url)
    assert feed.problem is None or "\n" not in feed.problem
