"""The stream, long polls and the export, with a real server and clients that behave and do not."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from copydesk_api import streams
from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.errors import Retryable
from tests.api.samples import COURIER, article
from tests.api.servers import serving

LONG = 30.0


class Reader:
    """What a browser's EventSource does with a stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.last_id = ""

    def event(self) -> dict[str, str]:
        """The next block, comments too."""
        found: dict[str, str] = {}
        for line in self._lines:
            if not line:
                self.last_id = found.get("id", self.last_id)
                return found
            name, _, value = line.partition(":")
            found[name or "comment"] = value.removeprefix(" ")
        raise EOFError

    def to_end(self) -> None:
        """Read until the server ends it."""
        for _ in self._lines:
            pass

    def told(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events with data, for ever."""
        while True:
            event = self.event()
            if "data" in event:
                yield event["event"], json.loads(event["data"])


@contextmanager
def reading(client: httpx.Client, query: str = "", last_id: str = "") -> Iterator[Reader]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with client.stream("GET", f"/v1/stream{query}", headers=headers, timeout=LONG) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        reader = Reader(response)
        assert reader.event()["retry"] == "3000"
        yield reader


def put(store: Store, *ids: str, **given: Any) -> None:
    store.write([(each, article(each, **given)) for each in ids], {})


def test_who_was_away_gets_what_was_missed_and_nothing_twice(client: httpx.Client, store: Store) -> None:
    put(store, "old")
    with reading(client) as reader:
        put(store, "a", "b")
        store.write([("old", None)], {})
        told = reader.told()
        seen = [next(told) for _ in range(3)]
        assert [(kind, item["article_id"]) for kind, item in seen] == [
            ("article", "a"), ("article", "b"), ("tombstone", "old"),
        ]  # fmt: skip
        assert seen[0][1]["article"]["text"] == "A short piece of copy."
        last_id = reader.last_id
    put(store, *(f"c{number}" for number in range(45)))
    with reading(client, last_id=last_id) as reader:
        told = reader.told()
        assert [next(told)[1]["article_id"] for _ in range(45)] == [f"c{number}" for number in range(45)]
    after = client.get("/v1/changes", params={"after": last_id, "limit": 1}).json()["next"]
    with reading(client, f"?after={after}") as reader:
        assert next(reader.told())[1]["article_id"] == "c1", "the ids are cursors of the change feed"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=aviation", ["both", "gone"]),
        ("tag=aviation&tag=conflict", ["both", "war", "german", "gone"]),
        ("tag=aviation&tag=conflict&tag_mode=all", ["both", "gone"]),
        ("domain=NorthernCourier.example", ["courier", "gone"]),
        ("source=northern+courier", ["courier", "gone"]),
        ("language=de", ["german", "gone"]),
    ],
)
def test_filters_narrow_articles_as_in_the_list(
    client: httpx.Client, store: Store, query: str, found: list[str]
) -> None:
    put(store, "gone")
    start = client.get("/v1/changes").json()["next"]
    put(store, "both", tags=("aviation", "conflict"))
    put(store, "war")
    put(store, "courier", tags=(), source=COURIER)
    put(store, "german", language="de-AT")
    store.write([("gone", None)], {})
    with reading(client, f"?{query}&after={start}") as reader:
        told = reader.told()
        assert [next(told)[1]["article_id"] for _ in found] == found
    listed = [item["article_id"] for item in client.get(f"/v1/articles?{query}").json()["items"]]
    assert sorted(listed) == sorted(found[:-1])


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("q=x", "q"), ("after=abcd", "after"), ("tags=x", "tags"), ("limit=5", "limit"), ("tag=a&after=x%00", "after")],
)
def test_what_the_stream_cannot_do_is_refused_by_name(client: httpx.Client, query: str, parameter: str) -> None:
    answer = client.get(f"/v1/stream?{query}")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_a_browser_with_an_id_of_a_former_feed_is_told(client: httpx.Client, store: Store) -> None:
    put(store, "a")
    with reading(client, last_id="nonsense") as reader:
        reset = reader.event()
        assert (reset["event"], "built anew" in reset["data"]) == ("reset", True)
        assert reset["id"] == client.get("/v1/changes").json()["next"]
        put(store, "b")
        assert next(reader.told())[1]["article_id"] == "b"


def test_heartbeats_keep_a_silent_stream_open(store: Store) -> None:
    app = create_app(store, ApiSettings(heartbeat_seconds=0.05))
    with serving(app) as url, httpx.Client(base_url=url) as client, reading(client) as reader:
        assert [reader.event() for _ in range(3)] == [{"comment": "heartbeat"}] * 3


def test_head_of_what_has_no_end_ends(client: httpx.Client, store: Store) -> None:
    put(store, "a")
    for path, kind in (("/v1/stream", "text/event-stream"), ("/v1/articles.ndjson", "application/x-ndjson")):
        answer = client.head(path)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)


def test_only_so_many_may_wait(store: Store) -> None:
    app = create_app(store, ApiSettings(max_waiting=2))
    with serving(app) as url, httpx.Client(base_url=url) as client:
        with reading(client), reading(client):
            refused = client.get("/v1/stream")
            assert (refused.status_code, refused.json()["type"]) == (503, "/docs#busy")
            assert int(refused.headers["retry-after"]) > 0
            assert client.get("/v1/changes?wait=1").status_code == 503
            assert client.get("/v1/changes").status_code == 200
        for _ in range(100):
            if app.state.waiting.seats.free == 2:
                break
            time.sleep(0.05)
        with reading(client):
            pass


def assert_refused(answer: httpx.Response, limit: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (429, "/docs#too-many-waiting"), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert f"The limit {limit}: no more than 1 may wait" in problem["detail"]
    assert int(answer.headers["retry-after"]) > 0


def test_only_so_many_of_one_key_and_of_one_address_may_wait(store: Store) -> None:
    keys = [KeyStore(store.engine).create(name, Scope.READ).token for name in ("one", "another")]
    one, another = ({"Authorization": f"Bearer {token}"} for token in keys)
    app = create_app(store, ApiSettings(max_waiting_key=1, max_waiting_address=1))
    with (
        serving(app, "127.0.0.1") as url,
        httpx.Client(base_url=url) as client,
        httpx.Client(base_url=url, headers=one) as with_key,
        httpx.Client(base_url=url, headers=another) as with_another,
        httpx.Client(base_url=url, headers={"X-Forwarded-For": "203.0.113.9"}) as elsewhere,
    ):
        after = client.get("/v1/changes").json()["next"]
        with reading(client), reading(with_key):
            for path in ("/v1/stream", f"/v1/changes?wait=1&after={after}"):
                assert_refused(client.get(path), "address")
                assert_refused(with_key.get(path), "key")
            assert client.get("/v1/changes").status_code == 200, "it does not wait"
            with reading(with_another), reading(elsewhere):
                assert app.state.waiting.seats.free == 996
        give_up = time.monotonic() + LONG
        while app.state.waiting.seats.free < 1000:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert client.get(f"/v1/changes?wait=1&after={after}").status_code == 200, "there is room again"


def test_all_are_let_go_when_the_service_stops(store: Store) -> None:
    stopping = asyncio.Event()
    with serving(create_app(store, ApiSettings(), stopping)) as url, httpx.Client(base_url=url) as client:
        polls: list[httpx.Response] = []
        poll = threading.Thread(target=lambda: polls.append(client.get("/v1/changes?wait=60", timeout=LONG)))
        poll.start()
        with reading(client) as reader:
            stopping.set()
            reader.to_end()
        poll.join(LONG)
        assert polls[0].json()["items"] == []


def test_a_long_poll_comes_back_with_what_came(client: httpx.Client, store: Store) -> None:
    put(store, "a")
    after = client.get("/v1/changes").json()["next"]
    writing = threading.Timer(0.3, put, (store, "b"))
    writing.start()
    answer = client.get("/v1/changes", params={"after": after, "wait": 30}, timeout=LONG)
    writing.join()
    assert [item["article_id"] for item in answer.json()["items"]] == ["b"]
    assert "wait=30" in answer.links["next"]["url"]


def test_a_long_poll_that_has_its_answer_does_not_wait(client: httpx.Client, store: Store) -> None:
    put(store, "a")
    assert len(client.get("/v1/changes?wait=60", timeout=5).json()["items"]) == 1
    answer = client.get("/v1/changes", params={"after": client.get("/v1/changes").json()["next"], "wait": 1})
    again = client.get(answer.request.url, headers={"If-None-Match": answer.headers.get("etag", '"x"')})
    assert again.status_code == 200, "it waits again and says nothing of what is known"
    assert client.get("/v1/changes?wait=61").status_code == 400


def test_a_long_poll_whose_client_has_gone_makes_room(store: Store) -> None:
    app = create_app(store, ApiSettings(max_waiting=1))
    with serving(app) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/v1/changes?wait=60", timeout=httpx.Timeout(LONG, read=0.3))
        give_up = time.monotonic() + LONG
        while (answer := httpx.get(f"{url}/v1/changes?wait=1", timeout=LONG)).status_code == 503:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        assert answer.json()["items"] == []


def test_who_takes_nothing_is_cut_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.3)
    put(store, *(f"a{number}" for number in range(60)), text="Copy. " * 40_000)
    app = create_app(store, ApiSettings())
    with serving(app) as url:
        address = urlsplit(url)
        after = httpx.get(f"{url}/v1/changes?limit=1").json()["next"]
        with socket.create_connection((address.hostname, address.port)) as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.sendall(f"GET /v1/stream?after={after} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until = time.monotonic() + LONG
            while app.state.waiting.seats.free == 1000 and time.monotonic() < until:
                time.sleep(0.01)
            assert app.state.waiting.seats.free == 999
            while app.state.waiting.seats.free == 999 and time.monotonic() < until:
                time.sleep(0.05)
            assert app.state.waiting.seats.free == 1000


async def test_five_hundred_follow_at_once(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    with serving(create_app(store, ApiSettings(max_waiting_address=500))) as url:
        address = urlsplit(url)

        async def follow(started: asyncio.Semaphore) -> str:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"retry: 3000")
            started.release()
            await reader.readuntil(b"data: ")
            found = str(json.loads(await reader.readline())["article_id"])
            writer.close()
            return found

        started = asyncio.Semaphore(0)
        clients = [asyncio.create_task(follow(started)) for _ in range(500)]
        for _ in clients:
            await started.acquire()
        await asyncio.to_thread(put, store, "a")
        assert await asyncio.gather(*clients) == ["a"] * 500
    store.close()


def test_everything_as_lines(client: httpx.Client, store: Store) -> None:
    put(store, *(f"a{number}" for number in range(450)))
    put(store, "b", tags=("aviation",))
    with client.stream("GET", "/v1/articles.ndjson?tag=conflict") as answer:
        assert "content-length" not in answer.headers
        found = [json.loads(line)["article_id"] for line in answer.iter_lines()]
    assert sorted(found) == sorted(f"a{number}" for number in range(450))
    assert len(client.get("/v1/articles.ndjson").text.splitlines()) == 451


def test_an_export_that_breaks_off_is_not_taken_for_whole(
    client: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, *(f"a{number}" for number in range(30)))
    monkeypatch.setattr(streams, "EXPORT_ROWS", 10)
    asked: list[int] = []
    whole = Store.articles

    def articles(self: Store, *arguments: Any) -> Any:
        asked.append(1)
        if len(asked) > 2:
            raise Retryable("the database is away")
        return whole(self, *arguments)

    monkeypatch.setattr(Store, "articles", articles)
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        client.get("/v1/articles.ndjson")
    assert len(asked) == 3
