"""Freshness of the sources: what articles and feeds say of each, in pages, and what follows from the topics."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import Engine

from copydesk_api.app import create_app
from copydesk_api.operating import freshness
from copydesk_api.operating.bodies import SourceHealthAnswer, SourceList
from copydesk_api.operating.feed_table import Feeds, FeedTable
from copydesk_api.operating.parts import Operating
from copydesk_api.operating.sources import domains
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.web import pages
from copydesk_api.web import sources as web_sources
from copydesk_shared.log import Outgoing
from copydesk_shared.message import Message
from copydesk_shared.messages import ClassifiedArticle, Feed, FeedState, HostState, Source
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import FEEDS, FEEDS_STATE, HOSTS_STATE, Topic
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.test_pages import get, words
from tests.api.test_rest import assert_problem, follow

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def of(domain: str, article_id: str, hours_ago: float, name: str = "") -> tuple[str, ClassifiedArticle]:
    at = NOW - hours_ago * HOUR
    made = article(article_id, source=Source(name=name or domain.title(), domain=domain))
    return article_id, made.model_copy(update={"published_at": at, "fetched_at": at, "feed_id": f"feed-{domain}"})


def put(broker: MemoryBroker, topic: Topic[Any], key: str, message: Message | None) -> None:
    value = None if message is None else message.model_dump_json().encode()
    broker.append(Outgoing(topic.name, key.encode(), value))


def polled(feed_id: str, **fields: object) -> FeedState:
    return FeedState.model_validate({"feed_id": feed_id, "next_poll_at": NOW + HOUR, "last_poll_at": NOW, **fields})


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker(partitions=2)
    for name, host in (("gull", "gull.example"), ("moth", "moth.example"), ("owl", "owl.example")):
        feed = Feed(feed_id=name, url=f"https://news.{host}/rss?token=secret", name=f"The {name.title()}")
        put(broker, FEEDS, name, feed)
    put(broker, FEEDS_STATE, "gull", polled("gull", last_success_at=NOW))
    put(
        broker,
        FEEDS_STATE,
        "moth",
        polled("moth", failures=3, failure_kind="temporary", failing_since=NOW, last_error="HTTP 503 from secret"),
    )
    put(
        broker,
        HOSTS_STATE,
        "gull.example",
        HostState(domain="gull.example", last_status=200, queued=4, last_request_at=NOW),
    )
    return broker


async def read_feeds(broker: MemoryBroker) -> Feeds:
    """The feeds after one session."""
    feeds, running = Feeds(), service()
    following = asyncio.create_task(feeds.follow(running, broker.follow))
    async with asyncio.timeout(60):
        while not feeds.table.is_known:
            await asyncio.sleep(0.005)
    running.stopping.set()
    await asyncio.wait_for(following, 60)
    return feeds


@pytest.fixture
def served(store: Store, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setattr(freshness, "KEPT_SECONDS", 0.001)
    feeds = asyncio.run(read_feeds(broker))
    with (
        serving(create_app(store, ApiSettings(), operating=Operating(feeds))) as url,
        httpx.Client(base_url=url) as http,
    ):
        yield http


def listed(client: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = client.get("/v1/sources")
    SourceList.model_validate_json(answer.content)
    return {each["domain"]: each for each in answer.json()["items"]}


def test_what_articles_and_feeds_say_of_each(served: httpx.Client, store: Store) -> None:
    batch = [of("gull.example", f"g{hours}", hours, "The Gull") for hours in (0.5, 3, 30, 200)]
    batch += [of("kite.example", f"k{hours}", hours) for hours in range(60, 70)]
    store.write([*batch, of("lark.example", "l", 500), of("gull.example", "later", -48)], {})
    found = listed(served)
    assert list(found) == ["gull.example", "kite.example", "lark.example", "moth.example", "owl.example"]
    assert {domain: each["state"] for domain, each in found.items()} == {
        "gull.example": "ok", "kite.example": "ok", "lark.example": "silent", "moth.example": "failing", "owl.example": "silent",
    }  # fmt: skip
    gull = found["gull.example"]
    assert gull["newest"]["article_id"] == "g0.5", "one that is dated in the future is not news"
    assert (gull["name"], gull["articles_last_day"], gull["articles_last_week"]) == ("The Gull", 2, 3)
    assert (gull["articles_per_day"], gull["feeds"], gull["feeds_failing"]) == (0.4, 1, 0)
    assert gull["last_success_at"] is not None
    assert (found["moth.example"]["name"], found["moth.example"]["newest"]) == ("The Moth", None)


def test_a_source_that_publishes_often_is_late_sooner(served: httpx.Client, store: Store) -> None:
    store.write([of("often.example", f"o{number}", 12 + number / 10) for number in range(100)], {})
    store.write([of("seldom.example", f"s{number}", 12 + number * 24) for number in range(6)], {})
    found = listed(served)
    assert (found["often.example"]["state"], found["seldom.example"]["state"]) == ("late", "ok")


def test_one_source_with_its_feeds_and_days(served: httpx.Client, store: Store) -> None:
    store.write([of("gull.example", f"g{hours}", hours) for hours in (0, 1, 24, 48)], {})
    answer = served.get("/v1/sources/Gull.example/health")
    health = SourceHealthAnswer.model_validate_json(answer.content)
    assert [(each.name, each.failures, each.is_failing) for each in health.each_feed] == [("The Gull", 0, False)]
    assert health.host is not None
    assert (health.host.last_status, health.host.queued) == (200, 4)
    assert len(health.days) == 14
    assert sum(each.articles for each in health.days) == 4
    assert health.days[-1].day == datetime.now(UTC).date()
    moth = served.get("/v1/sources/moth.example/health")
    assert moth.json()["each_feed"][0]["failure_kind"] == "temporary"
    assert "secret" not in answer.text + moth.text, "neither addresses nor what servers said"
    assert_problem(served.get("/v1/sources/none.example/health"), 404, "none.example")


def test_pages_by_domain(served: httpx.Client, store: Store) -> None:
    store.write([of(f"{letter}.example", letter, 1) for letter in "abcxyz"], {})
    whole = list(listed(served))
    assert len(whole) == 9
    pages = list(follow(served, "/v1/sources?limit=2"))
    assert [each["domain"] for page in pages for each in page["items"]] == whole
    assert [len(page["items"]) for page in pages] == [2, 2, 2, 2, 1]
    long = "é" * 200 + ".example"
    store.write([of(long, "long", 1), of("z" * 300, "too-long", 1)], {})
    assert [each["domain"] for page in follow(served, "/v1/sources?limit=1") for each in page["items"]] == sorted(
        [*whole, long]
    )
    assert_problem(served.get("/v1/sources", params={"cursor": "abcd"}), 400, "cursor")
    changes = served.get("/v1/changes").json()["next"]
    assert_problem(served.get("/v1/sources", params={"cursor": changes}), 400, "/v1/changes")


def test_it_is_conditional_and_counted_once_in_a_while(
    client: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "KEPT_SECONDS", 10_000_000)
    store.write([of("gull.example", "g", 1)], {})
    first = client.get("/v1/sources")
    assert first.json()["feeds_known"] is False
    assert client.get("/v1/sources", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    counted: list[int] = []

    def count(engine: Engine) -> list[str]:
        counted.append(1)
        return domains(engine)

    monkeypatch.setattr(freshness, "domains", count)
    client.get("/v1/sources?limit=3")
    assert not counted
    monkeypatch.setattr(freshness, "KEPT_SECONDS", 0.001)
    client.get("/v1/sources")
    assert counted


async def test_the_table_follows_the_topics(broker: MemoryBroker) -> None:
    feeds, running = Feeds(), service()
    following = asyncio.create_task(feeds.follow(running, broker.follow))
    async with asyncio.timeout(60):
        while not feeds.table.is_known:
            await asyncio.sleep(0.005)
        put(broker, FEEDS, "moth", None)
        put(broker, FEEDS, "gull", Feed(feed_id="gull", url="https://moved.example/", name="Gull", paused=True))
        broker.append(Outgoing(FEEDS_STATE.name, b"gull", b"not JSON"))
        while feeds.table.domains_after("") != ["moved.example", "owl.example"]:
            await asyncio.sleep(0.005)
        broker.fail_polls = 1
        while broker.sessions < 2 or not feeds.table.is_known:
            await asyncio.sleep(0.005)
            assert feeds.table.of("owl.example"), "what was known is shown until it is read anew"
    running.stopping.set()
    await asyncio.wait_for(following, 60)
    assert [feed.paused for feed, _ in feeds.table.of("moved.example")] == [True]


def test_the_pages(served: httpx.Client, store: Store) -> None:
    empty = get(served, "/sources")
    assert words(empty, "h1") == ["Sources"]
    store.write([of("gull.example", "g", 1, "The Gull"), of("<b>.example", "b", 1, "<b>x</b>")], {})
    page = get(served, "/sources")
    assert {"/sources/gull.example", "/sources/owl.example", "/articles/g"} <= set(page.links())
    assert not page.all("b")
    one = get(served, "/sources/moth.example")
    assert "failing" in " ".join(words(one, "td"))
    assert "secret" not in " ".join(words(one, "body"))
    assert len(one.all("rect")) == 14
    assert words(get(served, "/sources/none.example", 404), "h1") == ["Not Found"]
    nothing = FeedTable()
    assert nothing.of("x") == []


def test_a_page_is_the_same_as_long_as_nothing_happens(
    served: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(minutes=3)

    monkeypatch.setattr(freshness, "_now", lambda: NOW)
    store.write([of("gull.example", "g", 1, "The Gull")], {})
    tags = {path: served.get(path).headers["etag"] for path in ("/sources", "/sources/gull.example")}
    for module in (web_sources, pages):
        monkeypatch.setattr(module, "datetime", Later)
    for path, tag in tags.items():
        assert served.get(path, headers={"If-None-Match": tag}).status_code == 304, path
    page = get(served, "/sources/gull.example")
    assert f"{NOW - HOUR:%b %Y, %H:%M} UTC" in " ".join(words(page, "time"))


def test_no_sources_yet(client: httpx.Client) -> None:
    assert any("No sources yet" in text for text in words(get(client, "/sources"), "h2"))
