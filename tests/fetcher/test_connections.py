"""Which connections are kept and used again, and how many."""

import asyncio
from collections.abc import Sequence

from copydesk_fetcher.http import Client
from copydesk_fetcher.transport import IDLE_RATIO
from copydesk_fetcher.wall_rules import EXPLICIT_MARKUP, EXPLICIT_STEMS
from copydesk_shared.identity import REMEMBERED_CHARACTERS, canonical_url

from .conftest import Settings
from .site import Site, answer

LIMIT = 100_000


async def here(_: str, __: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_connections_to_many_hosts_wait_for_their_next_turn(site: Site, settings_with: Settings) -> None:
    site.pages["/a"] = answer("ok")
    urls = [f"http://host{number}.example:{site.port}/a" for number in range(40)]
    async with Client(settings_with(concurrency=10), resolve=here) as client:
        for _ in range(3):
            await asyncio.gather(*(client.get(url, max_bytes=LIMIT) for url in urls))
        assert len(client._transport.connections) == 40
    assert (site.connections, site.count("/a")) == (40, 120)


async def test_those_idle_for_longest_go_when_there_are_too_many(site: Site, settings_with: Settings) -> None:
    site.pages["/a"] = answer("ok")
    most = 2 * IDLE_RATIO
    urls = [f"http://host{number}.example:{site.port}/a" for number in range(most + 5)]
    async with Client(settings_with(concurrency=2), resolve=here) as client:
        for url in urls:
            await client.get(url, max_bytes=LIMIT)
        assert (site.connections, len(client._transport.connections)) == (most + 5, most)
        await client.get(urls[5], max_bytes=LIMIT)
        assert site.connections == most + 5
        await client.get(urls[4], max_bytes=LIMIT)
        assert (site.connections, len(client._transport.connections)) == (most + 6, most)
    assert client._transport.connections == []


async def test_as_many_connections_are_kept_as_were_in_use_at_a_time(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("ok")
    for _ in range(3):
        await asyncio.gather(*(client.get(site.url("/a"), max_bytes=LIMIT) for _ in range(6)))
    assert site.connections <= 2
    assert len(client._transport.connections) == site.connections


async def test_one_that_the_server_gave_up_is_not_used_again(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("ok")
    await client.get(site.url("/a"), max_bytes=LIMIT)
    (kept,) = client._transport.connections
    await kept.aclose()
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"ok"
    assert site.connections == 2
    assert len(client._transport.connections) == 1


def test_every_mark_of_a_wall_is_found_by_its_stem() -> None:
    assert [mark for mark in EXPLICIT_MARKUP if not any(stem in mark for stem in EXPLICIT_STEMS)] == []
    assert [stem for stem in EXPLICIT_STEMS if not any(stem in mark for mark in EXPLICIT_MARKUP)] == []


def test_long_addresses_have_the_same_canonical_form_as_short_ones() -> None:
    path = "a/" * REMEMBERED_CHARACTERS
    assert canonical_url(f"HTTP://News.example:80/{path}?utm_source=x#y") == f"http://news.example/{path}"
    assert canonical_url("HTTP://News.example:80/a/?utm_source=x#y") == "http://news.example/a/"
