import gzip
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_shared.errors import InputError
from copydesk_shared.identity import canonical_url, short_digest
from copydesk_shared.messages import Feed
from copydesk_shared.opml import (
    BYTES_LIMIT,
    DEPTH_LIMIT,
    ELEMENTS_LIMIT,
    WARNINGS_LIMIT,
    Imported,
    export_opml,
    import_opml,
)
from copydesk_shared.text import plain_text


def opml(body: str) -> bytes:
    return f'<?xml version="1.0"?>\n<opml version="2.0"><head><title>Mine</title></head><body>\n{body}</body></opml>'.encode()


def outline(url: str, text: str = "") -> str:
    return f'<outline type="rss" text="{text}" xmlUrl="{url}"/>\n'


def read(content: bytes) -> Imported:
    return import_opml(content, "f.opml")


def pairs(found: Imported) -> list[tuple[str, str]]:
    return [(feed.name, feed.url.removeprefix("https://news.example/")) for feed in found.feeds]


def test_a_list_with_folders() -> None:
    found = read(
        opml(
            '<outline text="Papers"><outline text="Daily"><outline type="rss" text=" The  News " title="x" '
            'xmlUrl=" https://news.example/rss?a=1&amp;b=2 " htmlUrl="https://news.example/" category="/a/b,c"/>'
            '</outline></outline><outline title="Times &amp; more" xmlUrl="https://times.example/atom.xml"/>'
        )
    )
    assert found == Imported(
        (
            Feed(
                feed_id=short_digest("https://news.example/rss?a=1&b=2"), url="https://news.example/rss?a=1&b=2",
                name="The News", adapts=True,
            ),
            Feed(
                feed_id=short_digest("https://times.example/atom.xml"), url="https://times.example/atom.xml",
                name="Times & more", adapts=True,
            ),
        ),
        (),
    )  # fmt: skip


def test_a_site_without_a_feed_is_taken_as_a_site() -> None:
    (feed,) = read(opml('<outline text="News" htmlUrl="https://news.example/"/>')).feeds
    assert (feed.kind, feed.url) == ("site", "https://news.example/")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_charsets_and_no_name(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><opml><body>{outline("https://news.example/a", "Café")}{outline("https://news.example/b")}</body></opml>'
    assert pairs(read(text.encode(encoding))) == [("Café", "a"), ("news.example", "b")]


def test_feeds_named_twice_are_taken_once() -> None:
    found = read(opml(outline("https://news.example/a", "A") * 2 + outline("https://NEWS.example/a?utm_source=x", "B")))
    assert pairs(found) == [("A", "a")]
    assert found.warnings == ("2 outlines name a feed that is in the file already",)
    assert read(opml(outline("https://a.example/") * 2)).warnings == (
        "1 outline names a feed that is in the file already",
    )


@pytest.mark.parametrize("url", ["feed:https://news.example/a", "feed://https://news.example/a"])
def test_the_scheme_of_feed_readers(url: str) -> None:
    assert pairs(read(opml(outline(url, "A")))) == [("A", "a")]
    assert read(opml(outline("feed://news.example/a"))).feeds[0].url == "http://news.example/a"


def test_what_cannot_be_taken_is_named() -> None:
    found = read(
        opml(
            outline("ftp://news.example/a", "Old") + outline("https://me:secret@news.example/a", "Mine") + outline("", "Empty")
            + '<outline type="include" text="More" url="https://news.example/more.opml"/>' + outline("https://news.example/b", "B")
        )
    )  # fmt: skip
    assert pairs(found) == [("B", "b")]
    assert found.warnings == (
        "Empty: a feed without a URL",
        "Old: url: not an absolute http or https URL: 'ftp://news.example/a'",
        "Mine: url: a URL with a user name or password in it is not taken: it would be published in a topic",
        "https://news.example/more.opml: a list elsewhere, which is not followed",
    )


NO_END = "the end is missing, and maybe feeds with it: there is no </opml>"
UNREAD = "https://news.example/b: in a tag that cannot be read"


@pytest.mark.parametrize(
    ("tail", "names", "warning"),
    [
        ("<outline text='B", ["A"], "line 4: a tag without end: the rest was not read"),
        ("</outline></outline></body></opml>" + outline("https://news.example/b", "B"), ["A", "B"], None),
        ("<outline text='x & y' xmlUrl='https://news.example/b?x=1&y=2'></opml>", ["A", "x & y"], None),
        (
            f"<outline text='B {outline('https://news.example/c', 'C')}</opml>",
            ["A"],
            "line 4: a tag without end: the rest was not read",
        ),
        ("<outline text='B xmlUrl='https://news.example/b'/></opml>", ["A"], UNREAD),
        (
            f"<outline xmlUrl='https://news.example/b'\n{outline('https://news.example/c', 'C')}</opml>",
            ["A", "C"],
            UNREAD,
        ),
        (f"<!-- {outline('https://news.example/b', 'B')} --></opml>", ["A"], None),
        ("<outline type='RSS' text='B'/></opml>", ["A"], "B: a feed without a URL"),
        ("", ["A"], NO_END),
        ("<wrong></body>" + outline("https://news.example/b", "B"), ["A", "B"], NO_END),
        ("<OUTLINE TEXT=B XMLURL=https://news.example/b></OPML>", ["A", "B"], None),
        ("<![broken[" + outline("https://news.example/b", "B"), ["A"], "line 4: broken: the rest was not read"),
    ],
)
def test_of_a_broken_file_comes_what_can_be_read(tail: str, names: list[str], warning: str | None) -> None:
    found = read(opml(outline("https://news.example/a", "A") + "@").replace(b"@</body></opml>", b"\n" + tail.encode()))
    assert [feed.name for feed in found.feeds] == names
    assert found.warnings == ((warning,) if warning else ())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "f.opml: not OPML: it has no outlines"),
        (b"<rss><channel><item/></channel></rss>", "f.opml: not OPML: it has no outlines"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml/>', "f.opml: declares XML entities, which no list of feeds needs"),
        ('<!DOCTYPE opml [<!entity a "b">]><opml/>'.encode("utf-16"), "f.opml: declares XML entities, which no list of feeds needs"),
        (b" " * (BYTES_LIMIT + 1), "f.opml: larger than 5 MiB"),
        (gzip.compress(b"<opml>" + b"a" * BYTES_LIMIT), "f.opml: larger than 5 MiB as UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_list_at_all(content: bytes, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        read(content)
    assert str(raised.value) == problem


def test_an_empty_list_has_no_feeds() -> None:
    assert read(b"<opml/>") == Imported((), ())


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        (
            "<outline text='a'>" * (DEPTH_LIMIT + 1),
            f"outlines nested more than {DEPTH_LIMIT} deep: the rest was not read",
        ),
        ("<outline/>" * (ELEMENTS_LIMIT + 1), f"more than {ELEMENTS_LIMIT} elements: the rest was not read"),
    ],
)
def test_no_list_is_endless(body: str, warning: str) -> None:
    assert read(opml(body)).warnings == (f"line 2: {warning}",)


@pytest.mark.parametrize(
    "piece",
    ["<outline ", "<!--", "<!", "</", "<a>", "<a b='", "<![", "<?", "&", "<outline xmlUrl='https://a.example/' category='a,b,c'/>",
     "<outline text='x'><outline xmlUrl='https://a.example/'/></outline>", "<x xmlns:a='b'>", "<script>"],
)  # fmt: skip
def test_much_of_the_same_is_read_or_refused(piece: str) -> None:
    found = read(b"<opml>" + (piece * (1_000_000 // len(piece))).encode())
    assert len(found.feeds) <= 1


def test_warnings_are_bounded() -> None:
    found = read(opml("".join(outline(f"ftp://{number}") for number in range(WARNINGS_LIMIT + 7))))
    assert len(found.warnings) == WARNINGS_LIMIT + 1
    assert found.warnings[-1] == "and 7 more"


PIECES = st.sampled_from(
    ["<opml>", "<outline ", "xmlUrl=", "'https://a.example/1'", " htmlUrl='https://b.example/'", "text='x'", ">", "/>", "</outline>",
     "<!--", "-->", "<![", "]]>", "<?", "&#0;", "&", "type='link'", " url='x'", "<o:outline xmlns:o='http://opml.org/spec2' ", "\x00", "é"],
)  # fmt: skip


@given(st.one_of(st.binary(), st.lists(PIECES).map(lambda parts: "".join(parts).encode())))
def test_whatever_a_file_holds_it_gives_feeds_or_an_input_error(tail: bytes) -> None:
    for head in (b"", b"<opml><body>"):
        try:
            found = read(head + tail)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - some input is fine
            continue
        assert all(feed.url.startswith(("http://", "https://")) for feed in found.feeds)


PATHS = st.text(alphabet="abcXYZ019/-_.~%é?&=;'\"<>", max_size=30)


def feed(host: str, path: str, name: str, *, is_site: bool) -> Feed | None:
    url = f"https://{host}.example/{path}"
    try:
        found = import_opml(export_opml([Feed(feed_id="x", url=url, name="x")]).encode(), "f").feeds
    except InputError:
        return None
    kind = {"kind": "site"} if is_site else {}
    return found[0].model_copy(update={"name": plain_text(name, 200) or f"{host}.example", **kind}) if found else None


FEEDS = st.lists(
    st.builds(feed, st.sampled_from(["a", "b", "news"]), PATHS, st.text(), is_site=st.booleans()).filter(bool),
    unique_by=lambda each: each.feed_id if each else "",
    max_size=8,
)  # fmt: skip


@settings(max_examples=50)
@given(FEEDS)
def test_what_is_exported_is_imported_again(feeds: list[Feed]) -> None:
    exported = export_opml(feeds)
    again = import_opml(exported.encode(), "f")
    assert again.warnings == ()
    assert {each.feed_id: each for each in again.feeds} == {each.feed_id: each for each in feeds}
    root = ET.fromstring(exported)  # noqa: S314 - we have written it ourselves
    assert (root.tag, root.get("version"), root.findtext("head/title")) == ("opml", "2.0", "Feeds of Copydesk")
    assert all(node.get("text") for node in root.iter("outline"))


def test_an_export_in_full() -> None:
    feeds = [
        Feed(feed_id="a", url="https://news.example/?a=1&b=2", name='The "News" <\x01\uffff'),
        Feed(feed_id="b", url="https://blog.example/", name="Blog", kind="site"),
    ]
    assert export_opml(feeds, "Mine & yours") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n  <head>\n    <title>Mine &amp; yours</title>\n'
        "  </head>\n  <body>\n"
        '    <outline text="The &quot;News&quot; &lt;" title="The &quot;News&quot; &lt;" type="rss" '
        'xmlUrl="https://news.example/?a=1&amp;b=2" />\n'
        '    <outline text="Blog" title="Blog" htmlUrl="https://blog.example/" />\n  </body>\n</opml>\n'
    )
    assert canonical_url(feeds[0].url) == "https://news.example/?a=1&b=2"
