"""All hosts that there is something to say of, in little memory, and what is new of them."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from prometheus_client import Gauge

from copydesk_fetcher.host import Host
from copydesk_shared.messages import HostState

SWEEP_ABOVE = 1000
IDLE_HOSTS = 100_000
SLOW_HOSTS = 10_000
# How often what only counts requests is said anew.
SAY_AGAIN_SECONDS = 60.0

HOSTS = Gauge("copydesk_hosts", "Hosts that somebody uses or waits for, or that were used a moment ago.")
HELD_HOSTS = Gauge("copydesk_hosts_held", "Hosts that asked to be left alone for a while.")


class HostTable:
    """Hosts by domain. Of those that nobody uses it keeps the number of requests, and the delay where robots.txt has
    one. ``delay_seconds`` is ours, ``longest_delay_seconds`` the longest that a robots.txt may ask for.
    """

    def __init__(self, delay_seconds: float, longest_delay_seconds: float) -> None:
        self._delay = delay_seconds
        self._longest_delay = max(longest_delay_seconds, delay_seconds)
        self._hosts: dict[str, Host] = {}
        self._idle: dict[str, int] = {}
        self._delays: dict[str, float] = {}
        self._unsaid: dict[str, Host] = {}
        self._said_queued: dict[str, Host] = {}
        self._since = float("-inf")
        self._sweep_above = SWEEP_ABOVE
        self._is_asked = False

    def __len__(self) -> int:
        return len(self._hosts)

    def __iter__(self) -> Iterator[Host]:
        return iter(list(self._hosts.values()))

    def __getitem__(self, domain: str) -> Host:
        """The host of this domain, made when there is none."""
        host = self._hosts.get(domain)
        if host is None:
            if len(self._hosts) >= self._sweep_above:
                self._sweep()
            requests = self._idle.pop(domain, None)
            host = Host(domain, self._since, requests or 0, has_answered=requests is not None)
            self._hosts[domain] = host
        return host

    def delay(self, host: Host) -> float:
        """Seconds between two starts at this host."""
        return host.delay(self._wanted(host.domain))

    def set_delay(self, domain: str, seconds: float) -> bool:
        """What robots.txt asks for; whether that is new."""
        delay = max(self._delay, min(seconds, self._longest_delay))
        if delay == self._wanted(domain):
            return False
        self._delays.pop(domain, None)
        if delay > self._delay:
            if len(self._delays) >= SLOW_HOSTS:
                self._delays.pop(next(iter(self._delays)))
            self._delays[domain] = delay
        return True

    def note(self, host: Host, *, is_news: bool = False) -> None:
        """There is something to say of this host, and soon if that is news."""
        host.is_news = host.is_news or is_news
        self._unsaid[host.domain] = host

    def changed(self) -> list[HostState]:
        """What is new since last asked. What only counts is said once a minute for each host; that a queue that was
        told of is empty is new.
        """
        self._is_asked = True
        self.measure()
        now = time.monotonic()
        for host in self._said_queued.values():
            if not host.queued(now):
                self.note(host, is_news=True)
        due = [host for host in self._unsaid.values() if host.is_news or now - host.said_at >= SAY_AGAIN_SECONDS]
        for host in due:
            del self._unsaid[host.domain]
            self._said(host, now)
        return [host.state(self._wanted(host.domain)) for host in due]

    def _said(self, host: Host, now: float) -> None:
        host.is_news, host.said_at, host.said_queued = False, now, host.queued(now)
        if host.said_queued:
            self._said_queued[host.domain] = host
        else:
            self._said_queued.pop(host.domain, None)

    def restore(self, states: Iterable[HostState], *, delay_first: bool) -> None:
        """Go on from what was kept; with ``delay_first`` as if every host had been asked this moment.

        A delay that was kept counts for that first request only: what robots.txt says now is about to be heard, and our
        own may have been changed.
        """
        if delay_first:
            self._since = time.monotonic()
        for host in self._hosts.values():
            host.last_start = max(host.last_start, self._since)
        for state in states:
            self._restore(state)
        self.measure()

    def forget(self) -> None:
        """Keep only the turns that are held at this moment, so that they are counted until they are given back."""
        self._hosts = {name: host for name, host in self._hosts.items() if host.running or host.places}
        for table in (self._idle, self._delays, self._unsaid, self._said_queued):
            table.clear()
        self.measure()

    def measure(self) -> None:
        """Set the gauges."""
        now = time.monotonic()
        HOSTS.set(len(self._hosts))
        HELD_HOSTS.set(sum(host.held_until > now for host in self._hosts.values()))

    def _wanted(self, domain: str) -> float:
        return self._delays.get(domain, self._delay)

    def _restore(self, state: HostState) -> None:
        if state.last_status is not None:
            self._rest(state.domain, state.requests)
        longer = min(state.delay_seconds, self._longest_delay) - self._delay
        if longer > 0:
            self[state.domain].last_start = self._since + longer
        held = (state.held_until - datetime.now(UTC)).total_seconds() if state.held_until else 0.0
        if held > 0:
            host = self[state.domain]
            host.hold(held)
            host.requests, host.last_status, host.last_error = state.requests, state.last_status, state.last_error

    def _rest(self, domain: str, requests: int) -> None:
        if len(self._idle) >= IDLE_HOSTS:
            self._idle.pop(next(iter(self._idle)))
        self._idle[domain] = requests

    def _sweep(self) -> None:
        """Put away the hosts that nobody uses. Where many are used it is done more seldom: it looks at each of them."""
        now = time.monotonic()
        for host in list(self._hosts.values()):
            if not host.is_idle(now, self._wanted(host.domain)):
                continue
            if self._is_asked and host.said_queued:
                self.note(host, is_news=True)
            if self._is_asked and host.domain in self._unsaid:
                continue
            self._unsaid.pop(host.domain, None)
            del self._hosts[host.domain]
            if host.has_answered:
                self._rest(host.domain, host.requests)
        self._sweep_above = max(SWEEP_ABOVE, 2 * len(self._hosts))
