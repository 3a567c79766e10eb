"""Feeds by REST: they are on the topic as ``copydesk feeds`` writes them. With the embedded broker and real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from copydesk_api.admin.feed_bodies import FeedList, ImportedFeeds
from copydesk_api.operating.feed_table import FeedTable
from copydesk_api.store import Store
from copydesk_fetcher.feeds_file import parse_feeds, sync_feeds
from copydesk_shared.feed_records import known_feeds
from copydesk_shared.identity import short_digest
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Feed, FeedState
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import FEEDS, FEEDS_STATE
from copydesk_shared.wire import encode, tombstone
from copydesk_standalone.feeds.registry import read_registry
from tests.api.desk import Desk, desk_with_broker, running_desk
from tests.api.test_keys import bearer
from tests.api.test_rest import assert_problem

pytestmark = pytest.mark.kafka

# Where no brokers are.
NOWHERE = "127.0.0.1:1"
URL = "https://news.gull.example/rss.xml"
ID = short_digest(URL)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('feeds') / 'api.db'}")
    yield opened
    opened.close()


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_with_broker(store, tmp_path) as running:
        yield running


async def test_export_and_import_are_calls_and_no_feeds(desk: Desk) -> None:
    for name, methods in (("export", "GET, HEAD, OPTIONS"), ("import", "OPTIONS, POST")):
        place = f"/v1/feeds/{name}"
        assert (await desk.client.options(place)).headers["allow"] == methods
        refused = await desk.client.delete(place)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert_problem(await desk.client.post("/v1/feeds", json={"url": URL, "id": name}), 400, "calls, not ids")
    assert (await desk.client.options("/v1/feeds/exports")).headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert_problem(await desk.client.get("/v1/feeds?limit=1&limit=2"), 400, "more than once")


async def test_a_feed_is_added_paused_resumed_changed_and_removed(desk: Desk) -> None:
    client = desk.client
    added = await client.post("/v1/feeds", json={"url": f" {URL}#top ", "interval": "15m"})
    assert (added.status_code, added.headers["location"]) == (201, f"/v1/feeds/{ID}")
    assert added.json() == (await client.get(f"/v1/feeds/{ID}")).json()
    assert {name: added.json()[name] for name in ("url", "name", "interval_seconds", "adapts", "paused", "state")} == {
        "url": URL, "name": "gull.example", "interval_seconds": 900, "adapts": False, "paused": False, "state": None,
    }  # fmt: skip
    again = await client.post("/v1/feeds", json={"url": URL.replace("https", "HTTPS")})
    assert_problem(again, 409, ID)
    paused = await client.patch(f"/v1/feeds/{ID}", json={"paused": True})
    assert paused.json()["paused"] is True
    changed = await client.patch(f"/v1/feeds/{ID}", json={"paused": False, "name": "The Gull", "content": "page"})
    registry = await read_registry(desk.brokers)  # what the command reads
    feed = registry.of(URL).feed
    assert (feed.name, feed.content, feed.paused, feed.adapts) == ("The Gull", "page", False, False)
    assert changed.json() == (await client.get("/v1/feeds")).json()["items"][0]
    removed = await client.delete(f"/v1/feeds/{ID}")
    assert (removed.status_code, removed.content) == (204, b"")
    for call in (client.get, client.delete):
        assert_problem(await call(f"/v1/feeds/{ID}"), 404, ID)
    assert_problem(await client.patch(f"/v1/feeds/{ID}", json={"paused": True}), 404)
    assert (await read_registry(desk.brokers)).feeds == {}
    sources = {record.header("ce_source") for record in await desk.records(FEEDS.name) if record.value}
    assert sources == {"/copydesk/feeds-api"}


async def test_a_feed_of_a_file_stays_one_and_is_changed_where_it_lies(desk: Desk) -> None:
    await sync_feeds(desk.brokers, parse_feeds(f"feeds:\n  - url: {URL}\n", "f"))
    async with asyncio.timeout(60):
        while (found := await desk.client.get(f"/v1/feeds/{ID}")).status_code == 404:
            await asyncio.sleep(0.02)
    assert found.json()["from_file"] is True
    assert (await desk.client.patch(f"/v1/feeds/{ID}", json={"interval": 60})).json()["from_file"] is True
    known = known_feeds(await desk.records(FEEDS.name))
    assert (known[ID].from_file, known[ID].feed.interval_seconds) == (True, 60)
    assert len({record.partition for record in await desk.records(FEEDS.name)}) == 1


OPML = """<?xml version="1.0"?><opml version="2.0"><head/><body>
<outline text="Gull" type="rss" xmlUrl="https://news.gull.example/rss.xml"/>
<outline text="folder"><outline text="Moth" xmlUrl="https://moth.example/feed"/></outline>
<outline text="bad" xmlUrl="ftp://x.example/"/></body></opml>"""


async def test_opml_comes_in_and_goes_out(desk: Desk) -> None:
    client = desk.client
    headers = {"Content-Type": "text/x-opml"}
    dry = await client.post("/v1/feeds/import?dry_run=true", content=OPML, headers=headers)
    assert len(dry.json()["added"]) == 2
    assert (await client.get("/v1/feeds")).json()["items"] == []
    done = ImportedFeeds.model_validate((await client.post("/v1/feeds/import", content=OPML, headers=headers)).json())
    assert [each.name for each in done.added] == ["Gull", "Moth"]
    assert "ftp" in done.warnings[0]
    again = (await client.post("/v1/feeds/import", content=OPML, headers=headers)).json()
    assert (again["added"], len(again["passed_over"])) == ([], 2)
    exported = await client.get("/v1/feeds/export")
    assert exported.headers["content-type"].startswith("text/x-opml")
    assert "attachment" in exported.headers["content-disposition"]
    outlines = ET.fromstring(exported.text).iter("outline")  # noqa: S314 - our own
    assert [(each.get("text"), each.get("xmlUrl")) for each in outlines] == [
        ("Gull", URL), ("Moth", "https://moth.example/feed"),
    ]  # fmt: skip


BOMB = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;&a;">]><opml><body><outline xmlUrl="&c;"/></body></opml>'


async def test_what_cannot_be_brought_in(desk: Desk) -> None:
    for content, words in (
        (BOMB, "XML entities"), ("[]", "not OPML"), ("", "not OPML"),
        ("<opml>" + " " * (5 * 1024 * 1024), "larger than 5 MiB"),
    ):  # fmt: skip
        assert_problem(await desk.client.post("/v1/feeds/import", content=content), 400, words)
    answer = await desk.client.post("/v1/feeds/import", content="x" * (9 * 1024 * 1024))
    assert_problem(answer, 413)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "url"),
        ({"url": "nonsense"}, "url: "),
        ({"url": "ftp://news.example/"}, "url: "),
        ({"url": "https://user:secret@news.example/"}, "url: a URL with a user name"),
        ({"url": "https://news.example/" + "x" * 5000}, "url: "),
        ({"url": URL, "interval": "1y"}, "interval: "),
        ({"url": URL, "interval": True}, "interval"),
        ({"url": URL, "kind": "video"}, "kind: "),
        ({"url": URL, "id": "../x"}, "id: "),
        ({"url": URL, "name": " "}, "name: "),
        ({"url": URL, "names": "x"}, "names: "),
        ({"url": None}, "url: "),
    ],
)
async def test_feeds_that_cannot_be(store: Store, body: dict[str, object], words: str) -> None:
    async with running_desk(store, NOWHERE, (), FeedTable()) as desk:
        problem = assert_problem(await desk.client.post("/v1/feeds", json=body), 400, words)
    assert "secret" not in str(problem)


async def test_without_brokers_nothing_is_known_and_nothing_taken(store: Store) -> None:
    async with running_desk(store, NOWHERE) as desk:
        for answer in (
            await desk.client.get("/v1/feeds"),
            await desk.client.post("/v1/feeds", json={"url": URL}),
            await desk.client.post("/v1/feeds/import", content=OPML),
        ):
            assert_problem(answer, 503, "not been read")
            assert answer.headers["retry-after"] == "5"
    async with running_desk(store, NOWHERE, ("outlet",), FeedTable()) as desk:
        answer = await desk.client.post("/v1/feeds", json={"url": URL})
        assert_problem(answer, 503, "cannot be used")
        assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("scope", [None, "read", "write"])
async def test_feeds_are_for_admins(store: Store, scope: str | None) -> None:
    async with running_desk(store, NOWHERE, (), FeedTable()) as desk:
        made = await desk.client.post("/v1/keys", json={"name": "x", "scope": scope or "read"})
        headers = bearer(made.json()["token"]) if scope else {}
        expected = 403 if scope else 401
        async with httpx.AsyncClient(base_url=desk.client.base_url, headers=headers) as client:
            for method, path in (
                ("GET", "/v1/feeds"), ("POST", "/v1/feeds"), ("GET", "/v1/feeds/x"), ("PATCH", "/v1/feeds/x"),
                ("DELETE", "/v1/feeds/x"), ("POST", "/v1/feeds/import"), ("GET", "/v1/feeds/export"),
            ):  # fmt: skip
                assert (await client.request(method, path)).status_code == expected, (method, path)


def table(broker: MemoryBroker) -> FeedTable:
    found = FeedTable()
    for topic in (FEEDS, FEEDS_STATE):
        for record in broker.topics[topic.name]:
            found.take(record)
    return found


def feed(number: int) -> Feed:
    return Feed(feed_id=f"feed{number:02}", url=f"https://news{number}.example/", name=f"News {number}")


def state(number: int, **fields: object) -> Outgoing:
    told = FeedState.model_validate({"feed_id": f"feed{number:02}", "next_poll_at": "2026-03-01T00:00:00Z", **fields})
    return encode(FEEDS_STATE, told, stage="t", version="1")


async def test_pages_of_feeds_and_those_that_fail(store: Store) -> None:
    broker = MemoryBroker(partitions=2)
    for number in range(7):
        broker.append(encode(FEEDS, feed(number), stage="t", version="1"))
    broker.append(state(2, failures=3, last_error="HTTP 503", entries_seen=9))
    broker.append(state(4))
    async with running_desk(store, NOWHERE, (), table(broker)) as desk:
        ids, url = [], "/v1/feeds?limit=3"
        while url:
            answer = await desk.client.get(url)
            ids.append([each.feed_id for each in FeedList.model_validate(answer.json()).items])
            url = answer.links.get("next", {}).get("url", "")
        assert ids == [["feed00", "feed01", "feed02"], ["feed03", "feed04", "feed05"], ["feed06"]]
        (failing,) = (await desk.client.get("/v1/feeds?failing=true")).json()["items"]
        assert failing["feed_id"] == "feed02"
        assert {name: failing["state"][name] for name in ("failures", "last_error", "entries_seen")} == {
            "failures": 3, "last_error": "HTTP 503", "entries_seen": 9,
        }  # fmt: skip
        assert (await desk.client.get("/v1/feeds?cursor=x")).status_code == 400
        assert (await desk.client.get("/v1/feeds?limit=1001")).status_code == 400


def test_a_feed_that_moves_between_partitions_stays_in_the_table() -> None:
    """Its new owner writes it where it belongs, and a tombstone where it was; nobody says in which order they come."""
    broker = MemoryBroker(partitions=2)
    defined = encode(FEEDS, feed(1), stage="t", version="1")
    there = broker.append(defined)
    other = 1 - there.partition
    found = table(broker)
    found.take(broker.append(Outgoing(FEEDS.name, defined.key, defined.value, defined.headers, partition=other)))
    found.take(broker.append(tombstone(FEEDS, "feed01", stage="t", partition=there.partition)))
    assert [known.partition for known in found.feeds.values()] == [other]
    assert [each.feed_id for each, _ in found.of("news1.example")] == ["feed01"]
    found.take(broker.append(tombstone(FEEDS, "feed01", stage="t", partition=other)))
    assert (dict(found.feeds), found.of("news1.example")) == ({}, [])
