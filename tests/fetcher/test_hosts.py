import asyncio
import time
from itertools import pairwise

import pytest

from copydesk_fetcher.backlog import Backlog
from copydesk_fetcher.host_table import SWEEP_ABOVE
from copydesk_fetcher.hosts import LONGEST_WAIT_SECONDS, Hosts, Queued
from copydesk_fetcher.responses import Held


async def test_a_domain_gets_no_more_turns_at_a_time_than_its_limit() -> None:
    hosts = Hosts(concurrency=2, delay_seconds=0, total=10)
    running = 0
    most = 0

    async def visit() -> None:
        nonlocal running, most
        async with hosts.turn("a.example"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1

    await asyncio.gather(*(visit() for _ in range(9)))
    assert most == 2


async def test_starts_at_a_domain_are_apart() -> None:
    hosts = Hosts(concurrency=5, delay_seconds=0.05, total=10)
    starts: list[float] = []

    async def visit() -> None:
        async with hosts.turn("a.example"):
            starts.append(time.monotonic())

    await asyncio.gather(*(visit() for _ in range(4)))
    assert all(later - earlier >= 0.049 for earlier, later in pairwise(starts))


async def test_a_slow_domain_does_not_hold_up_another_one() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=2)
    release = asyncio.Event()

    async def slow() -> None:
        async with hosts.turn("slow.example"):
            await release.wait()

    waiting = [asyncio.create_task(slow()) for _ in range(5)]
    await asyncio.sleep(0)
    async with asyncio.timeout(60), hosts.turn("fast.example"):
        assert not any(task.done() for task in waiting)
    release.set()
    await asyncio.gather(*waiting)


async def test_the_total_holds_over_all_domains() -> None:
    hosts = Hosts(concurrency=5, delay_seconds=0, total=3)
    running = 0
    most = 0

    async def visit(number: int) -> None:
        nonlocal running, most
        async with hosts.turn(f"{number}.example"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1

    await asyncio.gather(*(visit(number) for number in range(12)))
    assert most == 3


async def test_a_held_domain_starts_nothing_until_the_hold_is_over() -> None:
    hosts = Hosts(concurrency=2, delay_seconds=0, total=5)
    hosts.hold("a.example", 0.05)
    began = time.monotonic()
    async with hosts.turn("b.example"):
        pass
    async with hosts.turn("a.example"):
        assert time.monotonic() - began >= 0.049


async def test_a_cancelled_wait_gives_its_place_back() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=1)
    async with hosts.turn("a.example"):
        waiting = [asyncio.create_task(_visit(hosts, name)) for name in ("a.example", "b.example")]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(60):
        await _visit(hosts, "a.example")
        await _visit(hosts, "b.example")


async def _visit(hosts: Hosts, domain: str) -> None:
    async with hosts.turn(domain):
        pass


async def test_a_turn_that_fails_is_given_back() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=1)
    with pytest.raises(ZeroDivisionError):
        async with hosts.turn("a.example"):
            raise ZeroDivisionError
    async with asyncio.timeout(60):
        await _visit(hosts, "a.example")


async def test_idle_domains_are_forgotten() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=1)
    for number in range(SWEEP_ABOVE * 3):
        await _visit(hosts, f"{number}.example")
    assert len(hosts) <= SWEEP_ABOVE


async def test_nobody_waits_long_for_a_domain_that_wants_to_be_left_alone() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=2)
    hosts.hold("busy.example", LONGEST_WAIT_SECONDS + 60)

    async def visit() -> None:
        async with hosts.turn("busy.example"):
            raise AssertionError("it was asked")

    results = await asyncio.gather(*(visit() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [Held] * 5
    async with hosts.turn("other.example"):
        pass


async def test_once_closed_nobody_waits_any_more() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=600, total=2)
    release = asyncio.Event()

    async def visit() -> None:
        async with hosts.turn("slow.example"):
            await release.wait()

    tasks = [asyncio.create_task(visit()) for _ in range(4)]
    await asyncio.sleep(0.01)
    hosts.close()
    release.set()
    async with asyncio.timeout(60):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results] == [type(None), Held, Held, Held]


async def test_that_a_queue_is_empty_is_news() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=2, queue=1)
    with hosts.place("busy.example"):
        with pytest.raises(Queued), hosts.place("busy.example"):
            raise AssertionError
        assert [state.queued for state in hosts.changed()] == [2]
    assert hosts.changed() == [], "it is shorter: that has time"
    (host,) = hosts._table
    host.backlog = Backlog()
    assert [state.queued for state in hosts.changed()] == [0]
    assert hosts.changed() == []
