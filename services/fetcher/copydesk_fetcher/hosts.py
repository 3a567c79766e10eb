"""Politeness: per domain, how many requests at a time and how far apart they start."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from copydesk_fetcher.responses import FetchError, Held

SWEEP_ABOVE = 1000
# Who would wait longer for a domain that asked to be left alone makes room for others meanwhile.
LONGEST_WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.5


class _Host:
    def __init__(self, concurrency: int) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self.starting = asyncio.Lock()
        self.next_start = 0.0
        self.held_until = 0.0
        self.users = 0


class Hosts:
    """Turns at a domain: at most ``concurrency`` at a time, starts ``delay_seconds`` apart, ``total`` over all domains.

    Who waits for its own domain holds no place of the total, so a slow domain does not stall the others.
    """

    def __init__(self, concurrency: int, delay_seconds: float, total: int) -> None:
        self._concurrency = concurrency
        self._delay = delay_seconds
        self._total = asyncio.Semaphore(total)
        self._hosts: dict[str, _Host] = {}
        self._closed = False

    @asynccontextmanager
    async def turn(self, domain: str) -> AsyncIterator[None]:
        """Wait for a turn at this domain and hold it. Raises :class:`Held` where that would take long."""
        host = self._host(domain)
        host.users += 1
        try:
            async with host.slots:
                await self._start(host)
                try:
                    yield
                finally:
                    self._total.release()
        finally:
            host.users -= 1

    def close(self) -> None:
        """Give no further turns: whoever waits for one, or comes, gets :class:`Held`."""
        self._closed = True

    def hold(self, domain: str, seconds: float) -> None:
        """Start no further request at this domain for that long."""
        host = self._host(domain)
        host.held_until = max(host.held_until, time.monotonic() + seconds)

    def answered(self, domain: str, status: int) -> None:
        """This domain answered a request with this status."""

    def failed(self, domain: str, why: FetchError) -> None:
        """A request to this domain came to nothing."""

    async def _start(self, host: _Host) -> None:
        async with host.starting:
            while (wait := max(host.next_start, host.held_until) - time.monotonic()) > 0:
                self._check(host)
                await asyncio.sleep(min(wait, LOOK_SECONDS))
            self._check(host)
            await self._total.acquire()
            host.next_start = max(host.next_start, time.monotonic() + self._delay)

    def _check(self, host: _Host) -> None:
        held = host.held_until - time.monotonic()
        if self._closed or held > LONGEST_WAIT_SECONDS:
            raise Held(max(held, 0.0))

    def _host(self, domain: str) -> _Host:
        if domain not in self._hosts:
            if len(self._hosts) >= SWEEP_ABOVE:
                self._sweep()
            self._hosts[domain] = _Host(self._concurrency)
        return self._hosts[domain]

    def _sweep(self) -> None:
        now = time.monotonic()
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if host.users or max(host.next_start, host.held_until) > now
        }

    def __len__(self) -> int:
        return len(self._hosts)
