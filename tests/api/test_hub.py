"""The WebSub hub: feeds name it, subscribers are asked back, what is new is pushed, signed. On both databases."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import feedparser
import httpx
import pytest
from pydantic import ValidationError

from copydesk_api.app import create_app
from copydesk_api.push.desk import Desk
from copydesk_api.push.hub import SECRET_BYTES
from copydesk_api.push.records import Kind, Receiver, State
from copydesk_api.push.topics import topic_of
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_fetcher.websub.signatures import Signature
from tests.api.pushing import QUICK, add_webhook, replica, settings, until
from tests.api.samples import COURIER, article
from tests.api.servers import serving
from tests.api.target import OK, Received, Reply, Target, hang, status, target

BASE = "https://news.example/desk"
ATOM = f"{BASE}/v1/feed.atom"
HUB: Mapping[str, Any] = {"websub_hub": True, "base_url": BASE}
SECRET = "between the two of us"


def put(store: Store, *names: str, **given: Any) -> None:
    store.write([(name, article(name, **given)) for name in names], {})


def query(request: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def subscriber(pushes: Reply = OK, challenge: str | None = None, code: int = 200) -> Reply:
    """Confirms what it is asked (or answers something else), and takes what is pushed."""

    def reply(request: Received, writer: asyncio.StreamWriter) -> Any:
        if request.method == "POST":
            return pushes(request, writer)
        body = query(request)["hub.challenge"] if challenge is None else challenge
        return status(code, body)(request, writer)

    return reply


@pytest.fixture(scope="module")
def asked_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('hub') / 'api.db'}")
    with serving(create_app(store, settings(**HUB))) as url, httpx.Client(base_url=url) as client:
        yield client
    store.close()


@asynccontextmanager
async def hub(store: Store, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A replica that serves and pushes."""
    with serving(create_app(store, settings(**HUB, **given))) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client, replica(store, QUICK, **HUB, **given):
            yield client


async def ask(client: httpx.AsyncClient, there: Target, topic: str = ATOM, mode: str = "subscribe", **more: str) -> httpx.Response:  # fmt: skip
    form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": there.url("/me?id=7")}
    return await client.post("/websub", data=form | {f"hub.{name}": value for name, value in more.items()})


def subscriptions(store: Store) -> list[Receiver]:
    return list(Desk(store.engine, settings()).receivers.all(Kind.WEBSUB))


async def subscribed(client: httpx.AsyncClient, store: Store, there: Target, topic: str = ATOM, **more: str) -> Receiver:  # fmt: skip
    before = len(subscriptions(store))
    assert (await ask(client, there, topic, **more)).status_code == 202
    await until(lambda: len(subscriptions(store)) > before)
    return subscriptions(store)[-1]


def pushed(there: Target) -> list[Received]:
    return [each for each in there.received if each.method == "POST"]


def entries(request: Received) -> list[str]:
    if request.headers["content-type"] == "application/feed+json":
        return [each["id"] for each in json.loads(request.body)["items"]]
    return [each.link.rpartition("/")[2] for each in feedparser.parse(request.body).entries]


@pytest.mark.parametrize("name", ["json", "atom", "rss"])
async def test_from_the_feed_to_the_push(store: Store, name: str) -> None:
    put(store, "old")
    async with hub(store) as client, target(subscriber()) as there:
        feed = await client.get(f"/v1/feed.{name}?tag=conflict")
        links = {link: value["url"] for link, value in feed.links.items()}
        topic = links["self"]
        assert (links["hub"], topic) == (f"{BASE}/websub", f"{BASE}/v1/feed.{name}?tag=conflict")
        assert f"{BASE}/websub" in feed.text
        await subscribed(client, store, there, topic, secret=SECRET, lease_seconds="86400")
        asked = there.received[0]
        assert (asked.method, urlsplit(asked.path).path) == ("GET", "/me")
        told = query(asked)
        assert (told["hub.mode"], told["hub.topic"], told["hub.lease_seconds"], told["id"]) == (
            "subscribe", topic, "86400", "7",
        )  # fmt: skip
        await asyncio.to_thread(put, store, "other", tags=("aviation",))
        await asyncio.to_thread(put, store, "new")
        await until(lambda: len(pushed(there)) == 1)
        push = pushed(there)[0]
        assert entries(push) == ["new"], "not the old one, and not that of another tag"
        assert push.headers["content-type"] == feed.headers["content-type"].partition(";")[0]
        assert push.headers["link"] == f'<{BASE}/websub>; rel="hub", <{topic}>; rel="self"'
        signature = Signature([push.headers["x-hub-signature"]], SECRET)
        signature.update(push.body)
        assert signature.matches()
        assert push.headers["x-hub-signature"].startswith("sha256=")


async def test_feeds_name_no_hub_unless_there_is_one(store: Store) -> None:
    with serving(create_app(store, settings(base_url=BASE))) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            feed = await client.get("/v1/feed.atom")
            assert ("link" in feed.headers, "hub" in feed.text) == (False, False)
            assert (await client.post("/websub", data={"hub.mode": "subscribe"})).status_code == 404
    with serving(create_app(store, settings(**HUB))) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            put(store, "a", "b")
            first = await client.get("/v1/feed.json?limit=1")
            assert set(first.links) == {"hub", "self", "next"}
            assert first.json()["hubs"] == [{"type": "WebSub", "url": f"{BASE}/websub"}]
            for more in (
                f"?cursor={parse_qs(urlsplit(first.links['next']['url']).query)['cursor'][0]}&limit=1",
                "?order=oldest",
            ):
                assert "hub" not in (await client.get(f"/v1/feed.json{more}")).links


def test_a_hub_needs_an_address() -> None:
    with pytest.raises(ValidationError, match="COPYDESK_API_BASE_URL"):
        ApiSettings(websub_hub=True)


@pytest.mark.parametrize(
    "reply",
    [
        subscriber(challenge="something else"),
        subscriber(code=404),
        subscriber(challenge=""),
        hang,
        status(302, location="/x"),
    ],
    ids=["another-challenge", "404", "nothing", "hang", "redirect"],
)
async def test_what_is_not_confirmed_does_not_count(tmp_path: Path, reply: Reply) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    async with hub(store, push_timeout_seconds=3.0) as client, target(reply) as there, target(subscriber()) as good:
        assert (await ask(client, there)).status_code == 202
        await there.until(1)
        await subscribed(client, store, good)
        put(store, "a")
        await until(lambda: len(pushed(good)) == 1)
        assert [each.url for each in subscriptions(store)] == [good.url("/me?id=7")]
        assert pushed(there) == []
    store.close()


async def test_an_end_is_confirmed_too(store: Store) -> None:
    async with hub(store) as client, target(subscriber()) as there:
        await subscribed(client, store, there)
        there.reply = status(404)
        assert (await ask(client, there, mode="unsubscribe")).status_code == 202
        await there.until(2)
        there.reply = subscriber()
        assert len(subscriptions(store)) == 1, "somebody else asked for it"
        assert (await ask(client, there, mode="unsubscribe")).status_code == 202
        await until(lambda: not subscriptions(store))
        assert "hub.lease_seconds" not in query(there.received[-1])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"hub.mode": "publish"}, "hub.mode"),
        ({"hub.topic": ""}, "hub.topic"),
        ({"hub.topic": "https://other.example/v1/feed.atom"}, "hub.topic"),
        ({"hub.topic": "http://news.example/desk/v1/feed.atom"}, "hub.topic"),
        ({"hub.topic": "https://news.example/v1/feed.atom"}, "hub.topic"),
        ({"hub.topic": "https://news.example/desk/v1/articles"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?tags=x"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?source=a&source=b"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?order=oldest"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?cursor=x"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?limit=0"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}#x"}, "hub.topic"),
        ({"hub.topic": f"{ATOM}?%"}, "hub.topic"),
        ({"hub.callback": ""}, "hub.callback"),
        ({"hub.callback": "ftp://127.0.0.1/"}, "hub.callback"),
        ({"hub.callback": "http://10.1.2.3/"}, "hub.callback"),
        ({"hub.callback": "http://169.254.169.254/"}, "hub.callback"),
        ({"hub.callback": "http://[::1]/"}, "hub.callback"),
        ({"hub.secret": "x" * (SECRET_BYTES + 1)}, "hub.secret"),
        ({"hub.lease_seconds": "soon"}, "hub.lease_seconds"),
        ({"hub.lease_seconds": "-1"}, "hub.lease_seconds"),
        ({"more": "x" * 20_000}, "body"),
        ({"hub.secret": "\x00"}, "body"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_field(asked_hub: httpx.Client, form: dict[str, str], field: str) -> None:
    whole = {"hub.mode": "subscribe", "hub.topic": ATOM, "hub.callback": "http://127.0.0.1:1/", **form}
    answer = asked_hub.post("/websub", content=urlencode(whole))
    assert answer.status_code == 400, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [field]


def test_bodies_that_are_no_form_are_refused(asked_hub: httpx.Client) -> None:
    for body in (b"\xff=1", b"hub.mode=subscribe&hub.mode=subscribe", b"a=1&" * 100):
        assert asked_hub.post("/websub", content=body).status_code == 400


async def test_leases_are_bounded_and_end(store: Store) -> None:
    async with hub(store, websub_lease_seconds=3600) as client, target(subscriber()) as there:
        given: list[str] = []
        for asked in ("", "5", "999999999999999999", "1000"):
            assert (await ask(client, there, lease_seconds=asked)).status_code == 202
            given.append(query((await there.until(len(given) + 1))[-1])["hub.lease_seconds"])
        assert given == ["3600", "300", "3600", "1000"]
        soon = datetime.now(UTC) + timedelta(seconds=1100)
        await until(lambda: timedelta(0) < soon - _end(store) < timedelta(seconds=200))
        (mine,) = subscriptions(store)
        receivers = Desk(store.engine, settings()).receivers
        receivers.change(mine.receiver_id, {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, Kind.WEBSUB)
        put(store, "a")
        await asyncio.sleep(QUICK.look * 4)
        assert pushed(there) == []
        receivers.prune(datetime.now(UTC))
        assert subscriptions(store) == []


def _end(store: Store) -> datetime:
    return next((each.expires_at for each in subscriptions(store) if each.expires_at), datetime.now(UTC))


async def test_a_renewal_keeps_the_place_and_takes_the_new_secret(store: Store) -> None:
    async with hub(store) as client, target(subscriber(status(500))) as there:
        await subscribed(client, store, there, secret="before")
        put(store, "a")
        await until(lambda: len(pushed(there)) >= 1)
        put(store, "b", source=COURIER)
        assert (await ask(client, there, secret="after")).status_code == 202
        await until(lambda: len(there.received) - len(pushed(there)) == 2)
        await until(lambda: subscriptions(store)[0].secret == "after")
        there.reply = subscriber()
        await until(lambda: pushed(there)[-1].headers["x-hub-signature"] == _signed(pushed(there)[-1], "after"))
        await until(lambda: sorted(entries(pushed(there)[-1])) == ["a", "b"])
        assert len(subscriptions(store)) == 1


def _signed(request: Received, secret: str) -> str:
    signature = Signature([request.headers["x-hub-signature"]], secret)
    signature.update(request.body)
    return request.headers["x-hub-signature"] if signature.matches() else ""


async def test_who_is_gone_is_forgotten(store: Store) -> None:
    async with hub(store) as client, target(subscriber(status(410))) as there:
        await subscribed(client, store, there)
        put(store, "a")
        await until(lambda: subscriptions(store)[0].state is State.DISABLED)
        Desk(store.engine, settings()).receivers.prune(datetime.now(UTC))
        assert subscriptions(store) == []


async def test_there_is_room_for_so_many(store: Store) -> None:
    async with hub(store, websub_subscriptions_per_host=2) as client, target(subscriber()) as there:
        for name in ("json", "atom"):
            await subscribed(client, store, there, f"{BASE}/v1/feed.{name}")
        answer = await ask(client, there, f"{BASE}/v1/feed.rss")
        assert (answer.status_code, answer.json()["type"]) == (409, "/docs#full")
        assert (await ask(client, there)).status_code == 202, "a renewal needs no room"
    async with hub(store, websub_subscriptions=2) as client, target(subscriber()) as there:
        assert (await ask(client, there, f"{BASE}/v1/feed.rss")).status_code == 409


async def test_where_reading_needs_a_key_so_does_subscribing(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    async with hub(store, read_access="key", admin_key="k" * 40) as client, target(subscriber()) as there:
        assert (await ask(client, there)).status_code == 401
        client.headers["authorization"] = f"Bearer {'k' * 40}"
        assert (await ask(client, there)).status_code == 202
    store.close()


def test_a_topic_is_a_feed_with_its_filters() -> None:
    topic = topic_of(f"{ATOM}?tag=a&tag=b&q=two+words&published_from=7d&limit=5", BASE)
    assert topic.filters == {"tag": ["a", "b"], "q": "two words", "published_from": "7d"}
    assert topic.subject == "tag a, tag b, q two words, published_from 7d"


async def test_subscriptions_to_a_former_address_hold_up_nobody(store: Store) -> None:
    async with hub(store) as client, target(subscriber()) as there:
        await subscribed(client, store, there)
    put(store, "a")
    async with target() as other, replica(store, websub_hub=True, base_url="https://moved.example") as desk:
        add_webhook(desk, other)
        await other.until(1)
        put(store, "b")
        await other.until(2)
        assert pushed(there) == []
