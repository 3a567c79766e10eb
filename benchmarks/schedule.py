"""Polls on time, and news soon: the schedule and the intervals of the fetcher with a clock of their own.

``.venv/bin/python -m benchmarks.schedule [--feeds N] [--hours H] [--slots S]``

Made-up feeds publish at rates that are spread log-normally, by day more than by night; one host has a fortieth of them.
No request is made: a poll takes its time on the clock of the simulation, and two polls of a host start half a second
apart. Fixed intervals are measured beside: a quarter of an hour, and as many requests as the adaptive intervals made.
"""

import argparse
import array
import heapq
import itertools
import math
import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from copydesk_fetcher.intervals import Bounds, Hints, first_interval, followed, next_poll
from copydesk_fetcher.schedule import Schedule
from copydesk_shared.messages import Feed, FeedState

START = datetime(2026, 11, 22, tzinfo=UTC)
BOUNDS = Bounds()
DAY = 86_400.0
ENTRIES_A_DAY = 3.0
SPREAD = 1.7
DAY_AND_NIGHT = 0.8
ENTRIES_IN_FEED = 30
TICK = 0.25
POLL_SECONDS = 0.3
HOST_DELAY = 0.5
BIG_HOST_SHARE = 40
QUARTER_OF_AN_HOUR = 900


@dataclass(slots=True)
class Simulated:
    """A feed: how much it publishes, and what the fetcher would remember of it. Times are seconds from the start."""

    feed_id: str
    host: str
    rate: float
    phase: float
    interval: float
    polled_at: float = 0.0
    due_at: float = 0.0
    asked_at: float = 0.0

    def expected(self, until: float) -> float:
        """Entries published from the last poll until then, on average."""
        turn = 2 * math.pi / DAY
        waves = math.cos(turn * self.polled_at + self.phase) - math.cos(turn * until + self.phase)
        return self.rate * (until - self.polled_at + DAY_AND_NIGHT * waves / turn)


@dataclass(slots=True)
class Measured:
    """Seconds from due to polled, and from published to polled."""

    lateness: "array.array[float]" = field(default_factory=lambda: array.array("f"))
    delays: "array.array[float]" = field(default_factory=lambda: array.array("f"))
    seconds: float = 0.0


def made_up(count: int, rng: random.Random, fixed: float | None) -> list[Simulated]:
    """Feeds with the interval that their first poll would give them."""
    feeds = []
    for number in range(count):
        a_day = min(rng.lognormvariate(math.log(ENTRIES_A_DAY), SPREAD), 2000.0)
        rate = a_day / DAY
        ages = itertools.accumulate(rng.expovariate(rate) for _ in range(ENTRIES_IN_FEED))
        dates = [START - timedelta(seconds=min(age, 3600 * DAY)) for age in ages]
        host = "big" if number % BIG_HOST_SHARE == 0 else f"host{number // 3}"
        interval = fixed or first_interval(dates, QUARTER_OF_AN_HOUR, BOUNDS, START)
        feeds.append(Simulated(f"feed{number:06}", host, rate, rng.uniform(0, 2 * math.pi), interval))
    return feeds


def poisson(mean: float, rng: random.Random) -> int:
    """How many, where so many are expected."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-mean), 0
    chance = rng.random()
    while chance > left:
        chance *= rng.random()
        count += 1
    return count


class Simulation:
    """One fetcher with so many slots, and its feeds. Nothing is measured while it warms up."""

    def __init__(self, feeds: Sequence[Simulated], slots: int, rng: random.Random, *, adapts: bool) -> None:
        self._feeds = {feed.feed_id: feed for feed in feeds}
        self._rng = rng
        self._slots = slots
        self._schedule = Schedule()
        self._running: list[tuple[float, str]] = []
        self._free_at: dict[str, float] = {}
        self._feed = Feed(feed_id="", url="https://news.example/", name="", adapts=adapts)
        for feed in feeds:
            # They have run for a while: each is somewhere in its interval.
            self._set(feed, rng.uniform(0, feed.interval))

    def run(self, warm_up: float, seconds: float) -> Measured:
        """Go on for that long, and measure after the warm-up."""
        measured = Measured(seconds=seconds)
        for now in _ticks(warm_up + seconds):
            while self._running and self._running[0][0] <= now:
                self._finish(self._feeds[heapq.heappop(self._running)[1]], measured, now >= warm_up)
            free = self._slots - len(self._running)
            if free > 0:
                for feed_id in self._schedule.take(START + timedelta(seconds=now), free):
                    self._begin(self._feeds[feed_id], now)
        return measured

    def _begin(self, feed: Simulated, now: float) -> None:
        at = max(now, self._free_at.get(feed.host, 0.0))
        self._free_at[feed.host] = at + HOST_DELAY
        feed.asked_at = at
        heapq.heappush(self._running, (at + POLL_SECONDS * self._rng.uniform(0.3, 1.7), feed.feed_id))

    def _finish(self, feed: Simulated, measured: Measured, counts: bool) -> None:
        at = feed.asked_at
        elapsed = at - feed.polled_at
        new = poisson(max(feed.expected(at), 0.0), self._rng)
        if counts:
            measured.lateness.append(at - feed.due_at)
            measured.delays.extend(self._rng.uniform(0, elapsed) for _ in range(new))
        if self._feed.adapts:
            feed.interval = followed(feed.interval, QUARTER_OF_AN_HOUR, elapsed, new, ENTRIES_IN_FEED, BOUNDS)
        feed.polled_at = at
        self._set(feed, None)

    def _set(self, feed: Simulated, due_at: float | None) -> None:
        if due_at is None:
            now = START + timedelta(seconds=feed.polled_at)
            state = FeedState.model_construct(feed_id=feed.feed_id, next_poll_at=now, interval_seconds=feed.interval)
            definition = (
                self._feed if self._feed.adapts else self._feed.model_copy(update={"interval_seconds": feed.interval})
            )
            at, _ = next_poll(definition, state, Hints(), BOUNDS, now, self._rng.random())
            due_at = (at - START).total_seconds()
        else:
            feed.polled_at = due_at - feed.interval
        feed.due_at = due_at
        self._schedule.set(feed.feed_id, START + timedelta(seconds=due_at), feed.host)


def _ticks(seconds: float) -> Iterator[float]:
    return (number * TICK for number in range(int(seconds / TICK)))


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)] if ordered else math.nan


def report(name: str, measured: Measured, started: float) -> None:
    mean = sum(measured.delays) / max(len(measured.delays), 1)
    print(
        f"{name:34} {len(measured.lateness) / measured.seconds:8.2f} {share(measured.lateness, 0.5):8.2f}"
        f" {share(measured.lateness, 0.99):8.2f} {mean / 60:9.1f} {share(measured.delays, 0.5) / 60:8.1f}"
        f" {share(measured.delays, 0.99) / 60:8.1f} {time.process_time() - started:8.0f}"
    )


def measure(name: str, args: argparse.Namespace, fixed: float | None = None, slots: int | None = None) -> Measured:
    """Simulate feeds with adaptive intervals, or with this one for all."""
    rng = random.Random(7)
    started = time.process_time()
    feeds = made_up(args.feeds, rng, fixed)
    simulation = Simulation(feeds, slots or args.slots, rng, adapts=fixed is None)
    # A fixed interval has nothing to learn, and its delays do not depend on the time of the day.
    warm_up, hours = (args.hours / 2, args.hours) if fixed is None else (0.5, min(args.hours, 2 * fixed / 3600 + 1))
    measured = simulation.run(warm_up * 3600, hours * 3600)
    report(name, measured, started)
    return measured


def memory(count: int) -> float:
    """Bytes of the schedule for each feed, its id and its host's name not counted."""
    names = [(f"feed{number:06}", f"host{number // 3}") for number in range(count)]
    times = [START + timedelta(seconds=number % 21_600, microseconds=number) for number in range(count)]
    tracemalloc.start()
    schedule = Schedule()
    for (feed_id, host), at in zip(names, times, strict=True):
        schedule.set(feed_id, at, host)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / len(schedule)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=200_000, help="how many (default 200000)")
    parser.add_argument("--hours", type=float, default=24.0, help="hours to measure, after half as many (default 24)")
    parser.add_argument("--slots", type=int, default=32, help="polls at a time (default 32)")
    args = parser.parse_args()
    print(f"{args.feeds} feeds, {args.slots} slots; schedule: {memory(args.feeds):.0f} bytes a feed")
    print(f"{'':34} {'':>8} {'late, seconds':>17} {'news after, minutes':>27}")
    print(f"{'':34} {'polls/s':>8} {'p50':>8} {'p99':>8} {'mean':>9} {'p50':>8} {'p99':>8} {'CPU s':>8}")
    adaptive = measure("adaptive", args)
    same = args.feeds * adaptive.seconds / len(adaptive.lateness)
    measure(f"fixed {same / 60:.0f} min, as many requests", args, same)
    enough = math.ceil(args.feeds / QUARTER_OF_AN_HOUR * POLL_SECONDS * 2)
    measure("fixed 15 min, slots as needed", args, QUARTER_OF_AN_HOUR, max(enough, args.slots))


if __name__ == "__main__":
    main()
