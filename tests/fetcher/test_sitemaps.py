import gzip
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.parsing.dates import read_date
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import Child, NotAFeed, ParsedFeed
from copydesk_fetcher.parsing.sitemaps import CHILDREN_LIMIT, ITEMS_LIMIT, ends, keep_newest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BASE = "https://news.example/sitemap.xml"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
EARLY, LATE = (
    datetime(1, 1, 3, tzinfo=UTC).replace(tzinfo=None),
    datetime(9999, 12, 29, tzinfo=UTC).replace(tzinfo=None),
)
IMAGE = "http://www.google.com/schemas/sitemap-image/1.1"


def sitemap(body: str, root: str = "urlset") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{SITEMAP}" xmlns:news="{NEWS}" '
        f'xmlns:image="{IMAGE}">{body}</{root}>'
    ).encode()


def url(loc: str, lastmod: str = "") -> str:
    return f"<url><loc>{loc}</loc>{f'<lastmod>{lastmod}</lastmod>' if lastmod else ''}</url>"


def parse(body: bytes, limit: int = 100, content_type: str = "application/xml") -> ParsedFeed:
    return parse_feed(body, content_type, BASE, limit, NOW)


def urls(feed: ParsedFeed) -> list[str]:
    return [entry.url for entry in feed.entries]


def numbers(feed: ParsedFeed) -> list[str]:
    return [entry.url.rpartition("/")[2] for entry in feed.entries]


def test_a_news_sitemap() -> None:
    item = (
        "<url><loc> https://news.example/a?x=1&amp;y=2 </loc><lastmod>2026-11-22T09:30:00+01:00</lastmod>"
        "<image:image><image:loc>https://news.example/a.jpg</image:loc><image:title>Picture</image:title></image:image>"
        "<news:news><news:publication><news:name>The &lt;i&gt;News&lt;/i&gt;</news:name><news:language>en</news:language>"
        "</news:publication><news:publication_date>2026-11-22T08:00:00Z</news:publication_date>"
        "<news:title><![CDATA[Fire & flood]]></news:title><news:keywords>a, b</news:keywords></news:news></url>"
    )
    feed = parse(sitemap(item))
    (entry,) = feed.entries
    assert (entry.url, entry.title) == ("https://news.example/a?x=1&y=2", "Fire & flood")
    assert entry.published_at == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    assert (feed.title, feed.skipped, feed.problem, feed.children) == ("The News", 0, None, ())


@pytest.mark.parametrize(
    "text",
    [
        '<urlset xmlns="https://wrong.example/"><url><loc>https://news.example/a</loc></url></urlset>',
        "<urlset><url><loc>https://news.example/a</loc></url></urlset>",
        "<URLSET><Url><LOC>https://news.example/a</LOC></Url></URLSET>",
        '<s:urlset xmlns:s="x"><s:url><s:loc>https://news.example/a</s:loc></s:url></s:urlset>',
        "<s:urlset><s:url><s:loc>https://news.example/a</s:loc></s:url></s:urlset>",
        "<urls><url><loc>https://news.example/a</loc></url></urls>",
        "<sitemapindex><url><loc>https://news.example/a</loc></url></sitemapindex>",
        "<url><loc>https://news.example/a</loc></url>",
        "\n\n  <?xml version='1.0'?><!-- by x --><urlset><url><loc>/a</loc></url></urlset>",
        "<urlset><url><loc><![CDATA[https://news.example/a]]></loc></url></urlset>",
        "<urlset><url><loc>https://news.example/\n a</loc></url></urlset>".replace("\n ", "\n"),
    ],
)
def test_namespaces_and_roots_as_they_come(text: str) -> None:
    assert urls(parse(text.encode())) == ["https://news.example/a"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1251", "euc-kr"])
def test_charsets(encoding: str) -> None:
    title = {"windows-1251": "Война", "euc-kr": "한국"}.get(encoding, "Café")
    name = encoding.removesuffix("-sig")
    text = (
        f'<?xml version="1.0" encoding="{name}"?><urlset><url><loc>https://news.example/a</loc>'
        f"<news:news><news:title>{title}</news:title></news:news></url></urlset>"
    )
    assert parse(text.encode(encoding), content_type="text/xml").entries[0].title == title


def test_an_index_names_its_children_newest_first_and_once() -> None:
    body = sitemap(
        "<sitemap><loc>https://news.example/1.xml</loc></sitemap>"
        "<sitemap><loc>/2.xml</loc><lastmod>2026-10-01</lastmod></sitemap>"
        "<sitemap><loc>/3.xml.gz</loc><lastmod>2026-11-21T23:00Z</lastmod></sitemap>"
        "<sitemap><loc>/2.xml</loc><lastmod>2026-09-01</lastmod></sitemap>"
        "<sitemap><loc>ftp://news.example/4.xml</loc></sitemap><sitemap><lastmod>2026-09-01</lastmod></sitemap>",
        "sitemapindex",
    )
    feed = parse(body)
    assert feed.children == (
        Child("https://news.example/3.xml.gz", datetime(2026, 11, 21, 23, 0, tzinfo=UTC)),
        Child("https://news.example/2.xml", datetime(2026, 10, 1, tzinfo=UTC)),
        Child("https://news.example/1.xml"),
    )
    assert (feed.entries, feed.skipped) == ((), 1)


def test_the_newest_are_kept_newest_first() -> None:
    days = [5, 1, 9, 3, 7]
    body = sitemap("".join(url(f"/{day}", f"2026-11-{day:02}") for day in days) + url("/undated"))
    assert numbers(parse(body, limit=3)) == ["9", "7", "5"]
    assert numbers(parse(body)) == ["9", "7", "5", "3", "1", "undated"]


def test_of_pages_without_dates_both_ends_are_kept() -> None:
    body = sitemap("".join(url(f"/{number}") for number in range(10)))
    assert numbers(parse(body, limit=5)) == ["0", "1", "2", "8", "9"]
    assert numbers(parse(body, limit=1)) == ["0"]


def test_the_time_of_the_making_is_no_update() -> None:
    made = "".join(url(f"/{number}", "2026-11-22T11:00:00Z") for number in range(6))
    body = sitemap(made + url("/own", "2026-11-20T10:00:00Z"))
    updates = {entry.url.rpartition("/")[2]: entry.updated_at for entry in parse(body).entries}
    assert updates == dict.fromkeys("012345") | {"own": datetime(2026, 11, 20, 10, 0, tzinfo=UTC)}
    later = body.replace(b"T11:00", b"T11:30")
    assert [each.fingerprint for each in parse(later).entries] == [each.fingerprint for each in parse(body).entries]


def test_a_changed_time_is_a_change_and_a_changed_day_is_none() -> None:
    def fingerprint(lastmod: str) -> str:
        return parse(sitemap(url("/a", lastmod))).entries[0].fingerprint

    assert fingerprint("2026-11-21T10:00Z") != fingerprint("2026-11-21T11:00Z")
    assert fingerprint("2026-11-20") == fingerprint("2026-11-21")


def test_times_that_cannot_be_are_left_out() -> None:
    body = sitemap(url("/a", "2031-01-01T00:00Z") + url("/b", "0000-00-00") + url("/c", "yesterday"))
    assert [entry.updated_at for entry in parse(body).entries] == [None, None, None]


def test_urls_that_are_none_are_counted() -> None:
    body = sitemap(
        url("mailto:a@news.example") + url("javascript:void(0)") + url("/a") + url("") + url("/" + "a" * 5000)
    )
    feed = parse(body)
    assert (urls(feed), feed.skipped) == (["https://news.example/a"], 3)


def test_stray_ampersands_and_entities_of_html() -> None:
    body = sitemap(
        url("/a?x=1&y=2") + url("/b?x=1&copy=2&amp;z=3") + url("/c-&ordm;-&#233;") + url("<![CDATA[/d?x=1&y=2]]>")
    )
    feed = parse(body)
    assert urls(feed) == [
        "https://news.example/a?x=1&y=2",
        "https://news.example/b?x=1&copy=2&z=3",
        "https://news.example/c-º-é",
        "https://news.example/d?x=1&y=2",
    ]
    assert feed.problem is not None
    assert "not well-formed" in feed.problem


@pytest.mark.parametrize("end", ["", "<url><loc>/b</lo></url></urlset>", "<url><loc>https://news.example/tru"])
def test_what_stands_before_a_break_is_read(end: str) -> None:
    whole = sitemap(url("/a"))
    feed = parse(whole[: whole.rindex(b"</urlset>")] + end.encode())
    assert urls(feed) == ["https://news.example/a"]
    assert feed.problem is not None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<urlset>", "broken sitemap"),
        (b"<urlset><url><loc>https://news.example/a", "broken sitemap"),
        (b"<urlset>" + b"<url>" * 100, "nested more than"),
        (b'<!DOCTYPE u [<!ENTITY a "b">]><urlset><url><loc>https://news.example/&a;</loc></url></urlset>', "entities"),
        (b'<!DOCTYPE u [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><urlset></urlset>', "entities"),
        (b"https://news.example/a\nis where you find\nthe news", "list of URLs"),
        (gzip.compress(b"<urlset><url><loc>https://news.example/a</loc></url>", mtime=0)[:20], "unclosed token"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotAFeed, match=reason):
        parse(body)


def test_an_entity_bomb_costs_nothing() -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE u [<!ENTITY e0 "ha">{lines}]><urlset><url><loc>https://news.example/&e11;</loc></url></urlset>'
    with pytest.raises(NotAFeed, match="declares XML entities"):
        parse(bomb.encode())


def test_an_empty_sitemap_is_a_feed_without_entries() -> None:
    assert parse(sitemap("")) == ParsedFeed((), format="sitemap")


def test_a_sitemap_that_is_a_gzip_file() -> None:
    assert urls(parse(gzip.compress(sitemap(url("/a"))), content_type="application/octet-stream")) == [
        "https://news.example/a"
    ]


def test_a_file_has_no_more_items_than_the_protocol_allows() -> None:
    body = sitemap(
        "".join(url(f"/{number}", "2026-11-01") for number in range(ITEMS_LIMIT)) + url("/new", "2026-11-22")
    )
    feed = parse(body)
    assert (len(feed.entries), "new" in numbers(feed)) == (100, False)
    assert feed.problem == f"more than {ITEMS_LIMIT} URLs: those behind them were not read"
    index = sitemap("".join(f"<sitemap><loc>/{n}</loc></sitemap>" for n in range(2000)), "sitemapindex")
    assert len(parse(index).children) == CHILDREN_LIMIT


def test_a_text_sitemap() -> None:
    body = b"\xef\xbb\xbfhttps://news.example/a\r\nhttps://news.example/b?x=1&y=2\r\n\r\n# no URL\r\nhttps://news.example/a\r\n"
    feed = parse(body, content_type="text/plain")
    assert urls(feed) == ["https://news.example/a", "https://news.example/b?x=1&y=2"]
    assert feed.skipped == 1


def test_a_text_sitemap_has_no_more_lines_than_the_protocol_allows() -> None:
    feed = parse(b"".join(b"https://news.example/%d\n" % number for number in range(ITEMS_LIMIT + 10)))
    assert numbers(feed)[-1] == str(ITEMS_LIMIT - 1)
    assert feed.problem == f"more than {ITEMS_LIMIT} URLs: those behind them were not read"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:30Z", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("2026-11-22T10:30:15.25+02:00", datetime(2026, 11, 22, 8, 30, 15, 250_000, tzinfo=UTC)),
        ("2026-11-22T10:30:15-0530", datetime(2026, 11, 22, 16, 0, 15, tzinfo=UTC)),
        (" 2026-11-22 10:30:15 +0000 ", datetime(2026, 11, 22, 10, 30, 15, tzinfo=UTC)),
        ("2026-11-22 10:30", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("2026/11/22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026.1.2", datetime(2026, 1, 2, tzinfo=UTC)),
        ("20261122", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22 10:30:60 UTC", datetime(2026, 11, 22, 10, 30, 59, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 10:30:00 +0100", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 10:30:00 GMT", datetime(2026, 11, 22, 10, 30, tzinfo=UTC)),
        ("2026-13-01", None), ("2026-11-22T25:00Z", None), ("", None), ("today", None), ("22/11/2026", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11/22", None), ("0001-01-01T00:00:00+12:00", None), ("2026-11-22T10:30+99:99", None), ("2" * 5000, None),
    ],
)  # fmt: skip
def test_dates(text: str, expected: datetime | None) -> None:
    assert read_date(text) == expected


@given(st.datetimes(min_value=EARLY, max_value=LATE), st.integers(-1439, 1439))
def test_any_iso_time_is_read(naive: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    expected = naive.replace(tzinfo=UTC) - offset
    assert read_date(naive.isoformat() + zone) == expected


@given(st.text(alphabet="0123456789-+:./TZ GMTUCaz,", max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = read_date(text)
    assert found is None or found.tzinfo is UTC


PIECES = st.sampled_from(
    ["<urlset>", "</urlset>", "<url>", "</url>", "<loc>", "</loc>", "https://a.example/", "&", "&amp;", "<![CDATA[", "]]>",
     "<sitemap>", "</sitemap>", "<lastmod>", "</lastmod>", "2026-11-22", "<news:news>", "</news:news>", "\x00", "<!--", "-->",
     "<!DOCTYPE a [", "<!ENTITY a 'b'>", "]>", "é", "\n", "<?xml version='1.0' encoding='utf-16'?>", "&#0;", "&#xFFFFFF;"],
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode())))
def test_whatever_is_sent_nothing_but_not_a_feed_is_raised(tail: bytes) -> None:
    for head in (b"", b"<urlset>", b"<sitemapindex><sitemap><loc>/a</loc></sitemap>", b"https://news.example/\n"):
        try:
            feed = parse(head + tail, limit=5)
        except NotAFeed:
            continue
        assert len(feed.entries) <= 5
        assert all(entry.url.startswith("http") for entry in feed.entries)


@given(st.lists(st.tuples(st.integers(), st.none() | st.integers(0, 10_000)), max_size=50), st.integers(1, 60))
def test_the_newest_of_all_and_as_many_as_there_is_room(items: list[tuple[int, int | None]], limit: int) -> None:
    def date(item: tuple[int, int | None]) -> datetime | None:
        return None if item[1] is None else NOW - timedelta(hours=item[1])

    kept = keep_newest(items, date, limit)
    assert len(kept) == min(len(items), limit)
    hours = [item[1] for item in kept if item[1] is not None]
    assert hours == sorted(hours)
    assert hours == sorted(item[1] for item in items if item[1] is not None)[: len(hours)]
    assert ends(list(range(3)), 0) == []
