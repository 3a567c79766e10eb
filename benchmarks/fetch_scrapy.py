"""Scrapy's part of ``benchmarks/fetch.py``: the same feeds and pages, as polite as the fetcher. Needs only Scrapy.

Arguments: port of the site, feeds, requests at a time, requests at a time to one host. Prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.resolver import CachingThreadedResolver

PORT, FEEDS, CONCURRENCY, PER_HOST = (int(argument) for argument in sys.argv[1:])
COUNTS = {"pages": 0, "feeds": 0, "characters": 0}


async def start(spider: Any) -> AsyncIterator[Any]:
    """Where it begins: the feeds."""
    for number in range(FEEDS):
        yield scrapy.Request(f"http://site{number}.example:{PORT}/feed.xml", callback=spider.feed)


def feed(spider: Any, response: Any) -> Iterator[Any]:
    """The pages of a feed."""
    COUNTS["feeds"] += 1
    for item in response.xpath("//item"):
        yield scrapy.Request(item.xpath("link/text()").get(), callback=spider.page)


def page(_: Any, response: Any) -> Any:
    """A page as an item: its address and its text."""
    text = response.text
    COUNTS["pages"] += 1
    COUNTS["characters"] += len(text)
    return {"url": response.url, "content": text}


def here(_: Any, __: str, timeout: Any = ()) -> Any:
    """Every name is on this machine."""
    del timeout
    return import_module("twisted.internet.defer").succeed("127.0.0.1")


# Made without a class statement: the type checker knows neither base.
Here = type("Here", (CachingThreadedResolver,), {"getHostByName": here})
News = type("News", (scrapy.Spider,), {"name": "news", "start": start, "feed": feed, "page": page})


def main() -> None:
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": CONCURRENCY, "CONCURRENT_REQUESTS_PER_DOMAIN": PER_HOST, "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": True, "COOKIES_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "LOG_LEVEL": "ERROR",
            "DNS_RESOLVER": Here, "DOWNLOAD_MAXSIZE": 3 * 1024 * 1024, "USER_AGENT": "bench (+http://localhost/)",
        }
    )  # fmt: skip
    began, cpu = time.perf_counter(), time.process_time()
    process.crawl(News)
    process.start()
    print(json.dumps({**COUNTS, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
