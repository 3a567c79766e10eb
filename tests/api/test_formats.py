"""The formats of others, held against their schemas and read by their readers."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
import rnc2rng
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree

from copydesk_api.formats.atom import NAMESPACE, atom
from copydesk_api.formats.json_feed import json_feed
from copydesk_api.formats.ninjs import ninjs
from copydesk_api.formats.rss import NAMESPACES, rss
from copydesk_api.formats.schema_org import for_script, news_article
from copydesk_api.formats.selection import Selection
from copydesk_shared.messages import ClassifiedArticle, Image, Rights
from tests.api.samples import COURIER, article

SCHEMAS = Path(__file__).parent / "schemas"
BASE = "https://news.example/desk"
ATOM = {"a": NAMESPACE}
RSS = {"content": NAMESPACES["xmlns:content"], "dc": NAMESPACES["xmlns:dc"], "media": NAMESPACES["xmlns:media"]}
NASTY = "A <b>\"quoted\"</b> & 'fused' ]]> line\x00\x0b\ufffe \U0001f4f0 </script><!--"

GRAMMAR = etree.RelaxNG(etree.fromstring(rnc2rng.dumps(rnc2rng.load(str(SCHEMAS / "atom.rnc"))).encode()))
NINJS = Draft202012Validator(
    json.loads((SCHEMAS / "ninjs-schema_3.1.json").read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def rich() -> ClassifiedArticle:
    """One that has everything."""
    return article("rich", text="First paragraph.\nSecond & last.", tags=("conflict", "aviation")).model_copy(
        update={
            "title": "Ferry & quay: \u201cberths\u201d empty",
            "authors": ("Ada Quill", "Bo Inkpen"),
            "attribution": ("Gull Agency",),
            "modified_at": datetime(2026, 3, 2, tzinfo=UTC),
            "images": (
                Image(url="javascript:alert(1)", caption="No picture"),
                Image(url="https://pictures.example/quay.jpg", caption="The quay", credit="Gull Pictures"),
            ),
            "rights": Rights(robots="noai", tdm="reserved"),
            "section": "Harbour",
        }
    )


def bare() -> ClassifiedArticle:
    """One that has next to nothing."""
    return article("bare", text="Words.", tags=(), title="", dated=False, source=COURIER, language=None)


def nasty() -> ClassifiedArticle:
    return article("nasty", text=f"{NASTY}\n{NASTY}", title=NASTY, tags=(NASTY,)).model_copy(
        update={"authors": (NASTY,), "canonical_url": "javascript:alert(1)"}
    )


def selection(*articles: ClassifiedArticle, **given: Any) -> Selection:
    return Selection(articles, base_url=BASE, feed_url=f"{BASE}/v1/feed?tag=a&q=b", **given)


ALL = pytest.mark.parametrize(
    "articles", [(), (rich(),), (bare(),), (nasty(), rich(), bare())], ids=["none", "rich", "bare", "all"]
)


@ALL
def test_atom_is_valid(articles: Sequence[ClassifiedArticle]) -> None:
    feed = etree.fromstring(atom(selection(*articles, next_url=f"{BASE}/v1/feed.atom?cursor=x", hub_url=f"{BASE}/hub")))
    assert GRAMMAR.validate(feed), GRAMMAR.error_log
    ids = feed.xpath("//a:id/text()", namespaces=ATOM)
    assert len(ids) == len(set(ids)) == 1 + len(articles)
    links = {link.get("rel"): link.get("href") for link in feed.xpath("/a:feed/a:link", namespaces=ATOM)}
    assert links == {
        "self": f"{BASE}/v1/feed?tag=a&q=b",
        "alternate": f"{BASE}/?tag=a&q=b",
        "next": f"{BASE}/v1/feed.atom?cursor=x",
        "hub": f"{BASE}/hub",
    }
    pairs = [
        (each.findtext("a:published", None, ATOM), each.findtext("a:updated", None, ATOM))
        for each in feed.findall("a:entry", ATOM)
    ]
    assert all(published <= updated for published, updated in pairs)


def test_each_feed_leads_to_the_page_that_shows_the_same() -> None:
    asked = Selection((rich(),), base_url=BASE, feed_url=f"{BASE}/v1/feed?tag=a&tag=b+c&limit=5&cursor=x")
    home = f"{BASE}/?tag=a&tag=b+c"
    assert asked.home_url == json_feed(asked)["home_page_url"] == home
    assert etree.fromstring(rss(asked)).findtext("channel/link") == home
    assert Selection((), base_url=BASE, feed_url=f"{BASE}/v1/feed").home_url == f"{BASE}/"


@ALL
@pytest.mark.parametrize("write", [atom, rss])
def test_feed_readers_read_them(articles: Sequence[ClassifiedArticle], write: Any) -> None:
    read = feedparser.parse(write(selection(*articles, subject="tag a, q b")))
    assert not read.bozo, read.get("bozo_exception")
    assert read.feed.title == "Copydesk: tag a, q b"
    assert [entry.title for entry in read.entries] == [
        "".join(char for char in each.title if char not in "\x00\x0b\ufffe") or each.source.name for each in articles
    ]
    assert all("<b>" not in entry.content[0].value for entry in read.entries)
    for entry, each in zip(read.entries, articles, strict=True):
        assert [tag.term for tag in entry.get("tags", [])] == [tag.tag.translate(GONE) for tag in each.tags]
        assert entry.published_parsed[:6] == (each.published_at or each.fetched_at).timetuple()[:6]
        assert "script" not in entry.link


GONE = dict.fromkeys(map(ord, "\x00\x0b\ufffe"))


def test_rss_says_what_there_is() -> None:
    channel = etree.fromstring(rss(selection(rich(), bare())))[0]
    first, second = channel.findall("item")
    assert first.findtext("guid") == "rich"
    assert first.find("guid").get("isPermaLink") == "false"
    assert first.findtext("description") == "First paragraph."
    assert first.findtext("content:encoded", None, RSS) == "<p>First paragraph.</p><p>Second &amp; last.</p>"
    assert [name.text for name in first.findall("dc:creator", RSS)] == ["Ada Quill", "Bo Inkpen"]
    assert first.find("media:content", RSS).get("url") == "https://pictures.example/quay.jpg"
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")) == datetime(2026, 3, 2, tzinfo=UTC)
    assert second.find("media:content", RSS) is None
    assert second.findtext("title") == "Northern Courier"


@ALL
def test_ninjs_is_valid(articles: Sequence[ClassifiedArticle]) -> None:
    for each in articles:
        item = ninjs(each, BASE)
        assert sorted(error.message for error in NINJS.iter_errors(item)) == []


def test_ninjs_says_what_there_is() -> None:
    item = ninjs(rich(), BASE)
    assert item["uri"] == f"{BASE}/articles/rich"
    assert [body["value"] for body in item["bodies"]] == [
        "First paragraph.\nSecond & last.",
        "<p>First paragraph.</p><p>Second &amp; last.</p>",
    ]
    assert [each["uri"] for each in item["associations"]] == ["https://pictures.example/quay.jpg"]
    assert item["usageTerms"] == "robots: noai; text and data mining: reserved"
    assert [each["literal"] for each in item["subjects"]] == ["conflict", "aviation"]
    assert item["infoSources"][1] == {"name": "Gull Agency"}


def test_the_schema_of_ninjs_refuses_what_is_wrong() -> None:
    assert list(NINJS.iter_errors({**ninjs(rich(), BASE), "headline": "No such field"}))


def test_json_feed_names_the_hub_and_the_lead_picture() -> None:
    feed = json_feed(selection(rich(), hub_url=f"{BASE}/hub"))
    assert feed["hubs"] == [{"type": "WebSub", "url": f"{BASE}/hub"}]
    assert feed["items"][0]["image"] == "https://pictures.example/quay.jpg"
    assert feed["items"][0]["date_modified"] == "2026-03-02T00:00:00Z"


@given(st.text(), st.text())
def test_any_text_makes_xml(title: str, text: str) -> None:
    one = article("one", text=text or "x", title=title)
    for write in (atom, rss):
        etree.fromstring(write(selection(one)))


def test_linked_data_cannot_leave_its_script() -> None:
    said = for_script(news_article(nasty(), BASE))
    assert not {"<", ">", "&"} & set(said)
    assert json.loads(said)["headline"] == NASTY
    assert "url" not in json.loads(said)
    assert json.loads(for_script(news_article(rich(), BASE)))["author"][1] == {"@type": "Person", "name": "Bo Inkpen"}
