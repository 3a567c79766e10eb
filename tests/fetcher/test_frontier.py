"""What the frontier keeps of hosts, whom it puts off, and what it makes of their answers."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from prometheus_client import REGISTRY

from copydesk_fetcher.host import BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS, TOUCHY_SECONDS, Host
from copydesk_fetcher.host_table import IDLE_HOSTS, SLOW_HOSTS, HostTable
from copydesk_fetcher.hosts import LONGEST_WAIT_SECONDS, Hosts, Queued, as_page
from copydesk_fetcher.responses import FetchReason, Held, Unreachable
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.uplink import DOMAINS_IN_A_ROW
from copydesk_shared.errors import DependencyDown
from copydesk_shared.messages import HostState

HOST = "a.example"


async def visit(hosts: Hosts, order: list[str], name: str, *, page: bool) -> None:
    if page:
        with hosts.place(HOST), as_page():
            async with hosts.turn(HOST):
                order.append(name)
    else:
        async with hosts.turn(HOST):
            order.append(name)


async def test_polls_go_before_the_pages_that_wait() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0.001, total=5)
    order: list[str] = []
    async with hosts.turn(HOST):
        pages = [asyncio.create_task(visit(hosts, order, f"page{number}", page=True)) for number in range(3)]
        await asyncio.sleep(0)
        poll = asyncio.create_task(visit(hosts, order, "poll", page=False))
        await asyncio.sleep(0)
    await asyncio.gather(poll, *pages)
    assert order == ["poll", "page0", "page1", "page2"]


async def test_a_redirect_of_a_page_does_not_wait_behind_the_other_pages() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0.001, total=5)
    order: list[str] = []

    async def redirected() -> None:
        with hosts.place(HOST), as_page():
            async with hosts.turn(HOST):
                order.append("first hop")
            async with hosts.turn(HOST):
                order.append("second hop")

    tasks = [asyncio.create_task(redirected())]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(visit(hosts, order, f"page{number}", page=True)) for number in range(3)]
    await asyncio.gather(*tasks)
    assert order == ["first hop", "second hop", "page0", "page1", "page2"]


async def test_of_many_pages_some_wait_and_the_others_are_told_when_to_come() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0.5, total=5, queue=4)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(hosts.place(HOST))
        waits = []
        for _ in range(100):
            with pytest.raises(Queued) as caught, hosts.place(HOST):
                raise AssertionError
            waits.append(caught.value.seconds)
        assert waits == sorted(waits)
        assert waits[0] == pytest.approx(2, abs=0.1)
        assert waits[-1] == pytest.approx(2 + 99 * 0.5, abs=0.1)
        assert hosts.changed()[0].queued == 104
        with hosts.place("b.example"):
            pass
    with hosts.place(HOST):
        pass


def take_all(hosts: Hosts, stack: ExitStack) -> tuple[int, Queued]:
    """Take places until there is none."""
    for places in count():
        try:
            stack.enter_context(hosts.place(HOST))
        except Queued as error:
            return places, error
    raise AssertionError


async def test_who_is_put_off_is_back_before_those_in_memory_have_had_their_turn() -> None:
    for queue, delay in ((1000, 0.2), (1000, 3), (20, 1), (4, 0.5)):
        hosts = Hosts(concurrency=2, delay_seconds=delay, total=5, queue=queue)
        with ExitStack() as stack:
            places, refusal = take_all(hosts, stack)
            assert hosts._comes_back(refusal.seconds) <= max(places * delay * 0.75, 1), (queue, delay)


async def test_hosts_that_are_not_known_to_be_slow_keep_their_few_entries_however_many_there_are() -> None:
    hosts = Hosts(concurrency=2, delay_seconds=0, total=5, room=100)
    with ExitStack() as stack:
        for number in range(1000):
            stack.enter_context(hosts.place(f"{number // 10}.example"))


async def test_nobody_waits_in_memory_for_a_host_with_a_long_delay() -> None:
    hosts = Hosts(concurrency=2, delay_seconds=0, total=5)
    hosts.set_delay(HOST, 50)
    await visit(hosts, [], "page", page=True)
    with pytest.raises(Queued) as caught, hosts.place(HOST):
        raise AssertionError
    assert caught.value.seconds == pytest.approx(50, abs=1)


async def test_however_many_hosts_are_slow_there_is_a_place_for_another() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=1, total=5, queue=32, room=100)
    with ExitStack() as stack:
        taken = {}
        for number in range(30):
            taken[number] = 0
            while True:
                try:
                    stack.enter_context(hosts.place(f"{number}.example"))
                except Queued:
                    break
                taken[number] += 1
        assert taken[0] == 32
        assert sum(taken.values()) <= 100 + 30 * 3
        assert all(taken.values())


async def test_a_crawl_delay_is_obeyed_within_limits_and_never_below_ours() -> None:
    hosts = Hosts(concurrency=5, delay_seconds=0.02, total=5, longest_delay_seconds=0.06)
    for asked, least in ((0.0, 0.02), (0.04, 0.04), (999.0, 0.06)):
        hosts.set_delay(HOST, asked)
        assert hosts._table.delay(hosts._table[HOST]) == least
        starts: list[float] = []
        for _ in range(3):
            async with hosts.turn(HOST):
                starts.append(time.monotonic())
        assert all(later - earlier >= least - 0.001 for earlier, later in pairwise(starts)), asked


async def test_after_a_host_changed_hands_its_first_request_waits_one_delay() -> None:
    for states in ([], [HostState(domain=HOST)]):
        hosts = Hosts(concurrency=5, delay_seconds=0.05, total=5)
        began = time.monotonic()
        hosts.restore(states)
        async with hosts.turn(HOST):
            assert time.monotonic() - began >= 0.049
    hosts = Hosts(concurrency=5, delay_seconds=0, total=5)
    began = time.monotonic()
    hosts.restore([HostState(domain=HOST, delay_seconds=0.05)])
    async with hosts.turn(HOST):
        assert time.monotonic() - began >= 0.049


async def test_a_hold_outlives_its_owner() -> None:
    first = Hosts(concurrency=1, delay_seconds=0, total=5)
    first.answered(HOST, 503)
    first.hold(HOST, 600)
    [state] = first.changed()
    assert state.held_until is not None
    assert timedelta(seconds=590) < state.held_until - datetime.now(UTC) <= timedelta(seconds=600)
    second = Hosts(concurrency=1, delay_seconds=0, total=5)
    second.restore([HostState.model_validate_json(state.model_dump_json())])
    with pytest.raises(Held) as caught:
        await visit(second, [], "poll", page=False)
    assert caught.value.seconds == pytest.approx(600, abs=10)
    with pytest.raises(Queued):
        await visit(second, [], "page", page=True)


async def test_who_waits_is_sent_away_when_the_host_wants_to_be_left_alone() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5)
    async with hosts.turn(HOST):
        waiting = [asyncio.create_task(visit(hosts, [], "", page=page)) for page in (True, False)]
        await asyncio.sleep(0)
        hosts.hold(HOST, LONGEST_WAIT_SECONDS * 2)
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in results] == [Held, Held]


async def test_partitions_that_go_take_their_hosts_along() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5)
    hosts.set_delay("slow.example", 30)
    hosts.hold(HOST, 100)
    async with hosts.turn("busy.example"):
        waiting = asyncio.create_task(visit(hosts, [], "", page=False))
        hosts.close()
        hosts.forget()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], Held)
        assert hosts.changed() == []
        with pytest.raises(Held):
            await visit(hosts, [], "", page=False)
        hosts.restore([])
        hosts.open()
        await visit(hosts, [], "", page=False)
        still = asyncio.create_task(hosts.turn("busy.example").__aenter__())
        await asyncio.sleep(0.01)
        assert not still.done(), "the request from before still counts"
    await still


def answers(host: Host, *statuses: int) -> list[float]:
    holds = []
    for status in statuses:
        holds.append(host.answered(status))
        host.held_until = 0
    return holds


def test_a_host_that_says_429_again_and_again_is_left_alone_ever_longer() -> None:
    host = Host(HOST, 0)
    assert answers(host, 200, 429, 429, 503, 429) == [0, 0, *(BACK_OFF_SECONDS * 2**n for n in (1, 2, 3))]
    assert max(answers(host, *[429] * 20)) == LONGEST_BACK_OFF_SECONDS
    assert answers(host, 500, 429)[1] == LONGEST_BACK_OFF_SECONDS
    assert answers(host, 200, 429, 429) == [0, 0, BACK_OFF_SECONDS * 2]


def test_answers_to_requests_that_ran_side_by_side_count_once() -> None:
    host = Host(HOST, 0)
    host.answered(429)
    host.hold(10)
    assert [host.answered(429) for _ in range(5)] == [0] * 5


def test_a_host_that_begins_to_forbid_is_asked_more_slowly() -> None:
    host = Host(HOST, 0)
    answers(host, 403, 403)
    assert host.delay(0.5) == 1.0, "the first answer may be what it always says"
    host = Host(HOST, 0)
    answers(host, 200, 403)
    assert (host.delay(0.5), host.delay(3.0), host.held_until) == (1.0, 3.0, 0)
    answers(host, *[403] * 10)
    assert host.delay(0.5) == 16.0
    answers(host, 404, 200, 200, 200, 200)
    assert host.delay(0.5) == 0.5


async def test_operators_see_what_is_new_once() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0.001, total=5)
    for status in (200, 200, 404):
        async with hosts.turn(HOST):
            pass
        hosts.answered(HOST, status)
    [state] = hosts.changed()
    assert (state.domain, state.requests, state.last_status, state.last_error) == (HOST, 3, 404, None)
    assert state.last_request_at is not None
    assert state.delay_seconds == 0.001
    assert hosts.changed() == []
    hosts.answered(HOST, 404)
    assert hosts.changed() == [], "one more of the same can wait"
    hosts.failed(HOST, Unreachable("no route", FetchReason.CONNECT))
    [state] = hosts.changed()
    assert (state.requests, state.last_status, state.last_error) == (5, None, "no route")


async def test_requests_are_counted_on_by_the_next_owner_and_after_a_sweep() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5)
    hosts.restore([HostState(domain=HOST, requests=41, last_status=200)], delay_first=False)
    hosts.changed()
    hosts.answered(HOST, 200)
    assert [state.requests for state in hosts.changed()] == [42]
    table = hosts._table
    table._sweep()
    assert len(hosts) == 0
    hosts.answered(HOST, 200)
    assert [state.requests for state in hosts.changed()] == [43]


async def test_what_was_not_said_yet_is_not_swept() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5)
    hosts.changed()
    hosts.answered(HOST, 200)
    hosts._table._sweep()
    assert len(hosts.changed()) == 1
    hosts._table._sweep()
    assert len(hosts) == 0


def test_hosts_that_are_in_a_mood_are_kept_for_a_while() -> None:
    host = Host(HOST, last_start=0)
    answers(host, 200, 403)
    assert not host.is_idle(TOUCHY_SECONDS - 1, 0)
    assert host.is_idle(TOUCHY_SECONDS, 0)


def test_what_is_kept_of_idle_hosts_is_bounded() -> None:
    table = HostTable(0, 60)
    idle = (HostState(domain=f"{n}.example", requests=1, last_status=200) for n in range(IDLE_HOSTS + 50))
    table.restore(idle, delay_first=False)
    for number in range(SLOW_HOSTS + 50):
        table.set_delay(f"{number}.example", 5)
    assert (len(table._idle), len(table._delays), len(table)) == (IDLE_HOSTS, SLOW_HOSTS, 0)


async def test_a_delay_that_was_kept_is_not_kept_for_ever() -> None:
    hosts = Hosts(concurrency=5, delay_seconds=0.01, total=5)
    hosts.restore([HostState(domain=HOST, delay_seconds=0.1)])
    began = time.monotonic()
    async with hosts.turn(HOST):
        assert time.monotonic() - began >= 0.099
    hosts.answered(HOST, 200)
    assert [state.delay_seconds for state in hosts.changed()] == [0.01]


async def test_sites_that_used_to_answer_tell_whether_the_network_is_away() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5)
    names = [f"{number}.example" for number in range(DOMAINS_IN_A_ROW)]
    for name in names:
        hosts.failed(name, Unreachable("", FetchReason.DNS))
    hosts.uplink.check()
    hosts.restore([HostState(domain=name, requests=1, last_status=200) for name in names], delay_first=False)
    hosts.forget()
    hosts.restore([HostState(domain=name, requests=1, last_status=200) for name in names], delay_first=False)
    for name in names:
        hosts.failed(name, Unreachable("", FetchReason.BROKEN_OFF))
    hosts.uplink.check()
    for name in names:
        hosts.failed(name, Unreachable("", FetchReason.CONNECT))
    with pytest.raises(DependencyDown):
        hosts.uplink.check()
    hosts.answered("other.example", 500)
    hosts.uplink.check()


async def test_cancelled_waits_leave_nothing_behind() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=1)
    async with hosts.turn(HOST):
        waiting = [asyncio.create_task(visit(hosts, [], "", page=bool(n % 2))) for n in range(10)]
        waiting += [asyncio.create_task(hosts.turn(f"{n}.example").__aenter__()) for n in range(3)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        host = hosts._table[HOST]
        assert (host.is_wanted, host.places) == (False, 0)
    async with asyncio.timeout(60):
        for name in (HOST, "1.example", HOST):
            async with hosts.turn(name):
                pass
    assert hosts._free == 1


async def test_scarce_turns_go_round_the_hosts() -> None:
    hosts = Hosts(concurrency=9, delay_seconds=0, total=1)
    order: list[str] = []

    async def one(name: str) -> None:
        async with hosts.turn(name):
            order.append(name)

    async with hosts.turn("first.example"):
        tasks = [asyncio.create_task(one(name)) for name in ("a", "a", "a", "b", "c")]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c", "a", "a"]


def test_the_settings_are_what_it_goes_by() -> None:
    settings = FetcherSettings(per_host_delay_seconds=7, host_queue=3, max_in_flight=100, retry_short_seconds=11)
    hosts = Hosts.of(settings)
    assert (hosts._queue, hosts._room, hosts._comes_back(20)) == (3, 75, 11)
    assert hosts._table.delay(Host(HOST, 0)) == 7


async def test_numbers_have_no_names_of_hosts() -> None:
    hosts = Hosts(concurrency=1, delay_seconds=0, total=5, queue=1)
    before = REGISTRY.get_sample_value("copydesk_host_queued_total", {"reason": "full"}) or 0
    with hosts.place(HOST), pytest.raises(Queued), hosts.place(HOST):
        raise AssertionError
    hosts.hold(HOST, 100)
    assert REGISTRY.get_sample_value("copydesk_host_queued_total", {"reason": "full"}) == before + 1
    assert REGISTRY.get_sample_value("copydesk_hosts_held") == 1
