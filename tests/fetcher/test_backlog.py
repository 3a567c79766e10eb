"""The line of entries in retry topics, with a clock of its own."""

import heapq
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.backlog import LEAST_WAIT_SECONDS, Backlog
from copydesk_shared.retries import queue_wait
from copydesk_shared.topics import Tier

WAITS = {Tier.SHORT: 30.0, Tier.MEDIUM: 300.0, Tier.LONG: 3600.0}
MEMORY = 32


def comes_back(seconds: float) -> float:
    return queue_wait(seconds, WAITS)[1]


def test_turns_follow_one_another() -> None:
    backlog = Backlog()
    turns = [backlog.add(0, 16, 0.5, comes_back) for _ in range(3000)]
    assert all(earlier <= later for earlier, later in pairwise(turns))
    assert (turns[0], turns[-1]) == (16, 16 + 2999 * 0.5)
    assert backlog.size(0) == 3000
    assert backlog.size(3601) == 0


def test_who_comes_back_before_others_does_not_wait_behind_them() -> None:
    backlog = Backlog()
    for _ in range(3000):
        backlog.add(0, 16, 0.5, comes_back)
    assert backlog.add(31, 16, 0.5, comes_back) == 16


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 100), st.floats(0.001, 60)), max_size=60))
def test_its_size_and_its_list_stay_small(puts: list[tuple[float, float, float]]) -> None:
    backlog, now = Backlog(), 0.0
    for count, (pause, first, pace) in enumerate(puts, 1):
        now += pause
        assert backlog.add(now, first, pace, comes_back) >= LEAST_WAIT_SECONDS
        assert 1 <= backlog.size(now) <= count
    assert backlog.size(now + 3601) == 0


def _served(entries: int, pace: float) -> tuple[float, int]:
    """A host with a burst of entries: when the last is served, and how often entries were read."""
    backlog = Backlog()
    returns = [(0.0, number) for number in range(entries)]
    free_at, reads, waiting, served = 0.0, 0, 0, 0
    now = 0.0
    while served < entries:
        if returns and (not waiting or returns[0][0] <= free_at):
            now = max(now, heapq.heappop(returns)[0])
            reads += 1
            while waiting and free_at <= now:
                served, waiting, free_at = served + 1, waiting - 1, free_at + pace
            wait = max(free_at - now, 0) + waiting * pace
            if waiting < MEMORY and wait <= 20:
                waiting, free_at = waiting + 1, max(free_at, now)
            else:
                heapq.heappush(returns, (now + comes_back(backlog.add(now, wait, pace, comes_back)), reads))
        else:
            served, waiting, free_at = served + 1, waiting - 1, free_at + pace
    return free_at, reads


def test_a_burst_keeps_its_host_busy_and_is_not_read_over_and_over() -> None:
    for entries, pace in ((3000, 0.5), (3000, 0.05), (300, 10.0), (5, 60.0)):
        seconds, reads = _served(entries, pace)
        assert seconds <= 1.05 * entries * pace, (entries, pace, seconds)
        assert reads <= 6 * entries, (entries, pace, reads)


def test_its_list_is_short() -> None:
    backlog = Backlog()
    for number in range(20_000):
        backlog.add(number / 1000, 16, 0.5, comes_back)
    assert len(backlog._times) < 200
