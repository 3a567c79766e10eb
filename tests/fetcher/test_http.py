import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from copydesk_fetcher.head import Head
from copydesk_fetcher.http import Client
from copydesk_fetcher.responses import Refused, TooLarge, Unreachable, Unsupported
from copydesk_fetcher.rights import declared
from copydesk_fetcher.settings import FetcherSettings

from .conftest import Settings
from .site import Handler, Request, Site, answer, in_turn, raw, serve

LIMIT = 100_000
CERTIFICATE = Path(__file__).with_name("news.example.pem")


class Names:
    """A name server of the test's own; it answers each question with the next of its answers, the last for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            raise OSError("no such name")
        waiting = self._answers[host]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


async def test_a_page_comes_with_its_status_headers_and_body(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("<p>Hello", x_test="yes")
    fetched = await client.get(site.url("/a"), max_bytes=LIMIT, headers={"accept": "text/html"})
    assert (fetched.status, fetched.body, fetched.url) == (200, b"<p>Hello", site.url("/a"))
    assert fetched.headers["x-test"] == "yes"
    assert fetched.media_type == "text/html"


async def test_what_is_sent_names_us_and_carries_no_more_than_it_must(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("hello", set_cookie="id=1; Path=/")
    for _ in range(2):
        await client.get(site.url("/a").replace("//", "//user:secret@"), max_bytes=LIMIT)
    for request in site.requests:
        assert request.headers["user-agent"] == "test"
        assert request.headers["accept-encoding"] == "gzip, deflate, br, zstd"
        assert "cookie" not in request.headers
        assert "authorization" not in request.headers
        assert "secret" not in request.path


async def test_lines_of_one_header_are_one_value_but_rules_for_robots_stay_lines(site: Site, client: Client) -> None:
    """A line may begin with the robot that it is for, and what follows is that one's up to the end of the line."""
    lines = b"x-robots-tag: otherbot: noarchive, nosnippet\r\nX-Robots-Tag: noai\r\nvary: a\r\nVary: b\r\n"
    site.pages["/a"] = raw(b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 0\r\n\r\n")
    fetched = await client.get(site.url("/a"), max_bytes=LIMIT)
    assert fetched.headers["x-robots-tag"] == "otherbot: noarchive, nosnippet\nnoai"
    assert fetched.headers["vary"] == "a, b"
    said = declared(fetched.headers, Head(), agent="copydesk", now=datetime.now(UTC))
    assert said.robots == "noai"


async def test_a_proxy_of_the_environment_is_not_used(
    site: Site, settings: FetcherSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/a"] = answer("hello")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Client(settings) as client:
        assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"hello"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(site: Site, client: Client, status: int) -> None:
    site.pages["/a"] = answer("", status, location="/b?x=1#part")
    site.pages["/b?x=1"] = answer("there")
    fetched = await client.get(site.url("/a"), max_bytes=LIMIT)
    assert (fetched.body, fetched.url) == (b"there", site.url("/b?x=1"))


async def test_a_redirect_that_names_no_place_is_the_answer(site: Site, client: Client) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n")
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).status == 302


async def test_redirects_end_somewhere(site: Site, client: Client) -> None:
    for number in range(7):
        site.pages[f"/{number}"] = answer("", 302, location=f"/{number + 1}")
    with pytest.raises(Refused, match="more than 5 redirects"):
        await client.get(site.url("/0"), max_bytes=LIMIT)
    assert [request.path for request in site.requests] == [f"/{number}" for number in range(6)]


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "javascript:alert(1)",
        "gopher://127.0.0.1:70/",
        "http://[::1",
        "//[bad]/",
        "http://a b/",
        "http://%00/",
        "http://" + "a" * 5000,
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
    ],
)
async def test_a_redirect_to_what_is_no_web_address_is_refused(site: Site, client: Client, location: str) -> None:
    site.pages["/a"] = answer("", 302, location=location)
    with pytest.raises((Refused, Unreachable)):
        await client.get(site.url("/a"), max_bytes=LIMIT)
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
        "http://167772161/",
        "http://0x0a.1/",
    ],
)
async def test_inside_addresses_are_refused_at_first_and_after_a_redirect(
    site: Site, client: Client, target: str
) -> None:
    site.pages["/a"] = answer("", 302, location=target)
    for url in (target, site.url("/a")):
        with pytest.raises(Refused, match="COPYDESK_FETCHER_ALLOW_NETWORKS"):
            await client.get(url, max_bytes=LIMIT)


async def test_without_the_setting_loopback_is_refused_under_every_name(site: Site, settings_with: Settings) -> None:
    site.pages["/"] = answer("secret")
    async with Client(settings_with(allow_networks="")) as client:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"):
            with pytest.raises(Refused, match="loopback"):
                await client.get(f"http://{host}:{site.port}/", max_bytes=LIMIT)
    assert site.requests == []


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    site: Site, settings_with: Settings
) -> None:
    """DNS rebinding: the connection goes to the address that was checked; a new one is checked again."""
    site.pages["/"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
    names = Names(rebind_example=[["127.0.0.1"], ["10.0.0.1"]])
    async with Client(settings_with(), resolve=names) as client:
        url = f"http://rebind.example:{site.port}/"
        assert (await client.get(url, max_bytes=LIMIT)).body == b"ok"
        assert names.asked == ["rebind.example"]
        with pytest.raises(Refused, match=r"rebind.example: 10.0.0.1 is not a public address"):
            await client.get(url, max_bytes=LIMIT)
    assert site.requests[0].headers["host"] == f"rebind.example:{site.port}"


async def test_only_the_good_addresses_of_a_name_are_tried(site: Site, settings_with: Settings) -> None:
    site.pages["/"] = answer("ok")
    names = Names(mixed_example=[["10.0.0.1", "169.254.169.254", "127.0.0.9", "127.0.0.1"]])
    async with Client(settings_with(), resolve=names) as client:
        assert (await client.get(f"http://mixed.example:{site.port}/", max_bytes=LIMIT)).body == b"ok"


@pytest.mark.parametrize("answers", [{}, {"missing_example": [[]]}])
async def test_a_name_without_address_may_have_one_later(
    settings: FetcherSettings, answers: dict[str, list[list[str]]]
) -> None:
    async with Client(settings, resolve=Names(**answers)) as client:
        with pytest.raises(Unreachable, match=r"missing\.example"):
            await client.get("http://missing.example/", max_bytes=LIMIT)


async def test_a_name_server_that_says_nothing_is_waited_for_no_longer_than_for_a_connection(
    settings_with: Settings,
) -> None:
    async def silent(_: str, __: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return ()

    async with Client(settings_with(connect_seconds=0.05), resolve=silent) as client:
        with pytest.raises(Unreachable, match="not resolved in time"):
            await client.get("http://slow.example/", max_bytes=LIMIT)


async def test_nobody_there_is_a_passing_fault(client: Client) -> None:
    async with serve() as gone:
        pass
    with pytest.raises(Unreachable, match="no connection to"):
        await client.get(gone.url("/"), max_bytes=LIMIT)


@pytest.fixture
async def tls_site() -> asyncio.Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve_one, "127.0.0.1", 0, ssl=context)


async def test_tls_is_verified_against_the_name_though_the_address_is_pinned(
    tls_site: asyncio.Server, settings: FetcherSettings
) -> None:
    port = tls_site.sockets[0].getsockname()[1]
    trusted = ssl.create_default_context(cafile=CERTIFICATE)
    names = Names(news_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    async with tls_site, Client(settings, resolve=names, tls=trusted) as client:
        assert (await client.get(f"https://news.example:{port}/", max_bytes=LIMIT)).body == b"ok"
        with pytest.raises(Unreachable, match=r"certificate is not valid for 'other\.example'"):
            await client.get(f"https://other.example:{port}/", max_bytes=LIMIT)
    async with Client(settings, resolve=names) as client:
        with pytest.raises(Unreachable):
            await client.get(f"https://news.example:{port}/", max_bytes=LIMIT)


def bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(level=9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


async def test_a_bomb_is_refused_by_what_it_unpacks_to(site: Site, client: Client) -> None:
    packed = bomb(50)
    assert len(packed) < LIMIT
    site.pages["/bomb"] = answer(packed, content_encoding="gzip")
    site.pages["/fine"] = answer(gzip.compress(b"fine"), content_encoding="gzip")
    with pytest.raises(TooLarge, match="larger than 100000 bytes"):
        await client.get(site.url("/bomb"), max_bytes=LIMIT)
    assert (await client.get(site.url("/fine"), max_bytes=LIMIT)).body == b"fine"


async def test_a_body_without_end_is_cut_at_the_limit(site: Site, client: Client) -> None:
    sent = 0

    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 10_000)
            sent += 10_000
            await writer.drain()

    site.pages["/endless"] = endless
    with pytest.raises(TooLarge):
        await client.get(site.url("/endless"), max_bytes=LIMIT)
    assert sent < 20_000_000


async def test_a_length_over_the_limit_is_refused_unread(site: Site, client: Client) -> None:
    site.pages["/big"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n", b"x", pause=5)
    with pytest.raises(TooLarge, match="99999999999999 bytes"):
        await client.get(site.url("/big"), max_bytes=LIMIT)


async def test_a_drip_ends_at_the_total_time_though_it_is_never_silent(site: Site, settings_with: Settings) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    site.pages["/drip"] = drip
    async with Client(settings_with(total_seconds=0.3, read_seconds=5)) as client:
        with pytest.raises(Unreachable, match=r"no complete answer within 0\.3 s"):
            await client.get(site.url("/drip"), max_bytes=LIMIT)


async def test_redirects_share_one_total_time(site: Site, settings_with: Settings) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        await answer("", 302, location=f"{request.path}x")(request, writer)

    site.pages |= {f"/slow{'x' * number}": slow for number in range(5)}
    async with Client(settings_with(total_seconds=0.4)) as client:
        with pytest.raises(Unreachable, match="no complete answer"):
            await client.get(site.url("/slow"), max_bytes=LIMIT)
    assert len(site.requests) <= 3


async def test_silence_ends_at_the_read_time(site: Site, settings_with: Settings) -> None:
    site.pages["/silent"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", pause=5)
    async with Client(settings_with(read_seconds=0.1)) as client:
        with pytest.raises(Unreachable, match=r"^nothing came for 0.1 s$"):
            await client.get(site.url("/silent"), max_bytes=LIMIT)


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nthis is not gzip",
        b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"x" * 300_000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_a_broken_answer_is_a_passing_fault(site: Site, client: Client, bytes_sent: bytes) -> None:
    site.pages["/broken"] = raw(bytes_sent)
    with pytest.raises(Unreachable):
        await client.get(site.url("/broken"), max_bytes=LIMIT)


async def test_what_the_caller_does_not_accept_is_not_read(site: Site, client: Client) -> None:
    site.pages["/film"] = raw(b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n\r\n", pause=5)
    with pytest.raises(Unsupported, match="video/mp4"):
        await client.get(site.url("/film"), max_bytes=LIMIT, accepts=lambda each: each.media_type == "text/html")
    site.pages["/sdch"] = answer(b"\x0b\x02", content_encoding="sdch")
    with pytest.raises(Unsupported, match="'sdch' was not asked for"):
        await client.get(site.url("/sdch"), max_bytes=LIMIT)


async def test_a_429_holds_the_whole_host_as_long_as_it_asks(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("", 429, retry_after="1")
    site.pages["/b"] = answer("ok")
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).status == 429
    began = time.monotonic()
    await client.get(site.url("/b"), max_bytes=LIMIT)
    assert time.monotonic() - began > 0.9


async def test_connections_are_used_again(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("ok")
    site.pages["/304"] = raw_keep(b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n")
    for path in ("/a", "/304", "/a", "/304", "/missing", "/a"):
        await client.get(site.url(path), max_bytes=LIMIT)
    assert site.connections == 1


def raw_keep(head: bytes) -> Handler:
    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()

    return handler


async def test_a_host_gets_no_more_requests_at_a_time_than_the_setting(site: Site, settings_with: Settings) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await answer("ok")(request, writer)

    site.pages["/slow"] = slow
    async with Client(settings_with(per_host_concurrency=3)) as client:
        await asyncio.gather(*(client.get(site.url("/slow"), max_bytes=LIMIT) for _ in range(12)))
    assert site.most_busy == 3


async def test_a_document_that_is_said_to_be_one_is_no_contradiction(site: Site, client: Client) -> None:
    site.pages["/a"] = answer(b"%PDF-1.7 " + b"x" * 100, content_type="application/pdf")
    site.pages["/b"] = answer(b"%PDF-1.7 " + b"x" * 100, content_type="text/html")
    with pytest.raises(Unsupported, match=r"^a PDF document$"):
        await client.get(site.url("/a"), max_bytes=LIMIT)
    with pytest.raises(Unsupported, match=r"^a PDF document, though its content-type is 'text/html'$"):
        await client.get(site.url("/b"), max_bytes=LIMIT)


async def test_a_passing_fault_passes(site: Site, client: Client) -> None:
    site.pages["/a"] = in_turn(raw(b""), answer("ok"))
    with pytest.raises(Unreachable):
        await client.get(site.url("/a"), max_bytes=LIMIT)
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"ok"
