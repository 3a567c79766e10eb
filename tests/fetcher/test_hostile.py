"""What each misdeed of a server comes to: a named reason, soon, and without much memory."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping

import pytest

from copydesk_fetcher.http import REQUESTS, Client, is_page
from copydesk_fetcher.responses import FetchError, FetchReason, Refused, TooLarge, Unreachable, Unsupported
from copydesk_fetcher.settings import FetcherSettings

from .conftest import Settings
from .hostile import handlers, serve_hostile
from .site import Site

LIMIT = 500_000
BOUND_SECONDS = 30
TOTAL_SECONDS = 8.0

REASONS: Mapping[str, FetchReason] = {
    "/bomb/gzip": FetchReason.BOMB,
    "/bomb/zstd": FetchReason.BOMB,
    "/bomb/brotli": FetchReason.BOMB,
    "/bomb/gzip-in-gzip": FetchReason.BOMB,
    "/bomb/members": FetchReason.BOMB,
    "/encoding/unknown": FetchReason.ENCODING,
    "/encoding/three": FetchReason.ENCODING,
    "/encoding/broken": FetchReason.ENCODING,
    "/encoding/cut": FetchReason.ENCODING,
    "/endless": FetchReason.TOO_LARGE,
    "/endless/chunks": FetchReason.TOO_LARGE,
    "/endless/trailers": FetchReason.PROTOCOL,
    "/drip": FetchReason.SLOW,
    "/drip/head": FetchReason.SLOW,
    "/silence": FetchReason.TIMEOUT,
    "/silence/body": FetchReason.TIMEOUT,
    "/nothing": FetchReason.BROKEN_OFF,
    "/reset": FetchReason.BROKEN_OFF,
    "/length/over": FetchReason.TOO_LARGE,
    "/length/long": FetchReason.BROKEN_OFF,
    "/length/two": FetchReason.PROTOCOL,
    "/length/words": FetchReason.PROTOCOL,
    "/length/negative": FetchReason.PROTOCOL,
    "/chunks/cut": FetchReason.BROKEN_OFF,
    "/chunks/words": FetchReason.PROTOCOL,
    "/chunks/huge": FetchReason.PROTOCOL,
    "/chunks/extensions": FetchReason.FLOOD,
    "/chunks/extension": FetchReason.PROTOCOL,
    "/headers/endless": FetchReason.HEADERS,
    "/headers/one": FetchReason.HEADERS,
    "/headers/many": FetchReason.HEADERS,
    "/headers/nul": FetchReason.PROTOCOL,
    "/headers/no-colon": FetchReason.PROTOCOL,
    "/status/line": FetchReason.HEADERS,
    "/status/words": FetchReason.PROTOCOL,
    "/status/nonsense": FetchReason.PROTOCOL,
    "/status/ssh": FetchReason.PROTOCOL,
    "/interim": FetchReason.FLOOD,
    "/interim/switch": FetchReason.PROTOCOL,
    "/redirect/self": FetchReason.REDIRECT_LOOP,
    "/redirect/a": FetchReason.REDIRECT_LOOP,
    "/redirect/far": FetchReason.REDIRECTS,
    "/redirect/file": FetchReason.URL,
    "/redirect/script": FetchReason.URL,
    "/redirect/private": FetchReason.ADDRESS,
    "/redirect/port": FetchReason.ADDRESS,
    "/redirect/metadata": FetchReason.ADDRESS,
    "/redirect/number": FetchReason.ADDRESS,
    "/redirect/octal": FetchReason.URL,
    "/redirect/hex": FetchReason.ADDRESS,
    "/redirect/short": FetchReason.ADDRESS,
    "/redirect/wide": FetchReason.URL,
    "/redirect/mapped": FetchReason.ADDRESS,
    "/redirect/nat64": FetchReason.ADDRESS,
    "/redirect/zone": FetchReason.URL,
    "/redirect/unspecified": FetchReason.ADDRESS,
    "/type/film": FetchReason.CONTENT_TYPE,
    "/type/pdf": FetchReason.CONTENT_TYPE,
    "/type/picture": FetchReason.CONTENT_TYPE,
    "/type/packed-pdf": FetchReason.CONTENT_TYPE,
}
# What the readers of feeds and sitemaps are sent without end; they take other types than pages.
FEEDS: Mapping[str, FetchReason] = dict.fromkeys(
    ("/feed/billion", "/sitemap/endless", "/sitemap/index", "/robots.txt"), FetchReason.TOO_LARGE
)
HARMLESS = {
    "/length/short": (200, b"longe"),
    "/status/999": (999, b""),
}
KINDS: Mapping[FetchReason, type[FetchError]] = {
    FetchReason.BOMB: TooLarge,
    FetchReason.TOO_LARGE: TooLarge,
    FetchReason.CONTENT_TYPE: Unsupported,
    FetchReason.URL: Refused,
    FetchReason.ADDRESS: Refused,
    FetchReason.REDIRECTS: Refused,
    FetchReason.REDIRECT_LOOP: Refused,
}


@pytest.fixture
async def hostile() -> AsyncIterator[Site]:
    async with serve_hostile() as running:
        yield running


@pytest.fixture
async def wary(settings_with: Settings) -> AsyncIterator[Client]:
    async with Client(settings_with(read_seconds=0.5, total_seconds=TOTAL_SECONDS)) as client:
        yield client


async def test_a_misdeed_is_the_same_each_time(hostile: Site, wary: Client) -> None:
    for path in ("/bomb/gzip", "/feed/billion", "/interim") * 2:
        with pytest.raises(FetchError) as caught:
            await wary.get(hostile.url(path), max_bytes=LIMIT)
        assert caught.value.reason == {**REASONS, **FEEDS}[path]


def counted(reason: FetchReason) -> float:
    return float(REQUESTS.labels(reason)._value.get())


@pytest.mark.parametrize(("path", "reason"), REASONS.items())
async def test_each_misdeed_has_its_reason(hostile: Site, wary: Client, path: str, reason: FetchReason) -> None:
    before = counted(reason)
    if reason == FetchReason.SLOW:
        wary._settings = wary._settings.model_copy(update={"total_seconds": 1.0})
    async with asyncio.timeout(BOUND_SECONDS):
        with pytest.raises(FetchError) as caught:
            await wary.get(hostile.url(path), max_bytes=LIMIT, accepts=is_page)
    assert (caught.value.reason, "\n" in str(caught.value)) == (reason, False), str(caught.value)
    if reason in KINDS:
        assert isinstance(caught.value, KINDS[reason])
    assert counted(reason) == before + 1


@pytest.mark.parametrize(("path", "reason"), FEEDS.items())
async def test_feeds_and_sitemaps_without_end_are_cut(
    hostile: Site, wary: Client, path: str, reason: FetchReason
) -> None:
    with pytest.raises(TooLarge) as caught:
        await wary.get(hostile.url(path), max_bytes=LIMIT)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("path", "expected"), HARMLESS.items())
async def test_what_is_odd_and_does_no_harm_is_an_answer(
    hostile: Site, wary: Client, path: str, expected: tuple[int, bytes]
) -> None:
    fetched = await wary.get(hostile.url(path), max_bytes=LIMIT)
    assert (fetched.status, fetched.body) == expected


def test_every_path_is_in_one_of_the_tables() -> None:
    others = {path for path in handlers() if path.startswith(("/feed/", "/redirect/far"))} | {"/redirect/b"}
    assert set(handlers()) - others - {"/feed/billion"} == (set(REASONS) | set(FEEDS) | set(HARMLESS)) - {
        "/redirect/far", "/feed/billion"
    }  # fmt: skip


async def test_others_are_served_while_bombs_go_off(hostile: Site, settings_with: Settings) -> None:
    """The loop belongs to all: between the pieces of a bomb others get their turn."""
    hostile.pages["/fine"] = handlers()["/length/short"]
    async with Client(settings_with(per_host_concurrency=10)) as client:
        bombs = [
            asyncio.create_task(client.get(hostile.url(path), max_bytes=50_000_000))
            for path in ("/bomb/gzip", "/bomb/brotli", "/bomb/gzip-in-gzip")
        ]
        answered = 0
        while not all(bomb.done() for bomb in bombs):
            answered += (await client.get(hostile.url("/fine"), max_bytes=LIMIT)).status == 200
        results = await asyncio.gather(*bombs, return_exceptions=True)
    assert [getattr(result, "reason", None) for result in results] == [FetchReason.BOMB] * 3
    assert answered > 3


HUNGRY = (
    "/bomb/gzip", "/bomb/zstd", "/bomb/brotli", "/bomb/gzip-in-gzip", "/bomb/members", "/endless", "/endless/chunks",
    "/headers/endless", "/headers/one", "/chunks/extensions", "/interim", "/feed/billion", "/sitemap/endless",
)  # fmt: skip
MEMORY = """
import asyncio, json, resource, sys
from copydesk_fetcher.http import Client
from copydesk_fetcher.responses import FetchError
from copydesk_fetcher.settings import FetcherSettings

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

async def main(base, paths):
    settings = FetcherSettings(allow_networks="127.0.0.0/8", per_host_delay_seconds=0)
    found = {}
    async with Client(settings) as client:
        try:
            await client.get(base + "/type/pdf", max_bytes=1000)
        except FetchError:
            pass
        for path in paths:
            before = peak()
            try:
                await client.get(base + path, max_bytes=10 * 1024 * 1024)
                found[path] = ["answered", peak() - before]
            except FetchError as error:
                found[path] = [error.reason, peak() - before]
    print(json.dumps(found))

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


async def test_no_answer_takes_more_than_40_mb_at_the_largest_limit(hostile: Site) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MEMORY, hostile.url(""), *HUNGRY, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    found = json.loads(out)
    assert set(found) == set(HUNGRY)
    assert {path: grown for path, (_, grown) in found.items() if grown > 40} == {}
    assert {path for path, (reason, _) in found.items() if reason == "answered"} == set()


async def test_a_host_that_floods_leaves_the_connection_behind(hostile: Site, wary: Client) -> None:
    for _ in range(3):
        with pytest.raises(Unreachable):
            await wary.get(hostile.url("/interim"), max_bytes=LIMIT)
    assert hostile.connections == 3
    assert wary._transport.connections == []


def test_settings_bound_what_a_server_can_take() -> None:
    settings = FetcherSettings()
    assert settings.total_seconds <= 60
    assert settings.feed_bytes <= 64 * 1024 * 1024
