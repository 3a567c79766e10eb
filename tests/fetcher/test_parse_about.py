"""What a feed says of itself, and where its relative addresses lead."""

import pytest

from .samples import atom_of, parse, rss_of

SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
ATOM = 'xmlns:atom="http://www.w3.org/2005/Atom"'


def about(inside: str, namespaces: str = "") -> bytes:
    return f'<rss version="2.0" {namespaces}><channel><title>The <b>News</b></title>{inside}</channel></rss>'.encode()


@pytest.mark.parametrize(
    ("inside", "seconds"),
    [
        ("<ttl>60</ttl>", 3600),
        ("<ttl> 0.5 </ttl>", 30),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>1e99</ttl>", None),
        ("<ttl>999999999</ttl>", 31 * 86_400),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 3600),
        ("<sy:updatePeriod> daily\n</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 21_600),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", None),
        ("<sy:updatePeriod>often</sy:updatePeriod>", None),
        ("<ttl>15</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 900),
        ("", None),
    ],
)
def test_how_long_a_copy_is_good(inside: str, seconds: float | None) -> None:
    assert parse(about(inside, SY)).ttl_seconds == seconds


def hours(*each: object) -> str:
    return f"<skipHours>{''.join(f'<hour> {one}</hour>' for one in each)}</skipHours>"


@pytest.mark.parametrize(
    ("inside", "when"),
    [
        (hours(0, 1, 23), ((0, 1, 23), ())),
        (hours(24, "x", -1, 99, "٣", 9 * 10**19), ((0,), ())),
        (hours(*range(24)), ((), ())),
        ("<skipDays><day>Sunday</day>\n<DAY>monday</DAY><day>Someday</day></skipDays>", ((), (0, 6))),
        (f"<item><link>https://news.example/1</link></item>{hours(3)}", ((3,), ())),
        (f"<item><link>https://news.example/1</link><x>{hours(3)}</x></item>", ((), ())),
        ("<skipHours><hour>3</hour>", ((), ())),
        ("", ((), ())),
    ],
)
def test_when_a_feed_asks_not_to_be_polled(inside: str, when: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    found = parse(about(inside))
    assert (found.skip_hours, found.skip_days) == when


HUB = '<atom:link rel="hub" href="https://hub.example/"/>'
SELF = '<atom:link rel="self" type="application/rss+xml" href="https://news.example/feed"/>'


@pytest.mark.parametrize(
    "body",
    [
        about(HUB + SELF, ATOM),
        about((HUB + SELF).replace("atom:", "a10:"), 'xmlns:a10="http://www.w3.org/2005/Atom"'),
        atom_of((HUB + SELF).replace("atom:", "")),
        atom_of((SELF + HUB + HUB.replace("hub.", "other.")).replace("atom:", "")),
    ],
)
def test_where_it_can_be_subscribed_to(body: bytes) -> None:
    feed = parse(body)
    assert (feed.hub, feed.self_url) == ("https://hub.example/", "https://news.example/feed")


def test_a_hub_of_an_undeclared_namespace_is_found_and_one_that_is_no_address_is_none() -> None:
    assert parse(about(HUB)).hub == "https://hub.example/"
    assert parse(about(HUB.replace("https://hub.example/", "mailto:a@b.example"), ATOM)).hub is None
    assert parse(about("", ATOM)).hub is None


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (about("<link>https://paper.example/</link>" + SELF, ATOM), "https://paper.example/"),
        (about(SELF + "<link>/</link><image><link>https://ad.example/</link></image>", ATOM), "https://news.example/"),
        (about(SELF, ATOM), None),
        (about("<link>mailto:a@b.example</link>"), None),
        (about("<link></link>"), None),
        (about("<item><link>https://paper.example/a</link></item>"), None),
        (atom_of('<link rel="self" href="/feed"/><link href="https://paper.example/"/>'), "https://paper.example/"),
        (atom_of('<link rel="alternate" type="application/json" href="/j"/><link rel="alternate" href="/"/>'),
         "https://news.example/"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "home_page_url": "https://paper.example/", "items": []}',
         "https://paper.example/"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "home_page_url": 7, "items": []}', None),
    ],
)  # fmt: skip
def test_the_site_that_it_is_of(body: bytes, url: str | None) -> None:
    assert parse(body).site_url == url


def test_the_title_is_plain_text() -> None:
    assert parse(about("")).title == "The News"


ALTERNATE = "http://www.iana.org/assignments/relation/alternate"


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ('<link rel="self" href="/self"/><link rel="alternate" href="/a"/>', "https://news.example/a"),
        ('<link rel="alternate" type="application/json" href="/j"/><link href="/a"/>', "https://news.example/a"),
        ('<link rel="alternate" type="text/html" href="/a"/><link rel="alternate" hreflang="de" href="/b"/>',
         "https://news.example/a"),
        ('<link rel="replies" type="text/html" href="/r"/><link rel="alternate" type="TEXT/HTML" href="/a"/>',
         "https://news.example/a"),
        (f'<link rel="{ALTERNATE}" href="/a"/>', "https://news.example/a"),
        ('<link rel="enclosure" href="/x.mp3"/><link rel="related" href="/r"/><link href="/a"/>',
         "https://news.example/a"),
        ('<link rel="alternate" type="application/pdf" href="/a.pdf"/>', "https://news.example/a.pdf"),
        ('<link xml:base="https://other.example/x/" href="a"/>', "https://other.example/x/a"),
    ],
)  # fmt: skip
def test_which_of_several_links_is_the_page(links: str, url: str) -> None:
    (entry,) = parse(atom_of(f"<entry><id>urn:1</id>{links}</entry>")).entries
    assert entry.url == url


MEDIA = (
    '<media:content xmlns:media="http://search.yahoo.com/mrss/" url="https://cdn.example/a.mp4"/>'
    '<enclosure url="https://cdn.example/a.mp3" type="audio/mpeg" length="1"/>'
    '<source url="https://other.example/feed">Other</source><comments>https://news.example/a#comments</comments>'
    f'<atom:link {ATOM} rel="self" href="https://news.example/feed/a"/>'
)


def test_media_sources_and_comments_are_not_the_page() -> None:
    assert parse(rss_of(f"<item><title>T</title>{MEDIA}</item>")).skipped == 1
    (entry,) = parse(rss_of(f"<item>{MEDIA}<link>https://news.example/a</link>{MEDIA}</item>")).entries
    assert entry.url == "https://news.example/a"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<a href="b">x</a>', '<a href="https://other.example/x/b">x</a>'),
        ("<img class='i' src=/i.jpg alt='a'>", "<img class='i' src=\"https://other.example/i.jpg\" alt='a'>"),
        ('<a href="https://a.example/">x</a>', '<a href="https://a.example/">x</a>'),
        ('<a href="#top">x</a><a href="mailto:a@b">y</a>', '<a href="#top">x</a><a href="mailto:a@b">y</a>'),
        ("<p>Write href=b in <code>a</code></p>", "<p>Write href=b in <code>a</code></p>"),
        ('<a href="http://[">x</a>', '<a href="http://[">x</a>'),
        ('<a href="//[">x</a>', '<a href="//[">x</a>'),
    ],
)
def test_addresses_in_the_content_are_as_seen_from_its_base(markup: str, expected: str) -> None:
    content = f'<content type="html" xml:base="https://other.example/x/"><![CDATA[{markup}]]></content>'
    (entry,) = parse(atom_of(f'<entry><link href="/a"/>{content}</entry>')).entries
    assert entry.content == expected


def test_the_longest_text_is_the_content_and_the_description_the_summary() -> None:
    encoded = "<content:encoded><![CDATA[<p>All of it.</p>]]></content:encoded>"
    description = "<description>Short.</description>"
    for inside in (encoded + description, description + encoded):
        (entry,) = parse(rss_of(f"<item><link>/a</link>{inside}</item>")).entries
        assert (entry.summary, entry.content) == ("Short.", "<p>All of it.</p>")
    several = "<content>Less.</content><content type='html'>More than that.</content><content type='image/png'>iVBORw0KGgoAAAA</content>"
    (entry,) = parse(atom_of(f"<entry><link href='/a'/>{several}</entry>")).entries
    assert entry.content == "More than that."


def test_the_older_formats_are_read() -> None:
    atom = '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>N</title><entry><title>T</title><link rel="alternate" type="text/html" href="/a"/><issued>2026-11-22T09:30:00Z</issued></entry></feed>'
    cdf = '<channel href="https://news.example/"><title>N</title><item href="https://news.example/a" lastmod="2026-11-22T09:30"><title>T</title></item></channel>'
    netscape = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>N</title><item><title>T</title><link>/a</link></item></channel></rss>'
    rdf = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>N</title></channel><item><title>T</title><link>/a</link></item></rdf:RDF>'
    for body in (atom, cdf, netscape, rdf):
        feed = parse(body.encode())
        assert [(entry.title, entry.url) for entry in feed.entries] == [("T", "https://news.example/a")]
        assert (feed.title, feed.problem) == ("N", None)
