"""Parsing in worker processes: feeds come from strangers, and some keep a parser busy for minutes or make it ask for
gigabytes.
"""

import resource
from datetime import datetime

from anyio import BrokenWorkerProcess, CapacityLimiter, fail_after, to_process

from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed

WORKER_MEMORY_BYTES = 1024 * 1024 * 1024


def _in_worker(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> ParsedFeed:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_MEMORY_BYTES, hard))
    return parse_feed(body, content_type, url, limit, now)


class FeedParser:
    """Parses feeds in worker processes that are killed when they take too long."""

    def __init__(self, seconds: float, entries: int, workers: int = 2) -> None:
        self._seconds = seconds
        self._entries = entries
        self._free = CapacityLimiter(workers)

    async def __call__(self, body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
        """See :func:`parse_feed`."""
        async with self._free:
            try:
                with fail_after(self._seconds):
                    return await to_process.run_sync(
                        _in_worker, body, content_type, url, self._entries, now, cancellable=True
                    )
            except TimeoutError:
                raise NotAFeed(f"not parsed within {self._seconds:g} s") from None
            except MemoryError:
                raise NotAFeed(f"takes more than {WORKER_MEMORY_BYTES >> 20} MiB of memory") from None
            except BrokenWorkerProcess:
                raise NotAFeed("the parser died of it") from None
