"""Who goes when there are too many, or too much is held for them."""

import asyncio
from dataclasses import dataclass, field

from copydesk_standalone.broker.crowd import LARGE, SPARE_AFTER_S, Crowd, Memory


@dataclass(eq=False)
class Someone:
    """A connection as the crowd sees it; ``ended`` says why it was."""

    address: str = "127.0.0.1"
    held: int = 0
    waiting_since: float | None = None
    working_since: float | None = None
    is_stalled: bool = False
    ended: list[str] = field(default_factory=list)

    def close(self, reason: str) -> None:
        self.ended.append(reason)

    def abort(self, reason: str) -> None:
        self.ended.append(reason)


def now() -> float:
    return asyncio.get_running_loop().time()


def crowd_of(*clients: Someone, limit: int = 1 << 30, per_address: int = 100) -> Crowd:
    crowd = Crowd(Memory(limit), len(clients), per_address)
    for client in clients:
        assert crowd.admit(client) is None
    return crowd


async def test_who_owes_something_the_longest_makes_room() -> None:
    idle = Someone(waiting_since=now() - 5 * SPARE_AFTER_S)
    slower, slow = (Someone(waiting_since=now() - s, is_stalled=True) for s in (3, 2))
    assert crowd_of(idle, slow, slower).admit(Someone()) is None
    assert (len(slower.ended), len(slow.ended), len(idle.ended)) == (1, 0, 0)


async def test_then_the_one_that_was_not_used_for_long() -> None:
    spare, spared = (Someone(waiting_since=now() - s * SPARE_AFTER_S) for s in (3, 2))
    assert crowd_of(spared, spare, Someone()).admit(Someone()) is None
    assert spare.ended
    assert not spared.ended


async def test_without_any_the_newcomer_is_refused() -> None:
    just_idle = Someone(waiting_since=now() - SPARE_AFTER_S / 2)
    working = Someone(working_since=now() - 1_000)
    newcomer = Someone()
    crowd = crowd_of(just_idle, working)
    assert crowd.admit(newcomer) == "there are 2 connections already"
    assert newcomer not in set(crowd)
    assert not just_idle.ended + working.ended
    crowd.leave(working)
    assert crowd.admit(newcomer) is None


async def test_an_address_has_places_of_its_own() -> None:
    mine = Someone(address="127.0.0.2", waiting_since=now(), is_stalled=True)
    others = [Someone(waiting_since=now() - 100, is_stalled=True) for _ in range(3)]
    crowd = Crowd(Memory(1), 100, 1)
    assert crowd.admit(mine) is None
    assert crowd.admit(others[0]) is None
    assert crowd.admit(Someone(address="127.0.0.2")) is None
    assert mine.ended
    assert not others[0].ended
    refused = crowd.admit(Someone(address="127.0.0.2"))
    assert refused == "there are 1 connections from there already"


async def test_memory_is_taken_from_who_owes_something() -> None:
    reader = Someone(waiting_since=now() - 2, is_stalled=True)
    older = Someone(waiting_since=now() - 3, is_stalled=True)
    busy = Someone(working_since=now() - 9)
    crowd = crowd_of(reader, older, busy, limit=1_000_000)
    crowd.hold(reader, 400_000)
    crowd.hold(busy, 400_000)
    assert not reader.ended
    crowd.hold(busy, 700_000)
    # The older one holds nothing: that it goes would not help.
    assert (len(reader.ended), len(older.ended), len(busy.ended)) == (1, 0, 0)


async def test_then_from_the_large_request_that_waits_the_longest() -> None:
    large, larger = Someone(working_since=now() - 9), Someone(working_since=now() - 1)
    small = Someone(working_since=now() - 99)
    crowd = crowd_of(large, larger, small, limit=4 * LARGE)
    for client, amount in ((small, LARGE), (large, 2 * LARGE), (larger, 3 * LARGE)):
        crowd.hold(client, amount)
    assert (len(large.ended), len(larger.ended), len(small.ended)) == (1, 0, 0)


async def test_who_is_in_the_middle_of_a_request_is_the_last_to_go() -> None:
    waiting, asking = Someone(working_since=now() - 9), Someone(waiting_since=now(), is_stalled=True)
    crowd = crowd_of(waiting, asking, limit=3 * LARGE)
    crowd.hold(waiting, 2 * LARGE)
    crowd.hold(asking, 2 * LARGE)
    assert (len(waiting.ended), len(asking.ended)) == (1, 0)
    crowd.hold(asking, 4 * LARGE)
    assert asking.ended


async def test_who_leaves_gives_back_what_was_held() -> None:
    memory = Memory(100)
    crowd = Crowd(memory, 10, 10)
    client = Someone()
    crowd.admit(client)
    crowd.hold(client, 60)
    assert (memory.held, memory.is_tight, memory.is_over) == (60, True, False)
    crowd.hold(client, 20)
    assert memory.held == 20
    crowd.leave(client)
    assert memory.held == 0


async def test_a_sweep_closes_what_is_not_used() -> None:
    idle, recent = Someone(waiting_since=now() - 11), Someone(waiting_since=now() - 9)
    working = Someone(working_since=now() - 1_000)
    crowd_of(idle, recent, working).sweep(10)
    assert (idle.ended, recent.ended, working.ended) == (["it was not used for 10 s"], [], [])


def test_answers_shrink_as_memory_fills_up() -> None:
    memory = Memory(256 << 20)
    shares = []
    for memory.held in (0, 128 << 20, 224 << 20, 256 << 20, 512 << 20):
        shares.append(memory.share(32 << 20) >> 20)
    assert shares == [32, 16, 4, 1, 1]
    assert memory.share(1_000) == 1_000
