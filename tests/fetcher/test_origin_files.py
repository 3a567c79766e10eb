import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.origin_files import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    OriginFiles,
    SingleFlight,
    fresh_seconds,
    origin_of,
)
from tests.fetcher.site import Site, answer, serve


@pytest.fixture
async def other() -> AsyncIterator[Site]:
    async with serve() as running:
        yield running


async def test_work_that_fails_fails_for_all_and_is_done_again() -> None:
    flights: SingleFlight[int] = SingleFlight()
    tries = 0

    async def work() -> int:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        if tries == 1:
            raise ValueError("first")
        return tries

    results = await asyncio.gather(*(flights.run("a", work) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["first"] * 3
    assert await flights.run("a", work) == 2


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://News.Example:443/a?b", "https://news.example"),
        ("http://news.example.:8080/", "http://news.example:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, LONGEST_SECONDS),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'public, Max-Age="600"'}, 600),
        ({"cache-control": "max-age=600, no-cache"}, SHORTEST_SECONDS),
        ({"cache-control": "max-age=1"}, SHORTEST_SECONDS),
        ({"cache-control": "max-age=" + "9" * 500}, LONGEST_SECONDS),
        ({"cache-control": "max-age=x", "expires": format_datetime(NOW + timedelta(hours=1), usegmt=True)}, 3600),
        ({"expires": "0"}, SHORTEST_SECONDS),
    ],
)  # fmt: skip
def test_how_long_a_file_is_kept(headers: dict[str, str], seconds: float) -> None:
    assert fresh_seconds(headers, NOW) == seconds


async def test_few_origins_are_kept(site: Site, other: Site, client: Client) -> None:

    site.pages["/f"] = other.pages["/f"] = answer("x")
    files = OriginFiles(client.get, "/f", lambda fetched: fetched.body, max_bytes=1024, capacity=1)
    for origin in (site, site, other, site):
        assert (await files.of(origin.url("/"))).value == b"x"
    assert (site.count("/f"), other.count("/f"), len(files)) == (2, 1, 1)


async def test_large_files_are_kept_for_few_origins(
    site: Site, other: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk_fetcher.origin_files.TOGETHER_BYTES", 1000)
    site.pages["/f"] = other.pages["/f"] = answer("x" * 600)
    files = OriginFiles(client.get, "/f", lambda fetched: fetched.body, max_bytes=1024)
    for origin in (site, other, other, site):
        await files.of(origin.url("/"))
    assert (site.count("/f"), other.count("/f"), len(files)) == (2, 1, 1)


async def test_a_file_that_cannot_be_had_for_30_days_counts_as_absent(site: Site, client: Client) -> None:
    now = 0.0
    files: OriginFiles[bytes] = OriginFiles(
        client.get, "/robots.txt", lambda fetched: fetched.body, max_bytes=100, clock=lambda: now
    )
    site.pages["/robots.txt"] = answer("x", cache_control="max-age=300")
    expected = [
        (0, None, "found"),
        (0.5, 500, "found"),
        (1.5, 500, "unknown"),
        (30.4, 500, "unknown"),
        (30.5, 500, "absent"),
    ]
    expected += [(31, None, "found"), (40, 500, "unknown"), (69, 500, "unknown"), (70, 500, "absent")]
    for days, status, presence in expected:
        now = days * LONGEST_SECONDS
        site.pages["/robots.txt"] = answer("x", status or 200, cache_control="max-age=300")
        assert (await files.of(site.url("/a"))).presence.value == presence, days
