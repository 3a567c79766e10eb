"""The endpoint against hubs that lie and against strangers who only knock."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from copydesk_fetcher.websub import serving
from copydesk_fetcher.websub.glue import outgoing
from copydesk_fetcher.websub.glue import serving as serving_hubs
from copydesk_fetcher.websub.limits import BODIES_PER_FEED
from copydesk_fetcher.websub.server import LARGEST_BODY, WebSubServer
from copydesk_fetcher.websub.tokens import Tokens, callback_url
from copydesk_shared.errors import CopydeskError, DeadLetterReason, Poison, SettingsError
from copydesk_shared.log import Record
from copydesk_shared.messages import Push
from copydesk_shared.topics import FEEDS_PUSHED, MAX_MESSAGE_BYTES
from copydesk_shared.wire import decode

from .conftest import Settings
from .hub import sign
from .websub_parts import FEED, SECRET, TOPIC, Endpoint, count, endpoint, websub

BODY = b"<rss version='2.0'><channel/></rss>"
LIMIT = 100_000
PATH = callback_url("", "news", Tokens(SECRET).token(FEED, TOPIC))
KEY = Tokens(SECRET).secret(FEED, TOPIC)


@dataclass
class Knocking:
    """A hub's hand."""

    endpoint: Endpoint
    client: httpx.AsyncClient

    async def get(self, path: str = PATH, **parameters: str) -> httpx.Response:
        named = {f"hub.{name}": value for name, value in parameters.items()}
        return await self.client.get(self.endpoint.url + path, params=named)

    async def verify(self, **parameters: str) -> httpx.Response:
        usual = {"mode": "subscribe", "topic": TOPIC, "challenge": "xyz", "lease_seconds": "86400"}
        return await self.get(**{name: value for name, value in (usual | parameters).items() if value})

    async def post(self, body: bytes = BODY, path: str = PATH, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("x-hub-signature", sign(KEY, body))
        return await self.client.post(self.endpoint.url + path, content=body, headers=given)


@pytest.fixture
async def running(settings_with: Settings) -> AsyncIterator[Endpoint]:
    async with endpoint(settings_with(**websub(feed_bytes=LIMIT, total_seconds=1))) as found:
        yield found


@pytest.fixture
async def knocking(running: Endpoint) -> AsyncIterator[Knocking]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Knocking(running, client)


async def test_a_challenge_comes_back_as_plain_text_that_no_browser_takes_for_more(knocking: Knocking) -> None:
    answer = await knocking.verify(challenge="<script>alert(1)</script>")
    assert (answer.status_code, answer.text) == (200, "<script>alert(1)</script>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    (push,) = knocking.endpoint.pushes
    assert (push.kind, push.lease_seconds) == ("verified", 86_400)


@pytest.mark.parametrize(
    "path",
    ["/", "/websub", "/websub/news", "/websub/news/", "/websub//", "//", "/websub/news/x", "/livez", "/metrics",
     PATH + "/", PATH + "x", PATH[:-1], PATH.replace("news/", "other/"), PATH.replace("websub", "WebSub"),
     PATH.replace("news.example", "else.example"), "/websub/%FF/%00", "/websub/news/%2e%2e", "/" + "x" * 8000],
)  # fmt: skip
async def test_where_nothing_is_nothing_is_found(knocking: Knocking, path: str) -> None:
    before = count("unknown-address")
    answers = [await knocking.get(path, mode="subscribe", topic=TOPIC, challenge="c"), await knocking.post(path=path)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.text for answer in answers} == {"nothing here"}
    assert count("unknown-address") == before + 2
    assert knocking.endpoint.pushes == []


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"topic": "https://news.example/never-asked"}, 404),
        ({"topic": ""}, 404),
        ({"mode": "denied", "topic": "https://news.example/never-asked"}, 404),
        ({"mode": ""}, 400),
        ({"mode": "publish"}, 400),
        ({"challenge": ""}, 400),
        ({"challenge": "x" * 2049}, 400),
    ],
)
async def test_what_was_never_asked_for_is_not_confirmed(
    knocking: Knocking, parameters: dict[str, str], status: int
) -> None:
    answer = await knocking.verify(**parameters)
    assert answer.status_code == status
    assert "xyz" not in answer.text
    assert knocking.endpoint.pushes == []


@pytest.mark.parametrize(
    "query",
    ["hub.mode=subscribe&hub.mode=denied", "&".join(f"a{n}=" for n in range(50)), "%FF=%ZZ", "=&=&;", "&" * 500],
)
async def test_odd_queries_confirm_nothing(knocking: Knocking, query: str) -> None:
    url = f"{knocking.endpoint.url}{PATH}?{query}"
    assert (await knocking.client.get(url)).status_code in (400, 404)
    assert knocking.endpoint.pushes == []


async def test_a_denial_is_passed_on_in_one_short_line(knocking: Knocking) -> None:
    assert (await knocking.verify(mode="denied", reason="no\n" * 1000, challenge="")).status_code == 200
    (push,) = knocking.endpoint.pushes
    assert push.kind == "denied"
    assert push.reason.startswith("no no no")
    assert len(push.reason) <= 300


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_other_methods_are_refused(knocking: Knocking, method: str) -> None:
    answer = await knocking.client.request(method, knocking.endpoint.url + PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "signature",
    [sign("wrong", BODY), sign(KEY, BODY + b"x"), sign(KEY, BODY)[:-2], "md5=" + "0" * 32, "none=", "", "sha256=zz"],
)
async def test_a_wrong_signature_looks_like_a_right_one_and_counts_for_nothing(
    knocking: Knocking, signature: str
) -> None:
    before = count("bad-signature") + count("unsigned")
    wrong, right = await knocking.post(x_hub_signature=signature), await knocking.post()
    assert (wrong.status_code, wrong.text) == (right.status_code, right.text) == (202, "")
    assert set(wrong.headers) == set(right.headers)
    assert [push.body for push in knocking.endpoint.pushes] == [BODY]
    assert count("bad-signature") + count("unsigned") == before + 1


async def test_a_topic_that_the_hub_makes_up_is_not_passed_on(knocking: Knocking) -> None:
    for number, link in enumerate((f'<{TOPIC}>; rel="self"', "<https://else.example/>; rel=self", "garbage <")):
        assert (await knocking.post(BODY + b" " * number, link=link)).status_code == 202
    assert [push.topic for push in knocking.endpoint.pushes] == [TOPIC, "", ""]


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip", "x" * 100])
async def test_compressed_bodies_are_refused(knocking: Knocking, encoding: str) -> None:
    assert (await knocking.post(content_encoding=encoding)).status_code == 415
    assert (await knocking.post(content_encoding="Identity")).status_code == 202
    assert len(knocking.endpoint.pushes) == 1


def head(**headers: str) -> bytes:
    lines = {"host": "x", "x_hub_signature": sign(KEY, BODY), **headers}
    text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"POST {PATH} HTTP/1.1\r\n{text}\r\n".encode()


async def test_a_body_that_says_it_is_too_large_is_not_waited_for(
    running: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LINGER_SECONDS", 0.1)
    answer = await running.talk(head(content_length=str(100 * 1024 * 1024)))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert (await running.talk(head(content_length="9" * 40))).startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


async def test_a_body_of_100_mb_that_does_not_say_so_ends_at_the_limit(running: Endpoint) -> None:
    before = count("too-large")
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head(transfer_encoding="chunked"))
    sent = 0
    try:
        while sent < 100 * 1024 * 1024:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
            sent += 0x10000
    except ConnectionError:
        pass
    writer.transport.abort()
    assert sent < 40 * 1024 * 1024
    assert count("too-large") == before + 1
    assert running.pushes == []
    del reader


@pytest.mark.parametrize("framing", [{"content_length": str(16 << 20)}, {"transfer_encoding": "chunked"}], ids=str)
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_who_sends_all_of_a_body_that_is_too_large_before_he_reads_gets_the_answer(
    running: Endpoint, framing: dict[str, str], connection: str
) -> None:
    def send_and_read() -> bytes:
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as knock:
            knock.sendall(head(connection=connection, **framing))
            for _ in range(256):
                knock.sendall(
                    b"x" * 0x10000 if "content_length" in framing else b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
                )
            knock.sendall(b"" if "content_length" in framing else b"0\r\n\r\n")
            return knock.recv(4096)

    assert (await asyncio.to_thread(send_and_read)).startswith(b"HTTP/1.1 413 ")
    assert running.pushes == []


async def test_a_body_that_drips_ends_in_time(running: Endpoint) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    writer.write(head(content_length="1000"))
    dripping = asyncio.create_task(drip())
    try:
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    finally:
        dripping.cancel()
        writer.transport.abort()


async def test_a_body_that_breaks_off_is_nothing(running: Endpoint) -> None:
    before = count("broken-off")
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head(content_length=str(len(BODY))) + BODY[:5])
    await writer.drain()
    writer.close()
    while count("broken-off") == before:
        await asyncio.sleep(0.01)
    assert running.pushes == []


async def test_a_head_that_never_ends_ends(running: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTION_SECONDS", 0.3)
    assert await running.talk(b"POST / HTTP/1.1\r\nhost: x\r\n") == b""
    assert await running.talk(b"") == b""
    again = await running.talk(head(content_length=str(len(BODY))) + BODY + b"GET / HT")
    assert again.startswith(b"HTTP/1.1 202 ")
    assert again.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\nhello",
    ],
)
async def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    running: Endpoint, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await running.talk(raw)
    # who goes on talking after the answer may find the connection reset before reading it
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")) or (answer == b"" and len(raw) > serving.HEAD_BYTES)
    assert caplog.records == []
    assert running.pushes == []


async def test_too_many_connections_are_cut_off_and_then_it_goes_on(
    running: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 5)
    idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(5)]
    whole = head(content_length=str(len(BODY)), connection="close") + BODY
    while await running.talk(whole):
        await asyncio.sleep(0.01)
    for each in idle:
        each.close()
    while not (answer := await running.talk(whole)):
        await asyncio.sleep(0.01)
    assert answer.startswith(b"HTTP/1.1 202 ")


async def test_one_hub_gets_two_places_only(running: Endpoint) -> None:
    waiting = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(BODIES_PER_FEED)]
    for _, writer in waiting:
        writer.write(head(content_length=str(len(BODY))) + BODY[:1])
    whole = head(content_length=str(len(BODY)), connection="close") + BODY
    while not (answer := await running.talk(whole)).startswith(b"HTTP/1.1 503 "):
        await asyncio.sleep(0.01)
    assert b"retry-after: 30" in answer
    waiting[0][1].write(BODY[1:])
    assert (await waiting[0][0].readline()).startswith(b"HTTP/1.1 202 ")
    assert (await running.talk(whole)).startswith(b"HTTP/1.1 202 ")
    for _, writer in waiting:
        writer.transport.abort()


async def test_who_pushes_too_much_is_told_when_to_come_again(knocking: Knocking) -> None:
    big = [bytes([number]) * LIMIT for number in range(3)]
    answers = [await knocking.post(body) for body in big]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 0 < int(answers[2].headers["retry-after"]) < 60
    assert [push.body for push in knocking.endpoint.pushes] == big[:2]


@pytest.mark.parametrize(
    ("error", "status"),
    [(CopydeskError("the log is away"), 503), (Poison("too large", DeadLetterReason.TOO_LARGE), 413)],
)
async def test_nothing_is_confirmed_before_it_is_stored(knocking: Knocking, error: CopydeskError, status: int) -> None:
    knocking.endpoint.error.append(error)
    answers = [await knocking.post(), await knocking.verify(), await knocking.verify(mode="denied")]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert all("log" not in answer.text and "xyz" not in answer.text for answer in answers)
    knocking.endpoint.error.clear()
    assert (await knocking.post()).status_code == 202
    assert len(knocking.endpoint.pushes) == 1


def push_of(**more: Any) -> Push:
    usual: dict[str, Any] = {"feed_id": "news", "kind": "content", "topic": "", "place": "news.example"}
    return Push.model_validate({**usual, "received_at": "2026-11-22T12:00:00Z", **more})


def test_a_push_is_placed_beside_its_feed_and_comes_back_as_it_was() -> None:
    push = push_of(topic="https://feeds.else.example/1", body=b"aGVsbG8=")
    record = outgoing(push, stage="fetcher", version="1")
    assert (record.key, record.place) == (b"news", "news.example")
    assert outgoing(push_of(), stage="fetcher", version="1").place == "news.example"
    assert outgoing(push.model_copy(update={"place": ""}), stage="fetcher", version="1").place == "else.example"
    assert decode(FEEDS_PUSHED, Record(record.topic, 0, 0, record.key, record.value, record.headers)).body == b"hello"


async def test_the_largest_body_fits_into_a_message(settings_with: Settings) -> None:
    body = b"\xff" * LARGEST_BODY
    async with endpoint(settings_with(**websub())) as found, httpx.AsyncClient(trust_env=False) as client:
        headers = {"x-hub-signature": sign(KEY, body), "content-type": "x" * 1000}
        assert (await client.post(found.url + PATH, content=body, headers=headers)).status_code == 202
        assert (await client.post(found.url + PATH, content=body + b"x", headers=headers)).status_code == 413
    record = outgoing(found.pushes[0], stage="fetcher", version="1")
    assert len(record.value or b"") + sum(len(name) + len(value) for name, value in record.headers) < MAX_MESSAGE_BYTES


async def test_it_listens_only_where_it_is_switched_on(settings_with: Settings) -> None:
    async def send(_: Push) -> None: ...

    async with serving_hubs(settings_with(), send) as port:
        assert port is None
    async with serving_hubs(settings_with(**websub()), send) as port:
        assert port
        with pytest.raises(SettingsError, match=f"fetcher websub: 127.0.0.1:{port} cannot be used"):
            async with serving_hubs(settings_with(**websub(websub_port=port)), send):
                pass
    with pytest.raises(SettingsError, match="COPYDESK_FETCHER_WEBSUB_SECRET"):
        async with serving_hubs(settings_with(**websub(websub_secret=None)), send):
            pass


def test_every_outcome_is_described() -> None:
    root = Path(__file__).parents[2]
    code = Path(str(sys.modules[WebSubServer.__module__].__file__)).read_text()
    outcomes = {*re.findall(r'Reply\(\s*"([a-z-]+)"', code), "broken-off"}
    described = re.findall(r"^\| (`.*?) \|", (root / "docs" / "websub.md").read_text(), re.MULTILINE)
    assert outcomes <= set(re.findall(r"`([a-z-]+)`", " ".join(described)))
    assert len(outcomes) > 10
