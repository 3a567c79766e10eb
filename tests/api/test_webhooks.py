"""The calls of webhooks, with a real server, and a receiver in Python as docs/webhooks.md shows it."""

import asyncio
import json
import re
import runpy
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from copydesk_api.app import create_app
from copydesk_api.push.desk import Desk
from copydesk_api.push.records import Kind
from copydesk_api.store import Store
from tests.api.pushing import QUICK, replica, settings, told, until
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.target import Target, hang, status, target
from tests.api.test_service import environment, running, wait_for

ADMIN = "the-secret-of-the-first-admin-0123456789"
PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


@asynccontextmanager
async def admin(store: Store, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(store, settings(admin_key=ADMIN, **given))
    headers = {"authorization": f"Bearer {ADMIN}"}
    with serving(app) as url:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            yield client


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('webhooks') / 'api.db'}")
    headers = {"authorization": f"Bearer {ADMIN}"}
    app = create_app(store, settings(admin_key=ADMIN))
    with serving(app) as url, httpx.Client(base_url=url, headers=headers) as client:
        yield client
    store.close()


async def make(client: httpx.AsyncClient, there: Target, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/webhooks", json={"url": there.url(), **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put(store: Store, *names: str) -> None:
    store.write([(name, article(name)) for name in names], {})


async def test_a_webhook_from_its_making_to_its_end(store: Store) -> None:
    put(store, "old")
    async with admin(store) as client, target() as there, replica(store):
        made = await make(client, there, description="The archive", filters={"tag": ["conflict"]})
        assert made["secret"].startswith("whsec_")
        assert (made["state"], made["behind"], made["failures"]) == ("active", 0, 0)
        await asyncio.to_thread(put, store, "new")
        assert told((await there.until(1))[0])["data"]["article_id"] == "new", "from now on"
        place = f"/v1/webhooks/{made['webhook_id']}"
        await until_delivered(client, place, 1)
        shown = (await client.get(place)).json()
        assert "secret" not in shown
        assert (shown["filters"], shown["description"], shown["behind"]) == ({"tag": ["conflict"]}, "The archive", 0)
        assert (await client.get("/v1/webhooks")).json()["items"] == [shown]
        assert (await client.get("/v1/changes", params={"after": shown["cursor"]})).json()["items"] == []
        assert (await client.delete(place)).status_code == 204
        for answer in (await client.get(place), await client.delete(place), await client.post(f"{place}/test")):
            assert answer.status_code == 404


async def until_delivered(client: httpx.AsyncClient, place: str, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        while len(items := (await client.get(f"{place}/deliveries")).json()["items"]) < count:
            await asyncio.sleep(0.02)
    found: list[dict[str, Any]] = items
    return found


async def test_nobody_else_may(store: Store) -> None:
    async with admin(store) as client, target() as there:
        made = await make(client, there)
        place = f"/v1/webhooks/{made['webhook_id']}"
        for method, path in (
            ("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("GET", place), ("PATCH", place), ("DELETE", place),
            ("POST", f"{place}/rotate"), ("GET", f"{place}/deliveries"), ("POST", f"{place}/replay"),
            ("POST", f"{place}/deliveries/1/replay"), ("POST", f"{place}/test"),
        ):  # fmt: skip
            answer = await client.request(method, path, headers={"authorization": ""})
            assert answer.status_code in (401, 403), (method, path)
        reader = (await client.post("/v1/keys", json={"name": "a writer", "scope": "write"})).json()["token"]
        answer = await client.get("/v1/webhooks", headers={"authorization": f"Bearer {reader}"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "url"),
        ({"url": "ftp://hook.example/"}, "url"),
        ({"url": "http://10.1.2.3/"}, "url"),
        ({"url": "http://user:secret@127.0.0.1:1/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "http://[::ffff:10.0.0.1]/"}, "url"),
        ({"filters": {"tags": ["x"]}}, "tags"),
        ({"filters": {"order": "oldest"}}, "filters"),
        ({"filters": []}, "filters"),
        ({"filters": {"tag": "x"}}, "filters"),
        ({"events": []}, "events"),
        ({"events": ["feed.reset"]}, "events"),
        ({"after": "nonsense"}, "after"),
        ({"description": "a\u0000b"}, "description"),
        ({"secret": "mine"}, "secret"),
        (5, "body"),
    ],
)
def test_what_cannot_be_is_refused_by_name(asked: httpx.Client, body: Any, parameter: str) -> None:
    given = {"url": "http://127.0.0.1:1/", **body} if isinstance(body, Mapping) and body else body
    answer = asked.post("/v1/webhooks", json=given)
    assert answer.status_code == 400, answer.text
    assert parameter in [error["parameter"] for error in answer.json()["errors"]]
    assert asked.get("/v1/webhooks").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b'{"url": ', "application/json", "body: this is no JSON: expecting value, at character 8"),
        (b"{}", "text/plain", "body: this is an object of JSON, sent as Content-Type: application/json"),
        (b"[]", "application/json", "body: this is an object of JSON, sent as Content-Type: application/json"),
    ],
)
def test_a_body_that_is_no_json_is_told_as_that(asked: httpx.Client, content: bytes, kind: str, told: str) -> None:
    answer = asked.post("/v1/webhooks", content=content, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["detail"]) == (400, told)


URLS = st.sampled_from(
    ("http://127.0.0.1:1/", "http://10.0.0.1/", "https://[::1", "http://a b/", "//", "http://127.0.0.1:99999/")
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | URLS
NAMES = st.sampled_from(
    ("url", "events", "filters", "after", "description", "tag", "q", "published_from", "language", "dedupe")
)
JSON = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(NAMES, each, max_size=4), max_leaves=12
)


@given(body=st.dictionaries(NAMES, JSON, max_size=5) | JSON)
@example(body={"url": "http://127.0.0.1:1/", "filters": {"tag": [["x"]]}})
@example(body={"url": "http://127.0.0.1:1/", "description": "\ud800"})
@hypothesis.settings(max_examples=60, deadline=None)
def test_nothing_that_is_sent_is_a_bug(asked: httpx.Client, body: Any) -> None:
    sent = json.dumps(body)
    answer = asked.post("/v1/webhooks", content=sent)
    assert answer.status_code in (201, 400, 409), answer.text
    if answer.status_code == 201:
        place = f"/v1/webhooks/{answer.json()['webhook_id']}"
        assert asked.patch(place, content=sent).status_code in (200, 400)
        assert asked.delete(place).status_code == 204


async def test_there_are_only_so_many_and_none_where_they_are_off(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    async with target() as there:
        async with admin(store, max_webhooks=1) as client:
            await make(client, there)
            assert (await client.post("/v1/webhooks", json={"url": there.url()})).status_code == 409
        async with admin(store, webhooks=False) as client:
            answer = await client.get("/v1/webhooks")
            assert (answer.status_code, "COPYDESK_API_WEBHOOKS" in answer.json()["detail"]) == (404, True)
        async with replica(store, webhooks=False):
            desk = Desk(store.engine, settings())
            desk.receivers.change(desk.receivers.all(Kind.WEBHOOK)[0].receiver_id, {"position": 0})
            put(store, "a")
            await asyncio.sleep(QUICK.look * 4)
            assert there.received == []
    store.close()


async def test_pausing_changing_and_going_on(store: Store) -> None:
    put(store, "a", "b")
    async with admin(store) as client, target() as there, target() as other, replica(store):
        made = await make(client, there, after="beginning")
        place = f"/v1/webhooks/{made['webhook_id']}"
        await until_delivered(client, place, 2)
        assert (await client.patch(place, json={"state": "paused"})).json()["state"] == "paused"
        await asyncio.to_thread(put, store, "c")
        changed = await client.patch(place, json={"url": other.url(), "events": ["article.published"]})
        assert (changed.json()["url"], changed.json()["behind"]) == (other.url(), 1)
        assert (await client.patch(place, json={"url": "http://10.0.0.1/"})).status_code == 400
        assert (await client.patch(place, json={"state": "active"})).json()["state"] == "active"
        assert told((await other.until(1))[0])["data"]["article_id"] == "c"
        assert len(there.received) == 2


async def test_replays(store: Store) -> None:
    put(store, "a", "b", "c")
    async with admin(store) as client, target() as there, replica(store):
        made = await make(client, there, after="beginning")
        place = f"/v1/webhooks/{made['webhook_id']}"
        log = await until_delivered(client, place, 3)
        assert [each["article_id"] for each in log] == ["c", "b", "a"]
        again = (await client.post(f"{place}/deliveries/{log[1]['number']}/replay")).json()
        assert (again["cause"], again["outcome"], again["article_id"]) == ("replay", "delivered", "b")
        sent = (await there.until(4))[-1]
        assert (sent.body, sent.headers["webhook-id"]) == (
            there.received[1].body,
            there.received[1].headers["webhook-id"],
        )
        from_a = await client.post(f"{place}/replay", json={"after": log[2]["cursor"]})
        assert from_a.status_code == 200
        await there.until(6)
        assert [told(each)["data"]["article_id"] for each in there.received[4:]] == ["b", "c"]
        store.write([("b", article("b", 2, "other text"))], {})
        kept = await client.post(f"{place}/deliveries/{log[1]['number']}/replay")
        assert (kept.status_code, told((await there.until(7))[-1])["type"]) in (
            (200, "article.published"),
            (200, "article.revised"),
        )
        assert (await client.post(f"{place}/deliveries/999/replay")).status_code == 404
        assert (await client.post(f"{place}/replay", json={"after": "nonsense"})).status_code == 400


async def test_the_log_is_read_page_by_page(store: Store) -> None:
    put(store, "a", "b", "c")
    async with admin(store) as client, target() as there, replica(store):
        made, other = await make(client, there, after="beginning"), await make(client, there)
        place = f"/v1/webhooks/{made['webhook_id']}/deliveries"
        await until_delivered(client, place.removesuffix("/deliveries"), 3)
        first = await client.get(place, params={"limit": 2})
        cursor = first.json()["next"]
        await client.post(f"/v1/webhooks/{made['webhook_id']}/test")
        rest = await client.get(first.links["next"]["url"])
        assert [each["number"] for each in first.json()["items"]] == [3, 2]
        assert ([each["number"] for each in rest.json()["items"]], rest.json()["next"]) == ([1], None), "not shifted"
        assert "link" not in rest.headers
        for wrong, at in (
            (cursor[:-3], place), ("7", place), (made["cursor"], place),
            (cursor, f"/v1/webhooks/{other['webhook_id']}/deliveries"),
        ):  # fmt: skip
            refused = await client.get(at, params={"cursor": wrong})
            assert (refused.status_code, refused.json()["type"]) == (400, "/docs#invalid-cursor"), wrong


async def test_a_change_that_is_never_taken_can_be_skipped(store: Store) -> None:
    put(store, "poison", "b")
    async with admin(store) as client, target(status(400, "I cannot read this")) as there, replica(store):
        made = await make(client, there, after="beginning")
        place = f"/v1/webhooks/{made['webhook_id']}"
        log = await until_delivered(client, place, 2)
        assert {each["article_id"] for each in log} == {"poison"}
        assert log[0]["detail"] == "it answered 400: I cannot read this"
        there.reply = status(204)
        await client.post(f"{place}/replay", json={"after": log[0]["cursor"]})
        await until(lambda: told(there.received[-1])["data"]["article_id"] == "b")


async def test_a_test_says_at_once_what_came_of_it(store: Store) -> None:
    async with admin(store, push_timeout_seconds=3.0) as client, target() as there:
        made = await make(client, there)
        place = f"/v1/webhooks/{made['webhook_id']}"
        there.replies = [status(204), status(500), hang, status(308, location="http://10.0.0.1/")]
        outcomes = [(await client.post(f"{place}/test")).json() for _ in range(4)]
        assert [each["outcome"] for each in outcomes] == ["delivered", "rejected", "unreachable", "rejected"]
        assert {each["cause"] for each in outcomes} == {"test"}
        assert told(there.received[0])["type"] == "webhook.test"
        assert (await client.get(place)).json()["failures"] == 0


async def test_the_service_delivers_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    env = environment(tmp_path, ADMIN_KEY=ADMIN, PUSH_ALLOW_NETWORKS="127.0.0.0/8", PUSH_TIMEOUT_SECONDS="5")
    store = Store.open(env["COPYDESK_API_DATABASE_URL"])
    put(store, "a")
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with target() as there:
        with running(env) as process:
            url = f"http://127.0.0.1:{env['COPYDESK_API_PORT']}"
            await asyncio.to_thread(wait_for, f"{url}/v1/articles", process)
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:
                await make(client, there, after="beginning")
            await there.until(1)
            hooks = Desk(store.engine, settings()).receivers
            await until(lambda: hooks.all(Kind.WEBHOOK)[0].lease_owner is None)
        put(store, "b")
        with running(env):
            async with asyncio.timeout(60):
                while told(there.received[-1])["data"]["article_id"] != "b":
                    await asyncio.sleep(0.05)
    store.close()


def verifier(folder: Path) -> Any:
    """What docs/webhooks.md tells readers to run."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = folder / "verifier.py"
    path.write_text(next(each for each in blocks if "def verify" in each))
    return runpy.run_path(str(path))["verify"]


async def test_the_example_of_the_docs_and_the_library_verify_what_is_sent(store: Store, tmp_path: Path) -> None:
    put(store, "a")
    verify = verifier(tmp_path)
    async with admin(store) as client, target() as there, replica(store):
        made = await make(client, there, after="beginning")
        first = (await there.until(1))[0]
        assert verify(made["secret"], first.headers, first.body)["data"]["article_id"] == "a"
        rotated = (await client.post(f"/v1/webhooks/{made['webhook_id']}/rotate")).json()
        assert rotated["former_secret_until"] is not None
        await asyncio.to_thread(put, store, "b")
        second = (await there.until(2))[-1]
        for secret in (made["secret"], rotated["secret"]):
            assert verify(secret, second.headers, second.body)["type"] == "article.published"
            assert Webhook(secret).verify(second.body, dict(second.headers)) == told(second)
        others = [
            (made["secret"], second.headers, second.body + b" "),
            ("whsec_" + "A" * 44, second.headers, second.body),
            (made["secret"], {**second.headers, "webhook-id": "msg_other"}, second.body),
            (made["secret"], {**second.headers, "webhook-timestamp": "1"}, second.body),
        ]
        for secret, headers, body in others:
            with pytest.raises(ValueError, match=r"."):
                verify(secret, headers, body)
