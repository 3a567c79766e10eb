"""Any filter is a feed to subscribe to, in three formats; one article as ninjs."""

import feedparser
import httpx
import pytest

from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article, fused_article
from tests.api.servers import serving

XML_FEEDS = {"/v1/feed.atom": "application/atom+xml", "/v1/feed.rss": "application/rss+xml"}


@pytest.mark.parametrize("path", XML_FEEDS)
def test_a_reader_follows_a_filtered_feed_to_its_end(client: httpx.Client, store: Store, path: str) -> None:
    tags = (("conflict",), ("aviation",), ("conflict", "aviation"))
    store.write([(f"a{n}", article(f"a{n}", tags=tags[n % 3], minutes=n)) for n in range(9)], {})
    wanted = {item["article_id"] for item in client.get("/v1/articles?tag=conflict&limit=200").json()["items"]}
    found: list[str] = []
    url = f"{path}?tag=conflict&limit=2"
    while url:
        answer = client.get(url)
        assert answer.headers["content-type"].partition(";")[0] == XML_FEEDS[path]
        read = feedparser.parse(answer.content)
        assert not read.bozo
        assert read.feed.title == "Copydesk: tag conflict"
        found += [entry.link.rpartition("/")[2] for entry in read.entries]
        url = next((link.href for link in read.feed.links if link.rel == "next"), "")
        assert answer.links.get("next", {}).get("url", "") == url
    assert len(found) == 6
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("path", XML_FEEDS)
def test_what_cannot_be_asked_of_the_list_cannot_be_asked_of_a_feed(client: httpx.Client, path: str) -> None:
    assert client.get(f"{path}?tags=x").status_code == 400
    assert client.get(f"{path}?cursor=abcd").json()["errors"][0]["parameter"] == "cursor"


def test_the_public_address_stands_in_all_feeds(store: Store) -> None:
    store.write([("a", article("a")), ("b", article("b"))], {})
    with serving(create_app(store, ApiSettings(base_url="https://news.example/desk/"))) as base_url:
        for path in XML_FEEDS:
            links = {
                link.rel: link.href
                for link in feedparser.parse(httpx.get(f"{base_url}{path}?limit=1").content).feed.links
            }
            assert links["next"].startswith(f"https://news.example/desk{path}?limit=1&cursor=")
            assert links["self"] == f"https://news.example/desk{path}?limit=1"


def test_an_article_as_ninjs(client: httpx.Client, store: Store) -> None:
    store.write([("fused", fused_article())], {})
    answer = client.get("/v1/articles/fused", headers={"Accept": "application/ninjs+json, */*;q=0.1"})
    assert answer.headers["content-type"] == "application/ninjs+json"
    assert answer.headers["vary"].startswith("Accept")
    assert answer.json()["standard"]["version"] == "3.1"
    assert answer.json()["uri"] == f"{str(client.base_url).rstrip('/')}/articles/fused"
    plain = client.get("/v1/articles/fused")
    assert plain.headers["content-type"] == "application/json"
    assert plain.json()["article_id"] == "fused"
