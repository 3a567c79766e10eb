"""The frontier: per host (registrable domain) how many requests at a time, how far apart, and who is next.

Requests wait in two lines: pages, and before them everything else (polls, robots.txt, hubs), which many pages depend
on. Only so many pages of a host wait in memory; the others are put off (:class:`Queued`), so that no host keeps the
hands of the others. The places in memory are shared by dynamic thresholds (Choudhury and Hahne, 1998): a host may have
as many as are still free, so that some always are.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from prometheus_client import Counter, Histogram

from copydesk_fetcher.backlog import LEAST_WAIT_SECONDS, Backlog
from copydesk_fetcher.host import Host, Turn
from copydesk_fetcher.host_table import HostTable
from copydesk_fetcher.responses import FetchError, FetchReason, Held
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.uplink import Uplink
from copydesk_shared.errors import CopydeskError
from copydesk_shared.messages import HostState
from copydesk_shared.retries import queue_wait
from copydesk_shared.topics import Tier

# Who would wait longer for a host makes room for others meanwhile; pages may wait a little longer than the short retry
# tier does, so that those that wait there are back before those in memory have had their turn.
LONGEST_WAIT_SECONDS = 20.0
PATIENCE_SHARE = 1.5
# A queue that is worked off so soon keeps nobody's hands for long, however many wait in it.
QUICK_SECONDS = 2.0
# What a turn is thought to take at a host that has had none.
UNKNOWN_TURN_SECONDS = 0.25
# How much of what may be in flight may wait for hosts.
WAITING_SHARE = 0.75
# Of the ways to fail, those that a network that is away would cause.
SILENCES = frozenset((FetchReason.DNS, FetchReason.CONNECT, FetchReason.TIMEOUT))

QUEUED = Counter("copydesk_host_queued_total", "Entries put off because their host is busy, by why.", ["reason"])
WAITS = Histogram(
    "copydesk_host_wait_seconds", "From the wish for a request to its turn.", ["line"],
    buckets=(0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 300),
)  # fmt: skip
FIRST_WAITS, PAGE_WAITS = WAITS.labels("first"), WAITS.labels("pages")

Waits = Mapping[Tier, float]
USUAL_WAITS: Waits = {Tier.SHORT: 30.0, Tier.MEDIUM: 300.0, Tier.LONG: 3600.0}


class Queued(CopydeskError):
    """There is no place for another page of this host; its turn comes in about ``seconds``.

    It should be back after ``back_seconds``: early enough to wait in memory again before the host has nothing to do.
    """

    def __init__(self, domain: str, seconds: float, back_seconds: float) -> None:
        super().__init__(f"{domain} is busy; the turn comes in about {seconds:.0f} s")
        self.seconds = seconds
        self.back_seconds = back_seconds


@dataclass(slots=True)
class _Page:
    """A page's wish. Its first request waits behind everything else, what follows (a redirect) does not."""

    has_begun: bool = False


_PAGE: ContextVar[_Page | None] = ContextVar("page", default=None)


@contextmanager
def as_page() -> Iterator[None]:
    """Requests made in here are for a page: they wait until nothing else wants that host."""
    token = _PAGE.set(_Page())
    try:
        yield
    finally:
        _PAGE.reset(token)


class _HeldTurn:
    """The block in which a turn is held: there are many of them, and a class takes less time than a generator."""

    __slots__ = ("_began", "_domain", "_host", "_hosts")

    def __init__(self, hosts: "Hosts", domain: str) -> None:
        self._hosts = hosts
        self._domain = domain

    async def __aenter__(self) -> None:
        self._host = await self._hosts.take(self._domain)
        self._began = time.monotonic()

    async def __aexit__(self, *_: object) -> None:
        self._hosts.give_back(self._host, time.monotonic() - self._began)


class Hosts:
    """Turns at hosts: at most ``concurrency`` at a time, starts ``delay_seconds`` apart, ``total`` over all hosts.

    ``queue`` pages of one host may wait in memory, ``room`` of all together; ``waits`` are those of the retry tiers.
    Who waits for its own host holds no place of the total, so a slow host does not stall the others.
    """

    def __init__(
        self,
        concurrency: int,
        delay_seconds: float,
        total: int,
        *,
        longest_delay_seconds: float = 60.0,
        queue: int = 500,
        room: int = 1536,
        waits: Waits = USUAL_WAITS,
    ) -> None:
        self._concurrency = concurrency
        self._free = total
        self._queue = queue
        self._room = room
        self._waits = waits
        self._patience = max(waits[Tier.SHORT] * PATIENCE_SHARE, LONGEST_WAIT_SECONDS)
        self._places = 0
        self._table = HostTable(delay_seconds, longest_delay_seconds)
        self._line: deque[Host] = deque()
        self._is_closed = False
        self.uplink = Uplink()

    @classmethod
    def of(cls, settings: FetcherSettings) -> Self:
        """As the settings want them."""
        return cls(
            settings.per_host_concurrency,
            settings.per_host_delay_seconds,
            settings.concurrency,
            longest_delay_seconds=settings.longest_delay_seconds,
            queue=settings.host_queue,
            room=max(1, int(settings.max_in_flight * WAITING_SHARE)),
            waits=settings.waits,
        )

    def turn(self, domain: str) -> "_HeldTurn":
        """Wait for a turn at this host and hold it. Raises :class:`Held` where that would take long."""
        return _HeldTurn(self, domain)

    async def take(self, domain: str) -> Host:
        """What :meth:`turn` begins with; the host is to be given back."""
        host = self._table[domain]
        page = _PAGE.get()
        asked = time.monotonic()
        await self._turn_of(host, patient=page is not None and not page.has_begun)
        (FIRST_WAITS if page is None else PAGE_WAITS).observe(time.monotonic() - asked)
        if page is not None:
            page.has_begun = True
        return host

    def give_back(self, host: Host, seconds: float) -> None:
        """The turn is over; it took so long."""
        host.took(seconds)
        self._give_back(host)

    @contextmanager
    def place(self, domain: str) -> Iterator[None]:
        """A place among the pages of this host that are in memory. Raises :class:`Queued` where none is free."""
        host = self._table[domain]
        if reason := self._why_full(host):
            raise self._queued(host, reason)
        host.places += 1
        self._places += 1
        try:
            yield
        finally:
            host.places -= 1
            self._places -= 1

    def queued(self, domain: str) -> Queued:
        """For a page that is not to wait in memory any more: when to come again."""
        return self._queued(self._table[domain], "held")

    def put_off(self, domain: str, seconds: float) -> None:
        """An entry of this host waits for something else than its turn, at least for so long, in a retry topic."""
        host = self._table[domain]
        now = time.monotonic()
        tier = next((wait for wait in sorted(self._waits.values()) if wait >= seconds), max(self._waits.values()))
        self._backlog(host).put_off(now, tier)
        self._note(host, is_news=host.said_queued == 0)

    def close(self) -> None:
        """Give no further turns: whoever waits for one, or comes, gets :class:`Held`."""
        self._is_closed = True
        for host in self._table:
            _send_away(host, 0.0)

    def open(self) -> None:
        """Give turns again."""
        self._is_closed = False

    def forget(self) -> None:
        """All hosts are somebody else's now; whoever waits for one gets :class:`Held`."""
        for host in self._table:
            _send_away(host, 0.0)
        self._table.forget()

    def restore(self, states: Iterable[HostState], *, delay_first: bool = True) -> None:
        """Go on from what was kept. With ``delay_first`` each host, known or not, is left alone for its delay first."""
        self._table.restore(states, delay_first=delay_first)

    def hold(self, domain: str, seconds: float) -> None:
        """Start no further request at this host for that long."""
        host = self._table[domain]
        if not host.hold(seconds):
            return
        self._note(host, is_news=True)
        self._table.measure()
        if seconds > LONGEST_WAIT_SECONDS:
            _send_away(host, seconds)

    def set_delay(self, domain: str, seconds: float) -> None:
        """What robots.txt asks for as the time between two starts. It is never less than ours, nor beyond the limit."""
        if self._table.set_delay(domain, seconds):
            host = self._table[domain]
            self._note(host, is_news=True)
            self._pump(host)

    def answered(self, domain: str, status: int) -> None:
        """This host answered a request with this status."""
        self.uplink.answered()
        host = self._table[domain]
        wait = host.answered(status)
        self._note(host)
        if wait:
            self.hold(domain, wait)

    def failed(self, domain: str, why: FetchError) -> None:
        """A request to this host came to nothing."""
        host = self._table[domain]
        if why.reason in SILENCES and host.has_answered:
            self.uplink.failed(domain)
        host.failed(str(why))
        self._note(host)

    def changed(self) -> list[HostState]:
        """What is new of hosts since last asked. What only counts requests is said once a minute for each host."""
        return self._table.changed()

    def __len__(self) -> int:
        return len(self._table)

    async def _turn_of(self, host: Host, *, patient: bool) -> None:
        self._check(host, patient=patient)
        turn: Turn = asyncio.get_running_loop().create_future()
        line = host.line(patient=patient)
        line.append(turn)
        self._pump(host)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(host)
            else:
                with suppress(ValueError):
                    line.remove(turn)
            raise

    def _check(self, host: Host, *, patient: bool) -> None:
        """Whether waiting makes sense. Pages were counted where they took their place."""
        held = host.held()
        if self._is_closed or held > LONGEST_WAIT_SECONDS:
            raise Held(max(held, 0.0))
        ahead = len(host.first) if host.first else 0
        if not patient and ahead and (wait := self._wait(host, ahead)) > LONGEST_WAIT_SECONDS:
            raise Held(wait)

    def _give_back(self, host: Host) -> None:
        """Who is next starts a moment later, so that what the answer said of the host counts already."""
        host.running -= 1
        self._free += 1
        asyncio.get_running_loop().call_soon(self._after, host)

    def _after(self, host: Host) -> None:
        self._pump(host)
        while self._free and self._line:
            waiting = self._line.popleft()
            waiting.is_in_line = False
            self._pump(waiting, most=1)

    def _pump(self, host: Host, most: int | None = None) -> None:
        """Start whatever may start at this host: ``most`` of it when the turns of all hosts are scarce."""
        while host.is_wanted and host.running < self._concurrency and not host.is_in_line:
            wait = self._starts_at(host) - time.monotonic()
            if wait > 0:
                self._wake(host, wait)
            elif most == 0 or not self._free or (most is None and self._line):
                host.is_in_line = True
                self._line.append(host)
            else:
                most = None if most is None else most - 1
                self._start(host)
                continue
            return

    def _start(self, host: Host) -> None:
        turn = host.next_turn()
        if turn is not None and not turn.done():
            host.started()
            self._free -= 1
            turn.set_result(None)

    def _wake(self, host: Host, seconds: float) -> None:
        """Look again when the next request may start. A look that comes too early finds out that it has to wait."""
        if host.timer is None:
            host.timer = asyncio.get_running_loop().call_later(seconds, self._woken, host)

    def _woken(self, host: Host) -> None:
        host.timer = None
        self._pump(host)

    def _starts_at(self, host: Host) -> float:
        return max(host.last_start + self._table.delay(host), host.held_until)

    def _pace(self, host: Host) -> float:
        """Seconds that each further request takes."""
        return max(self._table.delay(host), (host.turn_seconds or UNKNOWN_TURN_SECONDS) / self._concurrency)

    def _wait(self, host: Host, ahead: int) -> float:
        return max(self._starts_at(host) - time.monotonic(), 0.0) + ahead * self._pace(host)

    def _why_full(self, host: Host) -> str:
        if self._is_closed:
            return "closed"
        if host.held() > LONGEST_WAIT_SECONDS:
            return "held"
        wait = self._wait(host, host.places)
        if wait > self._patience:
            return "slow"
        is_quick = wait <= QUICK_SECONDS and (host.turn_seconds or host.places < self._queue)
        return "" if is_quick or host.places < min(self._queue, max(self._room - self._places, 1)) else "full"

    def _queued(self, host: Host, reason: str) -> Queued:
        QUEUED.labels(reason).inc()
        if self._is_closed:
            return Queued(host.domain, 0.0, 0.0)
        first = self._wait(host, host.places)
        seconds = self._backlog(host).add(time.monotonic(), first, self._pace(host), self._comes_back)
        self._note(host, is_news=host.said_queued == 0)
        return Queued(host.domain, seconds, self._back(seconds))

    def _backlog(self, host: Host) -> Backlog:
        if host.backlog is None:
            host.backlog = Backlog()
        return host.backlog

    def _back(self, seconds: float) -> float:
        """When to look again at an entry whose turn is in so many seconds."""
        early = self._waits[Tier.SHORT] * (PATIENCE_SHARE - 1)
        return max(seconds - min(early, seconds / 2), LEAST_WAIT_SECONDS)

    def _comes_back(self, seconds: float) -> float:
        return queue_wait(self._back(seconds), self._waits)[1]

    def _note(self, host: Host, *, is_news: bool = False) -> None:
        if not self._is_closed:
            self._table.note(host, is_news=is_news)


def _send_away(host: Host, seconds: float) -> None:
    while (turn := host.next_turn()) is not None:
        if not turn.done():
            turn.set_exception(Held(seconds))
