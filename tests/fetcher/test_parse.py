from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_fetcher.parsing.bounds import first_entries
from copydesk_fetcher.parsing.model import NotAFeed
from copydesk_shared.text import plain_text

from .samples import atom_of, complaint, parse, rss, rss_of

LONG = "The harbour was quiet that morning and the boats lay still. " * 20


def test_an_rss_item() -> None:
    feed = parse(
        rss_of(
            "<item><title>Storm &amp;amp; tide</title><link>https://news.example/storm?utm_source=rss#x</link>"
            "<guid isPermaLink='false'>id-1</guid><description>&lt;p&gt;It &lt;b&gt;blew&lt;/b&gt;.&lt;/p&gt;</description>"
            "<dc:creator>Ann Onym</dc:creator><pubDate>Sun, 22 Nov 2026 10:30:00 +0100</pubDate></item>"
        )
    )
    (entry,) = feed.entries
    assert entry.title == "Storm & tide"
    assert entry.url == "https://news.example/storm?utm_source=rss"
    assert entry.summary == "It blew."
    assert entry.authors == ("Ann Onym",)
    assert entry.published_at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert entry.updated_at is None
    assert (entry.content, entry.is_full) == ("<p>It <b>blew</b>.</p>", False)
    assert (feed.problem, feed.skipped) == (None, 0)


def test_an_atom_entry() -> None:
    feed = parse(
        atom_of(
            "<entry><id>urn:1</id><title type='html'>&lt;i&gt;Tide&lt;/i&gt; table</title>"
            "<link rel='self' href='/self'/><link rel='alternate' href='../tide'/>"
            "<author><name>Ann</name></author><author><name>Bob</name></author>"
            "<published>2026-11-20T10:00:00Z</published><updated>2026-11-21T10:00:00Z</updated>"
            f"<summary>Short.</summary><content type='html'>&lt;p&gt;{LONG}&lt;/p&gt;</content></entry>"
        )
    )
    (entry,) = feed.entries
    assert entry.title == "Tide table"
    assert entry.url == "https://news.example/tide"
    assert entry.authors == ("Ann", "Bob")
    assert entry.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert entry.is_full
    assert entry.content.startswith("<p>The harbour")
    assert entry.content_type == "text/html"


def test_an_rss_1_item() -> None:
    body = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>News</title></channel>'
        '<item rdf:about="https://news.example/a"><title>A</title><link>https://news.example/a</link>'
        "<dc:date>2026-11-22T08:00:00Z</dc:date></item></rdf:RDF>"
    )
    (entry,) = parse(bytes(body, "utf-8")).entries
    assert (entry.title, entry.published_at) == ("A", datetime(2026, 11, 22, 8, tzinfo=UTC))


def encoded(text: str, description: str = "") -> bytes:
    return rss_of(
        f"<item><title>T</title><link>https://news.example/a</link>{description}"
        f"<content:encoded><![CDATA[{text}]]></content:encoded></item>"
    )


@pytest.mark.parametrize(
    ("body", "is_full"),
    [
        (encoded(f"<p>{LONG}</p>"), True),
        (encoded(f"<p>{LONG}</p>", "<description>Short.</description>"), True),
        (encoded(f"<p>{LONG}</p>", f"<description>{LONG}</description>"), True),
        (encoded(f"<p>{LONG}</p>", f"<description>{LONG[:900]}</description>"), False),
        (encoded(f"<p>{LONG} [&#8230;]</p>", "<description>Short.</description>"), False),
        (encoded(f"<p>{LONG}</p><p><a href='/a'>Continue reading &rarr;</a></p>"), False),
        (encoded("<p>Just a teaser.</p>"), False),
        (encoded(f"<script>{LONG}</script><p>Teaser.</p>"), False),
    ],
)
def test_which_content_is_the_whole_text(body: bytes, is_full: bool) -> None:
    assert parse(body).entries[0].is_full is is_full


def test_markup_of_the_content_is_kept_for_the_cleaner() -> None:
    text = f'<figure class="lead"><img src="/a.jpg"><figcaption>Boats</figcaption></figure><p>{LONG}</p>'
    content = parse(encoded(text)).entries[0].content
    assert '<figure class="lead">' in content
    assert "https://news.example/a.jpg" in content


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link>/a</link>", "https://news.example/a"),
        ("<link>a?b=1</link>", "https://news.example/a?b=1"),
        ("<link> https://news.example/a\n</link>", "https://news.example/a"),
        ("<link>//cdn.example/a</link>", "https://cdn.example/a"),
        ("<guid>https://news.example/guid</guid>", "https://news.example/guid"),
        ("<guid isPermaLink='false'>https://news.example/guid</guid>", "https://news.example/guid"),
        ("<guid>https://news.example/?p=1&amp;q=2</guid>", "https://news.example/?p=1&q=2"),
        ("<guid>/2026/a</guid>", "https://news.example/2026/a"),
        ("<link>https://user:secret@news.example/a</link>", "https://news.example/a"),
        ("<link>https://news.example/a b</link>", "https://news.example/a%20b"),
        (
            "<link>https://feeds.example/~r/1</link><feedburner:origLink>https://news.example/a</feedburner:origLink>",
            "https://news.example/a",
        ),
    ],
)
def test_which_link_an_entry_has(item: str, url: str) -> None:
    assert [entry.url for entry in parse(rss_of(f"<item><title>T</title>{item}</item>")).entries] == [url]


@pytest.mark.parametrize(
    "item",
    [
        "",
        "<link></link>",
        "<link>javascript:alert(1)</link>",
        "<link>mailto:a@b.example</link>",
        "<link>file:///etc/passwd</link>",
        "<link>ftp://news.example/a</link>",
        "<link>http://[::1</link>",
        "<link>http://</link>",
        f"<link>https://news.example/{'a' * 5000}</link>",
        "<guid isPermaLink='false'>12345</guid>",
        "<guid>12345</guid>",
        "<guid>tag:news.example,2026:1</guid>",
        "<guid>1b4e28ba-2fa1-11d2-883f-0016d3cca427</guid><enclosure url='https://cdn.example/a.mp3'/>",
    ],
)
def test_an_entry_without_a_usable_link_is_counted_and_passed_over(item: str) -> None:
    good = "<item><title>Good</title><link>https://news.example/good</link></item>"
    feed = parse(rss_of(f"<item><title>T</title>{item}</item>{good}"))
    assert [entry.title for entry in feed.entries] == ["Good"]
    assert feed.skipped == 1


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "",
        "0000-00-00",
        "31 Feb 2026",
        "9999999999999",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "2099-01-01T00:00Z",
    ],
)
def test_a_date_that_cannot_be_true_is_none(date: str) -> None:
    item = f"<item><title>T</title><link>https://news.example/a</link><pubDate>{date}</pubDate></item>"
    assert parse(rss_of(item)).entries[0].published_at is None


def test_missing_titles_and_guids_do_no_harm() -> None:
    items = "".join(f"<item><link>https://news.example/{name}</link></item>" for name in "ab")
    feed = parse(rss_of(items))
    assert [entry.title for entry in feed.entries] == ["", ""]
    assert len({entry.key for entry in feed.entries}) == 2


def item_of(guid: str, link: str, title: str = "T") -> str:
    return f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title><link>{link}</link></item>"


def keys_of(*items: str) -> list[str]:
    return [entry.key for entry in parse(rss_of("".join(items))).entries]


@pytest.mark.parametrize("other", ["https://news.example/a", "http://news.example/a?utm_source=rss#top"])
def test_of_two_items_with_one_guid_and_one_page_the_first_counts(other: str) -> None:
    items = item_of("x", "https://news.example/a", "new") + item_of("x", other, "old")
    assert [entry.title for entry in parse(rss_of(items)).entries] == ["new"]


def test_one_guid_for_several_pages_is_no_identity() -> None:
    first = keys_of(item_of("0", "/a"), item_of("0", "/b"))
    later = keys_of(item_of("0", "/c"), item_of("0", "/a"), item_of("0", "/b"))
    assert len(set(later)) == 3
    assert later[1:] == first


def test_an_edit_of_title_or_address_is_no_new_entry() -> None:
    before = keys_of(item_of("x", "/a-storm", "A storm"), item_of("y", "/other"))
    assert keys_of(item_of("x", "/a-flood", "A flood"), item_of("y", "/other")) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<link>https://news.example/a?utm_campaign=1</link>", "<link>https://news.example/a?utm_campaign=2</link>"),
        ("<link>http://news.example/a</link>", "<link>https://news.example/a</link>"),
        (item_of("https://news.example/a#0", "/a"), item_of("https://news.example/a#1", "/a", "Edited")),
    ],
)
def test_spellings_of_an_address_and_counts_of_edits_are_no_identity(before: str, after: str) -> None:
    assert keys_of(f"<item>{before}</item>") == keys_of(f"<item>{after}</item>")


def entry_at(number: int, updated: str) -> str:
    return (
        f"<entry><id>{number}</id><title>T{number}</title><link href='/{number}'/><updated>{updated}</updated></entry>"
    )


def test_an_update_time_that_all_entries_share_is_that_of_the_feed_and_changes_nothing() -> None:
    first = parse(atom_of("".join(entry_at(number, "2026-11-22T10:00:00Z") for number in range(6))))
    second = parse(atom_of("".join(entry_at(number, "2026-11-22T11:00:00Z") for number in range(6))))
    assert [entry.fingerprint for entry in first.entries] == [entry.fingerprint for entry in second.entries]
    few = [parse(atom_of(entry_at(1, f"2026-11-22T1{hour}:00:00Z"))).entries[0].fingerprint for hour in range(2)]
    assert few[0] != few[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<title>A</title>", "<title>B</title>"),
        ("<description>A</description>", "<description>B</description>"),
        ("<content:encoded>A</content:encoded>", "<content:encoded>B</content:encoded>"),
    ],
)
def test_a_change_of_what_is_said_changes_the_fingerprint(before: str, after: str) -> None:
    link = "<link>https://news.example/a</link>"
    prints = [parse(rss_of(f"<item>{link}{each}</item>")).entries[0].fingerprint for each in (before, after, before)]
    assert prints[0] == prints[2] != prints[1]


def test_broken_xml_still_gives_its_entries_and_the_problem() -> None:
    body = rss([("One & only", "https://news.example/1"), ("Two", "https://news.example/2")]).replace("&amp;", "&")
    feed = parse(body.replace("</channel></rss>", "<item><title>Cut").encode())
    assert [entry.title for entry in feed.entries] == ["One & only", "Two"]
    assert feed.problem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"<html><body><p>Please log in", "neither RSS nor Atom"),
        (b"%PDF-1.4 nonsense", "neither RSS nor Atom"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "no JSON Feed"),
        (b"<rss version='2.0'><channel><title>News</title>", "broken and without entries"),
        (b"\x00\xff\xfe\x00" * 100, "neither RSS nor Atom"),
    ],
)
def test_what_is_no_feed_says_so(body: bytes, problem: str) -> None:
    with pytest.raises(NotAFeed, match=problem):
        parse(body)


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parse(rss([]).encode()).entries == ()


def test_a_body_that_is_a_file_name_is_not_opened() -> None:
    with pytest.raises(NotAFeed):
        parse(b"/etc/passwd")
    with pytest.raises(NotAFeed):
        parse(b"file:///etc/passwd")


def test_entities_are_not_expanded_without_bounds_and_files_not_read() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    doctype = f'<!DOCTYPE rss [<!ENTITY l0 "ha"><!ENTITY x SYSTEM "file:///etc/passwd">{laughs}]>'
    item = "<item><title>T &l11; &x;</title><link>https://news.example/a</link></item>"
    feed = parse(f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel>{item}</channel></rss>'.encode())
    (entry,) = feed.entries
    assert "root:" not in entry.title
    assert len(entry.title) < 200


def test_a_charset_of_the_header_counts() -> None:
    body = rss([("Fjällräven", "https://news.example/1")]).replace('<?xml version="1.0"?>', "").encode("latin-1")
    assert parse(body, "application/xml; charset=iso-8859-1").entries[0].title == "Fjällräven"


def test_only_the_first_entries_are_read_and_the_feed_stays_whole() -> None:
    body = rss([(f"T{number}", f"https://news.example/{number}") for number in range(500)]).encode()
    feed = parse(body, limit=20)
    assert [entry.title for entry in feed.entries] == [f"T{number}" for number in range(20)]
    assert feed.problem is None
    assert len(first_entries(body, 20)) < len(body) // 10


def test_titles_with_angles_that_are_no_tags_are_kept() -> None:
    assert plain_text("5 &lt; 6 and 7 > 3", 100) == "5 < 6 and 7 > 3"
    assert plain_text("<p>One</p><p>two</p><script>x()</script> &amp; three", 100) == "One two & three"
    assert plain_text("a\x00b\ud800c\n\n d", 100) == "abc d"
    assert plain_text("x" * 50, 10) == "x" * 10


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("<b>b</b>old", "bold"),
        ('<img alt="a > b <br>" src=x>Text', "Text"),
        ("<a title='it is > 5'>Text</a>", "Text"),
        ("<script>if (a<b) { x('</p>') }</script>Text<style>p > a {}</style>", "Text"),
        ("<script><noscript></script>Text", "Text"),
        ("Text<script>never ends <p>", "Text"),
        ("<noscript><script></noscript>Text", "Text"),
        ("One<!-- <p>two</p> -->, three<!---->!", "One, three!"),
        ("One<!-- two", "One"),
        ("One<!-- two > three", "One three"),
        ("<!DOCTYPE html><?php echo 1 ?>Text", "Text"),
        ("<p>1 < 2 &amp;lt; 3 <3</p>", "1 < 2 &lt; 3 <3"),
        ('<p class="never closed>Text</p>', "Text"),
        ("<P>A</P><SCRIPT>x</SCRIPT>", "A"),
    ],
)
def test_markup_becomes_the_text_that_is_seen(markup: str, text: str) -> None:
    assert plain_text(markup, 100) == text


@given(st.text(max_size=300), st.integers(min_value=1, max_value=50))
def test_plain_text_is_one_line_within_its_limit(value: str, limit: int) -> None:
    text = plain_text(value, limit)
    assert len(text) <= limit
    assert text == " ".join(text.split())
    assert text.encode().decode() == text


MARKUP = st.text(alphabet=st.sampled_from(list("ab<>&;/\"'=[]!-#x09 \u2028é新\x0b\ud800")), max_size=30)
FIELDS = ("title", "link", "guid", "pubDate", "description", "content:encoded", "dc:creator", "dc:date", "author")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), MARKUP), max_size=4), st.booleans())
def test_no_item_breaks_the_reading_of_the_others(items: list[dict[str, str]], is_escaped: bool) -> None:
    def item(fields: dict[str, str]) -> str:
        parts = (f"<{name}>{escape(value) if is_escaped else value}</{name}>" for name, value in fields.items())
        return f"<item>{''.join(parts)}</item>"

    good = "<item><title>Good</title><link>https://news.example/good</link></item>"
    body = rss_of(good).decode().replace("</channel>", "".join(map(item, items)) + "</channel>")
    feed = parse(body.encode("utf-8", "replace"))
    assert feed.entries[0].title == "Good"
    for entry in feed.entries:
        assert entry.url.startswith("http")
        assert "".join((entry.title, entry.summary, entry.content, entry.url, *entry.authors)).encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_are_not(body: bytes) -> None:
    for each in (body, b"<rss version='2.0'><channel>" + body):
        assert "\n" not in complaint(each)
