"""The web that ``benchmarks/fetch.py`` fetches: many sites on one port of loopback, told apart by their names.

Each site has a robots.txt, a feed of ten stories, and the stories: about 60 KB of HTML each, sent packed. Everything is
made before it is asked for, so that the server is no bottleneck.
"""

import asyncio
import gzip
import random
import sys

STORIES = 10
VARIANTS = 50
WORDS = ["".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=6)) for seed in range(5_000)]
ROBOTS = b"User-agent: *\nDisallow: /admin/\nDisallow: /*?print=\nAllow: /\n"
RSS = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{host}</title><link>http://{host}:{port}/</link>{items}</channel></rss>'
ITEM = (
    "<item><title>Story {number} of {host}</title><link>http://{host}:{port}/story/{number}</link>"
    "<guid>{host}-{number}</guid><description>{summary}</description>"
    "<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate></item>"
)
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Story {variant}</title>'
    '<meta name="description" content="A story"><meta property="og:type" content="article">'
    '<script type="application/ld+json">{{"@type": "NewsArticle", "isAccessibleForFree": true}}</script>'
    '<link rel="stylesheet" href="/style.css"></head><body><nav>{navigation}</nav><article><h1>Story {variant}</h1>'
    "{paragraphs}</article><footer>{navigation}</footer></body></html>"
)


def host_of(number: int) -> str:
    return f"site{number}.example"


def _words(source: random.Random, count: int) -> str:
    return " ".join(source.choices(WORDS, k=count))


def page(variant: int, characters: int = 60_000) -> bytes:
    source = random.Random(variant)
    navigation = "".join(f'<a class="item item-{n}" href="/section/{n}">{_words(source, 2)}</a>' for n in range(150))
    paragraphs: list[str] = []
    while sum(len(paragraph) for paragraph in paragraphs) < characters - 2 * len(navigation):
        paragraphs.append(f'<p class="body-text">{_words(source, 60)}</p><div data-n="{len(paragraphs)}"></div>')
    return PAGE.format(variant=variant, navigation=navigation, paragraphs="".join(paragraphs)).encode()


def feed(host: str, port: int) -> bytes:
    source = random.Random(host)
    items = "".join(
        ITEM.format(host=host, port=port, number=number, summary=_words(source, 25)) for number in range(STORIES)
    )
    return RSS.format(host=host, port=port, items=items).encode()


def _answer(content: bytes, kind: str, status: str = "200 OK") -> bytes:
    packed = gzip.compress(content, 6)
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed


class Web(asyncio.Protocol):
    """Answers one request after the other; requests are small, so each comes in one piece."""

    robots = _answer(ROBOTS, "text/plain")
    missing = _answer(b"nothing here", "text/plain", "404 Not Found")
    stories = tuple(_answer(page(variant), "text/html; charset=utf-8") for variant in range(VARIANTS))
    port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        path = data[4 : data.index(b" ", 4)].decode()
        self.transport.write(self.answer(path, data))  # type: ignore[attr-defined]

    def answer(self, path: str, data: bytes) -> bytes:
        if path.startswith("/story/"):
            return self.stories[hash(data[:80]) % VARIANTS]
        if path == "/robots.txt":
            return self.robots
        if path != "/feed.xml":
            return self.missing
        start = data.lower().index(b"host:") + 5
        host = data[start : data.index(b"\r\n", start)].decode().strip().partition(":")[0]
        return _answer(feed(host, self.port), "application/rss+xml; charset=utf-8")


async def main() -> None:
    """Serve until standard input ends; the port is the first line of standard output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Web, "127.0.0.1", 0, backlog=1024)
    Web.port = server.sockets[0].getsockname()[1]
    print(Web.port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
