"""Misbehaviour in TLS and HTTP/2 ends in named reasons, soon."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.responses import FetchError, FetchReason

from .conftest import Settings
from .hostile_tls import MISDEEDS, NAME, TlsSite, client_tls, serve_h2, server_tls, serving

LIMIT = 200_000
BOUND_SECONDS = 30

REASONS: Mapping[str, FetchReason] = {
    "/rst": FetchReason.PROTOCOL,
    "/rst/body": FetchReason.PROTOCOL,
    "/rst/flood": FetchReason.FLOOD,
    "/go-away": FetchReason.PROTOCOL,
    "/go-away/body": FetchReason.PROTOCOL,
    "/hang-up": FetchReason.BROKEN_OFF,
    "/ping/flood": FetchReason.FLOOD,
    "/settings/flood": FetchReason.FLOOD,
    "/data/empty": FetchReason.FLOOD,
    "/headers/continuations": FetchReason.PROTOCOL,
    "/headers/big": FetchReason.HEADERS,
    "/headers/many": FetchReason.HEADERS,
    "/status/words": FetchReason.PROTOCOL,
    "/garbage": FetchReason.FLOOD,
    "/frame/huge": FetchReason.PROTOCOL,
    "/push": FetchReason.PROTOCOL,
    "/silence": FetchReason.TIMEOUT,
    "/endless": FetchReason.TOO_LARGE,
    "/drip": FetchReason.SLOW,
    "/bomb": FetchReason.BOMB,
    "/length": FetchReason.PROTOCOL,
}


async def here(_: str, __: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def h2_site() -> AsyncIterator[TlsSite]:
    async with serve_h2() as running:
        yield running


@pytest.fixture
async def wary(settings_with: Settings) -> AsyncIterator[Client]:
    settings = settings_with(read_seconds=0.5, total_seconds=3, connect_seconds=1)
    async with Client(settings, resolve=here, tls=client_tls()) as client:
        yield client


async def reason_of(client: Client, url: str) -> tuple[FetchReason, str]:
    async with asyncio.timeout(BOUND_SECONDS):
        with pytest.raises(FetchError) as caught:
            await client.get(url, max_bytes=LIMIT)
    assert "\n" not in str(caught.value)
    return caught.value.reason, str(caught.value)


async def test_http2_is_spoken_and_one_connection_serves_many(h2_site: TlsSite, wary: Client) -> None:
    answers = await asyncio.gather(*(wary.get(h2_site.url("/fine"), max_bytes=LIMIT) for _ in range(20)))
    assert {(each.status, each.body) for each in answers} == {(200, b"fine")}
    assert (len(h2_site.paths), h2_site.connections) == (20, 1)


@pytest.mark.parametrize(("path", "reason"), REASONS.items())
async def test_each_misdeed_of_an_http2_server_has_its_reason(
    h2_site: TlsSite, wary: Client, path: str, reason: FetchReason
) -> None:
    assert (await wary.get(h2_site.url("/fine"), max_bytes=LIMIT)).body == b"fine"
    if reason == FetchReason.FLOOD:  # it takes a busy machine a while to send one
        wary._settings = wary._settings.model_copy(update={"total_seconds": 15.0})
    found, text = await reason_of(wary, h2_site.url(path))
    assert found == reason, text
    async with asyncio.timeout(BOUND_SECONDS):
        assert (await wary.get(h2_site.url("/fine"), max_bytes=LIMIT)).body == b"fine"


def test_every_misdeed_is_in_the_table() -> None:
    assert set(MISDEEDS) - set(REASONS) == {"/fine", "/go-away/after", "/settings/shrink"}


async def test_a_connection_that_was_given_up_meanwhile_is_no_failure(h2_site: TlsSite, wary: Client) -> None:
    for number in range(1, 4):
        assert (await wary.get(h2_site.url("/go-away/after"), max_bytes=LIMIT)).body == b"fine"
        assert h2_site.connections == number


async def test_a_server_that_takes_streams_back_stops_nobody_for_long(h2_site: TlsSite, wary: Client) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        await asyncio.gather(
            *(wary.get(h2_site.url("/settings/shrink"), max_bytes=LIMIT) for _ in range(6)), return_exceptions=True
        )
        assert (await wary.get(h2_site.url("/fine"), max_bytes=LIMIT)).body == b"fine"


async def test_answers_left_unread_do_not_use_up_the_connection_for_others(h2_site: TlsSite, wary: Client) -> None:
    for _ in range(3):
        assert (await reason_of(wary, h2_site.url("/endless")))[0] == FetchReason.TOO_LARGE
    assert h2_site.connections == 3


async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


async def half_a_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"\x16\x03\x03\x00\x50\x02")
    await writer.drain()


HANDSHAKES: Mapping[
    str, tuple[Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], FetchReason]
] = {
    "nothing is said": (nothing, FetchReason.TIMEOUT),
    "no TLS": (plain, FetchReason.TLS),
    "hangs up": (hang_up, FetchReason.TLS),
    "breaks off": (half_a_hello, FetchReason.TLS),
}


@pytest.mark.parametrize("what", HANDSHAKES)
async def test_a_handshake_that_fails_is_named(wary: Client, what: str) -> None:
    converse, reason = HANDSHAKES[what]
    async with serving(converse, None) as port:
        found, text = await reason_of(wary, f"https://{NAME}:{port}/")
    assert found == reason, text


async def test_a_certificate_of_another_name_and_of_an_unknown_issuer_are_refused(
    wary: Client, settings_with: Settings
) -> None:
    async with serving(nothing, server_tls()) as port:
        assert (await reason_of(wary, f"https://other.example:{port}/"))[0] == FetchReason.TLS
        async with Client(settings_with(), resolve=here) as client:
            found, text = await reason_of(client, f"https://{NAME}:{port}/")
    assert found == FetchReason.TLS
    assert "self-signed certificate" in text
