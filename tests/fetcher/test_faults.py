"""What faults of servers and connections are called: for people, without names of libraries' classes."""

import asyncio
import re

import httpcore
import pytest

from copydesk_fetcher.faults import told
from copydesk_fetcher.http import Client
from copydesk_fetcher.responses import FetchReason, Unreachable

from .site import Request, Site

CLASS_NAME = re.compile(r"[A-Za-z]+(?:Error|Exception|Timeout)\b|httpx|httpcore|h11|\bErrno\b|^<")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", FetchReason.BROKEN_OFF),
        (b"nonsense\r\n\r\n", FetchReason.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", FetchReason.BROKEN_OFF),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", FetchReason.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n", FetchReason.HEADERS),
    ],
    ids=["nothing", "nonsense", "half", "chunk", "headers"],
)
@pytest.mark.parametrize("is_reset", [True, False])
async def test_no_class_is_named(site: Site, client: Client, sent: bytes, reason: FetchReason, is_reset: bool) -> None:
    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.transport.abort() if is_reset else writer.close()

    site.pages["/"] = handler
    with pytest.raises(Unreachable) as caught:
        await client.get(site.url("/"), max_bytes=1000)
    assert caught.value.reason == reason or is_reset
    assert str(caught.value)
    assert not CLASS_NAME.search(str(caught.value))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpcore.ReadTimeout(), "nothing came in time"),
        (httpcore.ReadError("[Errno 104] Connection reset by peer"), "Connection reset by peer"),
        (httpcore.ReadError("ConnectionResetError"), "the connection broke"),
        (httpcore.RemoteProtocolError("<ConnectionTerminated error_code:2>"), "the server ended the HTTP/2 connection"),
        (httpcore.RemoteProtocolError("<StreamReset stream_id:1>"), "the server broke the request off"),
        (httpcore.RemoteProtocolError(""), "not HTTP as it should be"),
        (httpcore.RemoteProtocolError("a\nb"), "a b"),
    ],
)
def test_what_is_said(error: Exception, said: str) -> None:
    assert told(error) == said
