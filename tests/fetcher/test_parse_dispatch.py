import pytest

from copydesk_fetcher.parsing.dispatch import READERS, look_at, parse_feed, root_of
from copydesk_fetcher.parsing.model import IsHtml, NotAFeed

from .samples import BASE, NOW, atom_of, rss_of

PROLOGUE = '<!-- <rss> --><?xml-stylesheet href="a.xsl"?>\n<!DOCTYPE x [<!ENTITY a "<html>">]>'
SITEMAP = "<urlset><url><loc>https://news.example/a</loc></url></urlset>"


@pytest.mark.parametrize(
    ("body", "reader"),
    [
        ("<html>", "web page"),
        ("<!DOCTYPE html><meta charset=utf-8>", "web page"),
        (SITEMAP, "sitemap"),
        ("<sitemapindex/>", "sitemap"),
        ("https://news.example/a\nhttps://news.example/b\n", "text sitemap"),
        ('{"version": "https://jsonfeed.org/version/1"}', "JSON Feed"),
        ("[]", "JSON Feed"),
        (rss_of("").decode(), "RSS or Atom"),
        (atom_of("").decode(), "RSS or Atom"),
        ("<rdf:RDF>", "RSS or Atom"),
        ("Warning: no cache<br><rss>", "RSS or Atom"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
def test_the_reader_is_chosen_by_the_bytes(body: str, reader: str, encoding: str) -> None:
    prologue = PROLOGUE if body.startswith(("<rdf", "<urlset", "<sitemapindex")) else ""
    document = look_at(f"\n{prologue}{body}".encode(encoding), "image/png", BASE, 10, NOW)
    assert next(each.name for each in READERS if each.recognises(document)) == reader


@pytest.mark.parametrize(
    ("start", "root"),
    [
        ("<?xml version='1.0'?>\n<RSS version='2.0'>", "rss"),
        ("<a:feed xmlns:a='x'>", "feed"),
        ("<!DOCTYPE html>\n<!-- x --><html>", "html"),
        (f"{PROLOGUE}<feed/>", "feed"),
        ("<!-- never closed <rss>", ""),
        ("text <rss>", ""),
        ("<!DOCTYPE [[[[", ""),
        ("", ""),
    ],
)
def test_the_root_is_the_first_element(start: str, root: str) -> None:
    assert root_of(start) == root


@pytest.mark.parametrize(
    "body", ["Notice: x in y<br><html><body>", "<script>x</script><body>", "<title>x</title><HEAD>"]
)
def test_a_web_page_is_one_after_something_else_too(body: str) -> None:
    with pytest.raises(IsHtml):
        parse_feed(body.encode(), "", BASE, 10, NOW)


def test_a_feed_that_broke_off_is_no_web_page() -> None:
    with pytest.raises(NotAFeed) as caught:
        parse_feed(b"<rss version='2.0'><channel><description><body>", "", BASE, 10, NOW)
    assert not isinstance(caught.value, IsHtml)


def test_what_reads_on_after_junk_reads_the_feed() -> None:
    item = "<item><title>T</title><link>https://news.example/a</link></item>"
    feed = parse_feed(b"Notice: undefined index<br>\n" + rss_of(item), "", BASE, 10, NOW)
    assert [entry.title for entry in feed.entries] == ["T"]
    assert feed.problem
