"""A server that does everything a server should not, by path. Over HTTP/2 and TLS: :mod:`.hostile_tls`.

``serve_hostile`` gives a :class:`.site.Site` with these paths. What is endless here ends when the client leaves.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from itertools import chain, count, repeat

import brotli

from .site import Handler, Request, Site, answer, raw, serve

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><link>http://news.example/</link>'
URLSET = b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
INDEX = URLSET.replace(b"urlset", b"sitemapindex")


def endless(parts: Callable[[], Iterator[bytes]], pause: float = 0.0) -> Handler:
    """These bytes, as long as somebody takes them; one at a time, so that nothing piles up here."""

    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        for part in parts():
            if writer.is_closing():
                return
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler


def _grouped(parts: Iterator[bytes], size: int = 32 * 1024) -> Iterator[bytes]:
    while True:
        group = bytearray()
        for part in parts:
            group += part
            if len(group) > size:
                break
        yield bytes(group)


def _gzip_bomb() -> Iterator[bytes]:
    """Zeros without end: after a full flush the packed form of each mebibyte is the same."""
    packer = zlib.compressobj(level=9, wbits=31)
    yield packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    yield from repeat(again)


def _zstd_bomb() -> Iterator[bytes]:
    """Blocks of 128 KiB of one byte, 4 bytes each (RFC 8878 section 3.1.1.2), in a window of 8 MiB."""
    block = (0 | 1 << 1 | 131_072 << 3).to_bytes(3, "little") + b"\x00"
    yield b"\x28\xb5\x2f\xfd\x00" + bytes([13 << 3])
    yield from repeat(block * 1000)


@cache
def _brotli_bomb(mebibytes: int = 2048) -> bytes:
    packer = brotli.Compressor(quality=1, lgwin=24)
    return b"".join(packer.process(bytes(MIB)) for _ in range(mebibytes)) + bytes(packer.finish())


@cache
def _gzip_in_gzip() -> bytes:
    packer = zlib.compressobj(level=9, wbits=31)
    inner = b"".join(packer.compress(bytes(MIB)) for _ in range(500)) + packer.flush()
    return gzip.compress(inner)


def packed(coding: str) -> bytes:
    """The head of a page that is packed in this way."""
    return HEAD + b"content-encoding: " + coding.encode() + b"\r\n\r\n"


def redirect(location: str) -> Handler:
    return answer("", 302, location=location)


def entity_bomb() -> bytes:
    """A billion laughs: ten entities, each ten times the one before."""
    declared = b"".join(
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10 if level else "ha"}">'.encode() for level in range(10)
    )
    item = b"<item><title>&e9;</title><link>http://news.example/a</link></item>"
    return b'<?xml version="1.0"?><!DOCTYPE rss [' + declared + b"]>" + RSS[21:] + item + b"</channel></rss>"


def quadratic_bomb() -> bytes:
    """One entity of 50 kB, named 20,000 times."""
    head = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e "' + b"x" * 50_000 + b'">]>' + RSS[21:]
    return head + b"<item><title>" + b"&e;" * 20_000 + b"</title></item></channel></rss>"


def external_entity() -> bytes:
    return (
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        + RSS[21:]
        + b"<item><title>&e;</title><link>http://news.example/a</link></item></channel></rss>"
    )


def deep_feed(levels: int = 100_000) -> bytes:
    return RSS + b"<item><description>" + b"<div>" * levels


def feed_items() -> Iterator[bytes]:
    """A feed of a billion items and more."""
    items = (
        f"<item><title>{n}</title><link>http://news.example/{n}</link><guid>{n}</guid></item>".encode() for n in count()
    )
    return chain([RSS], items)


def sitemap_urls() -> Iterator[bytes]:
    return chain([URLSET], (f"<url><loc>http://news.example/{n}</loc></url>".encode() for n in count()))


def sitemap_children() -> Iterator[bytes]:
    """An index that names children for ever; each is named by ``loc`` on the server that asks."""
    return chain([INDEX], (f"<sitemap><loc>/sitemap/index?{n}</loc></sitemap>".encode() for n in count()))


XML = b"HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\n\r\n"


def xml(parts: Callable[[], Iterator[bytes]]) -> Handler:
    return endless(lambda: chain([XML], _grouped(parts())))


async def silence(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
    """An RST in the middle of the body."""
    writer.write(HEAD + b"content-length: 1000\r\n\r\nhalf")
    await writer.drain()
    writer.transport.abort()


async def far(request: Request, writer: asyncio.StreamWriter) -> None:
    """Redirects to ever new places."""
    await redirect(f"{request.path}x")(request, writer)


def handlers() -> Mapping[str, Handler]:
    """What is at each path."""
    x = b"x" * 16_384
    return {
        "/bomb/gzip": endless(lambda: chain([packed("gzip")], _gzip_bomb())),
        "/bomb/zstd": endless(lambda: chain([packed("zstd")], _zstd_bomb())),
        "/bomb/brotli": raw(packed("br") + _brotli_bomb()),
        "/bomb/gzip-in-gzip": raw(packed("gzip, gzip") + _gzip_in_gzip()),
        "/bomb/members": endless(lambda: chain([packed("gzip")], repeat(gzip.compress(b"", mtime=0) * 100))),
        "/encoding/unknown": raw(packed("sdch") + b"x"),
        "/encoding/three": raw(packed("gzip, gzip, gzip") + b"x"),
        "/encoding/broken": raw(packed("gzip") + b"this is no gzip data"),
        "/encoding/cut": raw(packed("gzip") + gzip.compress(b"x" * 1000)[:-9]),
        "/endless": endless(lambda: chain([HEAD + b"\r\n"], repeat(x))),
        "/endless/chunks": endless(lambda: chain([CHUNKED], repeat(b"4000\r\n" + x + b"\r\n"))),
        "/endless/trailers": endless(lambda: chain([CHUNKED + b"1\r\nx\r\n0\r\n"], repeat(b"a: b\r\n" * 1000))),
        "/drip": endless(lambda: chain([HEAD + b"\r\n"], repeat(b" ")), pause=0.05),
        "/drip/head": endless(lambda: chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"a: b\r\n")), pause=0.05),
        "/silence": silence,
        "/silence/body": endless(lambda: chain([HEAD + b"content-length: 9\r\n\r\nx"], repeat(b"")), pause=3600),
        "/nothing": raw(b""),
        "/reset": reset,
        "/length/over": raw(HEAD + b"content-length: 99999999999999\r\n\r\nx", pause=3600),
        "/length/long": raw(HEAD + b"content-length: 100\r\n\r\nshort"),
        "/length/short": raw(HEAD + b"content-length: 5\r\n\r\nlonger than it says"),
        "/length/two": raw(HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
        "/length/words": raw(HEAD + b"content-length: five\r\n\r\nhello"),
        "/length/negative": raw(HEAD + b"content-length: -5\r\n\r\nhello"),
        "/chunks/cut": raw(CHUNKED + b"ff\r\nhalf a chunk"),
        "/chunks/words": raw(CHUNKED + b"five\r\nhello\r\n0\r\n\r\n"),
        "/chunks/huge": raw(CHUNKED + b"f" * 30 + b"\r\nhello"),
        "/chunks/extensions": endless(lambda: chain([CHUNKED], repeat(b"1;" + b"a=b;" * 2000 + b"\r\nx\r\n"))),
        "/chunks/extension": endless(lambda: chain([CHUNKED + b"1;"], repeat(x))),
        "/headers/endless": endless(lambda: chain([HEAD], repeat(b"x-filler: y\r\n" * 100))),
        "/headers/one": endless(lambda: chain([HEAD + b"x-filler: "], repeat(x))),
        "/headers/many": raw(HEAD + b"a: b\r\n" * 1000 + b"\r\nhello"),
        "/headers/nul": raw(HEAD + b"x-nul: a\x00b\r\n\r\nhello"),
        "/headers/no-colon": raw(HEAD + b"no colon here\r\n\r\nhello"),
        "/status/line": endless(lambda: chain([b"HTTP/1.1 200 "], repeat(x))),
        "/status/words": raw(b"HTTP/1.1 two hundred\r\n\r\n"),
        "/status/nonsense": raw(b"\x16\x03\x01 is this TLS?\r\n\r\n"),
        "/status/ssh": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        "/status/999": raw(b"HTTP/1.1 999 Request denied\r\ncontent-length: 0\r\n\r\n"),
        "/interim": endless(lambda: repeat(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100)),
        "/interim/switch": raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello"),
        "/redirect/self": redirect("/redirect/self"),
        "/redirect/a": redirect("/redirect/b#there"),
        "/redirect/b": redirect("/redirect/a#here"),
        "/redirect/far": far,
        **{f"/redirect/far{'x' * length}": far for length in range(1, 30)},
        "/redirect/file": redirect("file:///etc/passwd"),
        "/redirect/script": redirect("javascript:alert(1)"),
        "/redirect/private": redirect("http://10.0.0.1/"),
        "/redirect/port": redirect("http://8.8.8.8:25/"),
        "/redirect/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
        "/redirect/number": redirect("http://167772161/"),
        "/redirect/octal": redirect("http://0012.0.0.1/"),
        "/redirect/hex": redirect("http://0x0a.0x0.0x0.0x1/"),
        "/redirect/short": redirect("http://10.1/"),
        "/redirect/wide": raw(
            b"HTTP/1.1 302 Found\r\nlocation: http://" + "\uff11\uff10.0.0.1".encode() + b"/\r\n\r\n"
        ),
        "/redirect/mapped": redirect("http://[::ffff:10.0.0.1]/"),
        "/redirect/nat64": redirect("http://[64:ff9b::a9fe:a9fe]/"),
        "/redirect/zone": redirect("http://[fe80::1%25lo]/"),
        "/redirect/unspecified": redirect("http://[::]/"),
        "/type/film": answer(b"\x00\x00\x00\x20ftypisom", content_type="video/mp4"),
        "/type/pdf": answer(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + x, content_type="text/html"),
        "/type/picture": answer(b"\x89PNG\r\n\x1a\n" + x, content_type="text/html; charset=utf-8"),
        "/type/packed-pdf": answer(gzip.compress(b"%PDF-1.7\n" + x), content_type="text/html", content_encoding="gzip"),
        "/feed/billion": xml(feed_items),
        "/feed/entities": answer(entity_bomb(), content_type="application/rss+xml"),
        "/feed/quadratic": answer(quadratic_bomb(), content_type="application/rss+xml"),
        "/feed/external": answer(external_entity(), content_type="application/rss+xml"),
        "/feed/deep": answer(deep_feed(), content_type="application/rss+xml"),
        "/sitemap/endless": xml(sitemap_urls),
        "/sitemap/index": xml(sitemap_children),
        "/robots.txt": endless(lambda: chain([HEAD + b"\r\n"], repeat(b"User-agent: *\nDisallow: /a\n" * 500))),
    }


@asynccontextmanager
async def serve_hostile() -> AsyncIterator[Site]:
    """The server, on a free port of 127.0.0.1."""
    async with serve() as site:
        site.pages.update(handlers())
        yield site
