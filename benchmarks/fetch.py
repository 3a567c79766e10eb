"""What fetching costs: our path with all its checks, a bare httpx loop, and Scrapy, over the same feeds and pages.

Each runs in a process of its own against a site in another process on loopback (``fetch_site.py``): many host names,
each with a robots.txt, a feed and ten pages of 60 KB. Ours is the fetcher without Kafka: feeds visited and parsed, and
for each entry robots.txt, reservations, the request, walls, rights, the page built. httpx reads feeds and pages, two
of a site at a time so that it can use its connections again, decodes them and does nothing with them; it asks for no
tdmrep.json, which is one request more in ten. Scrapy obeys robots.txt, reads the feeds and decodes the pages.

Run: ``.venv/bin/python -m benchmarks.fetch [--pages 20000] [--rounds 3] [--kafka]``; ``--kafka`` adds the whole service
on the embedded broker. Scrapy is in the bench group; ``--scrapy PYTHON`` names another interpreter that has it.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import psutil

from benchmarks.fetch_site import STORIES, host_of

CONCURRENCY = 32
PER_HOST = 2
# Enough for every request that may run at a time: entries come site by site.
IN_FLIGHT = 512
Figures = dict[str, float]
T = TypeVar("T")
SCRAPY = Path(__file__).with_name("fetch_scrapy.py")


async def here(_: str, __: int) -> Sequence[str]:
    """Every name is on this machine."""
    return ["127.0.0.1"]


def cpu_seconds() -> float:
    """Of this process and its children."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


class Meter:
    """Wall and CPU time of one phase."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), cpu_seconds()

    def figures(self, name: str, count: int) -> Figures:
        wall, cpu = time.perf_counter() - self._began, cpu_seconds() - self._cpu
        return {f"{name}_count": count, f"{name}_seconds": wall, f"{name}_cpu": cpu}


async def at_a_time(count: int, items: Sequence[T], work: Callable[[T], Awaitable[bool]]) -> int:
    """Work on all items; one that is not done comes again. Gives how many were done."""
    waiting = deque(items)
    done = 0

    async def worker() -> None:
        nonlocal done
        while waiting:
            item = waiting.popleft()
            if await work(item):
                done += 1
            else:
                waiting.append(item)
                await asyncio.sleep(0.01)

    await asyncio.gather(*(worker() for _ in range(count)))
    return done


def fetcher_settings(**given: Any) -> Any:
    """As polite as Scrapy is told to be."""
    from copydesk_fetcher.settings import FetcherSettings

    return FetcherSettings(
        allow_networks=(ip_network("127.0.0.0/8"),), per_host_delay_seconds=0, per_host_concurrency=PER_HOST,
        concurrency=CONCURRENCY, user_agent="bench (+http://localhost/)", **given,
    )  # fmt: skip


async def ours(port: int, feeds: int) -> Figures:
    """The fetcher's own path."""
    from copydesk_fetcher.download import Downloader
    from copydesk_fetcher.http import Client
    from copydesk_fetcher.parse import FeedParser
    from copydesk_fetcher.robots import Robots
    from copydesk_fetcher.visit import Visitor
    from copydesk_shared.errors import Retryable
    from copydesk_shared.messages import Entry, Feed
    from copydesk_shared.stage import Emit

    settings = fetcher_settings()
    entries: list[Entry] = []
    async with Client(settings, resolve=here) as client:
        robots = Robots(client.get, client.hosts, settings)
        downloader = Downloader(client, settings, robots=robots)
        visitor = Visitor(client, FeedParser(settings.parse_seconds, settings.feed_entries), settings, robots)

        async def visit(number: int) -> bool:
            url = f"http://{host_of(number)}:{port}/feed.xml"
            feed = Feed(feed_id=host_of(number), url=url, name=host_of(number), kind="feed", content="page")
            entries.extend((await visitor.visit(feed, None)).entries)
            return True

        async def handle(entry: Entry) -> bool:
            try:
                result = await downloader.handle(entry)
            except Retryable:
                return False
            assert isinstance(result, Emit), result
            result.message.model_dump_json()
            return True

        meter = Meter()
        found = meter.figures("feeds", await at_a_time(settings.poll_concurrency, range(feeds), visit))
        meter = Meter()
        return found | meter.figures("pages", await at_a_time(IN_FLIGHT, entries, handle))


async def bare(port: int, feeds: int) -> Figures:
    """Only httpx; names lead here as with the others."""
    import httpcore
    import httpx

    class Here(httpcore.AnyIOBackend):
        async def connect_tcp(self, host: str, *arguments: object, **named: object) -> httpcore.AsyncNetworkStream:
            del host
            return await super().connect_tcp("127.0.0.1", *arguments, **named)  # type: ignore[arg-type]

    limits = httpx.Limits(max_connections=CONCURRENCY * 2, max_keepalive_connections=CONCURRENCY)
    transport = httpx.AsyncHTTPTransport(verify=False, limits=limits)
    transport._pool._network_backend = Here()  # noqa: SLF001 - it has no other way
    async with httpx.AsyncClient(transport=transport, headers={"user-agent": "bench (+http://localhost/)"}) as client:

        async def get(url: str) -> bool:
            response = await client.get(url)
            assert response.status_code == 200
            return len(response.text) > 1000

        places = [f"http://{host_of(number)}:{port}" for number in range(feeds)]
        meter = Meter()
        found = meter.figures("feeds", await at_a_time(CONCURRENCY, [f"{place}/feed.xml" for place in places], get))
        at_once = CONCURRENCY // PER_HOST
        groups = [places[start : start + at_once] for start in range(0, len(places), at_once)]
        urls = [f"{place}/story/{number}" for group in groups for number in range(STORIES) for place in group]
        meter = Meter()
        return found | meter.figures("pages", await at_a_time(CONCURRENCY, urls, get))


async def whole_service(port: int, feeds: int) -> Figures:
    """The service as it runs: feeds from a topic, entries through a topic, pages to a topic, on the embedded broker.

    Polls and downloads run side by side, so there is one phase. The broker's CPU is not counted.
    """
    from copydesk_fetcher.feeds_file import sync_feeds
    from copydesk_fetcher.service import fetch
    from copydesk_shared.brokers import Brokers
    from copydesk_shared.guard import Resolver
    from copydesk_shared.kafka import ensure_topics
    from copydesk_shared.messages import Feed
    from copydesk_shared.service import Service
    from copydesk_shared.telemetry import RECORDS, configure_logging
    from copydesk_standalone.broker.process import start

    async def resolve(_: Resolver, host: str, number: int) -> Sequence[str]:
        return await here(host, number)

    configure_logging("bench", "error", "console")
    common: Any = {"kind": "feed", "content": "page", "interval_seconds": 3600}
    names = [host_of(number) for number in range(feeds)]
    wanted = [Feed(feed_id=name, url=f"http://{name}:{port}/feed.xml", name=name, **common) for name in names]
    with (
        tempfile.TemporaryDirectory() as folder,
        start(Path(folder) / "broker") as broker,
        patch.object(Resolver, "__call__", resolve),
    ):
        brokers = Brokers(broker.address)
        await ensure_topics(brokers)
        await sync_feeds(brokers, wanted)
        running = Service("fetcher", fetcher_settings(bootstrap_servers=broker.address, drain_seconds=5))
        emitted = RECORDS.labels("fetcher", "emitted", "")._value  # noqa: SLF001 - collecting them all takes longer
        other = psutil.Process(broker.process.pid)
        meter, before = Meter(), sum(other.cpu_times()[:2])
        task = asyncio.create_task(fetch(running))
        while emitted.get() < feeds * STORIES and not task.done():  # noqa: ASYNC110 - nothing else tells how far it is
            await asyncio.sleep(0.05)
        found = meter.figures("pages", int(emitted.get()))
        found["pages_cpu"] -= sum(other.cpu_times()[:2]) - before
        running.stopping.set()
        await task
        return {"feeds_count": feeds, "feeds_seconds": 0.0, "feeds_cpu": 0.0, **found}


CONTESTANTS: Mapping[str, Callable[[int, int], Awaitable[Figures]]] = {
    "ours": ours,
    "httpx": bare,
    "service": whole_service,
}


def run_here(name: str, port: int, feeds: int, *, profile: bool) -> None:
    """One contestant in this process; its figures go to standard output."""

    async def main() -> Figures:
        return await CONTESTANTS[name](port, feeds)

    profiler = cProfile.Profile() if profile else None
    if profiler is not None:
        profiler.enable()
    print(json.dumps(asyncio.run(main())))
    if profiler is not None:
        profiler.disable()
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(60)


@contextmanager
def site() -> Iterator[int]:
    """The site in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.fetch_site"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _result(name: str, command: Sequence[str]) -> Figures:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    print(name, {key: round(value, 2) for key, value in figures.items()}, file=sys.stderr, flush=True)
    return figures


def one_round(port: int, feeds: int, names: Sequence[str], scrapy: str | None) -> dict[str, Figures]:
    """All contestants, one after the other."""
    again = [sys.executable, "-m", "benchmarks.fetch", "--port", str(port), "--pages", str(feeds * STORIES)]
    found = {name: _result(name, [*again, "--run", name]) for name in names}
    for figures in found.values():
        figures["seconds"] = figures["feeds_seconds"] + figures["pages_seconds"]
        figures["cpu"] = figures["feeds_cpu"] + figures["pages_cpu"]
        figures["pages"] = figures["pages_count"]
    if scrapy is not None:
        found["scrapy"] = _result("scrapy", [scrapy, str(SCRAPY), *map(str, (port, feeds, CONCURRENCY, PER_HOST))])
    assert all(each["pages"] == feeds * STORIES for each in found.values()), found
    return found


def report(rounds: Sequence[Mapping[str, Figures]]) -> None:
    """Medians over the rounds, and ratios within each round."""

    def per_page(name: str, figure: str) -> float:
        return statistics.median(each[name][figure] / each[name]["pages"] for each in rounds)

    def ratio(other: str, figure: str) -> float:
        return statistics.median(each[other][figure] / each["ours"][figure] for each in rounds)

    print(f"{'':8} {'pages/s':>9} {'CPU ms/page':>12}   {'with feeds: pages/s':>20} {'CPU ms/page':>12}")
    for name in rounds[0]:
        own = f"{'':9} {'':12}"
        if name in ("ours", "httpx"):
            own = f"{1 / per_page(name, 'pages_seconds'):9.0f} {per_page(name, 'pages_cpu') * 1000:12.2f}"
        print(f"{name:8} {own}   {1 / per_page(name, 'seconds'):20.0f} {per_page(name, 'cpu') * 1000:12.2f}")
    print(f"ours / httpx, pages/s            {ratio('httpx', 'pages_seconds'):6.2f}  (goal: at least 0.8)")
    if "scrapy" in rounds[0]:
        print(f"ours / Scrapy, pages/CPU-second  {ratio('scrapy', 'cpu'):6.2f}  (goal: more than 1)")
        print(f"ours / Scrapy, pages/s           {ratio('scrapy', 'seconds'):6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000, help="pages, ten to a feed (default 20000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scrapy", default=sys.executable if find_spec("scrapy") else None, metavar="PYTHON")
    parser.add_argument("--kafka", action="store_true", help="the whole service, too")
    parser.add_argument("--profile", choices=CONTESTANTS, help="profile one of them, and nothing else")
    parser.add_argument("--run", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    feeds = max(1, options.pages // STORIES)
    if options.run is not None:
        run_here(options.run, options.port, feeds, profile=False)
        return
    with site() as port:
        if options.profile is not None:
            run_here(options.profile, port, feeds, profile=True)
            return
        print(f"{feeds} feeds, {feeds * STORIES} pages, {CONCURRENCY} requests at a time, {PER_HOST} to a host")
        names = [name for name in CONTESTANTS if options.kafka or name != "service"]
        report([one_round(port, feeds, names, options.scrapy) for _ in range(options.rounds)])


if __name__ == "__main__":
    main()
