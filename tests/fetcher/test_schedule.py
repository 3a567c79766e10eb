from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.schedule import STALE_AT_LEAST, Schedule

from .samples import NOW


def test_what_is_due_is_taken_once_the_longest_overdue_first() -> None:
    schedule = Schedule()
    for name, seconds in (("late", 30), ("first", -20), ("second", -10)):
        schedule.set(name, NOW + timedelta(seconds=seconds))
    assert schedule.take(NOW, 10) == ["first", "second"]
    assert schedule.take(NOW, 10) == []
    assert schedule.next_at() == NOW + timedelta(seconds=30)


def test_setting_again_replaces() -> None:
    schedule = Schedule()
    schedule.set("a", NOW)
    schedule.set("a", NOW + timedelta(seconds=10))
    assert schedule.take(NOW, 10) == []
    schedule.set("a", NOW - timedelta(seconds=10))
    assert schedule.take(NOW, 10) == ["a"]
    assert schedule.next_at() is None


def test_no_more_than_the_limit_is_taken() -> None:
    schedule = Schedule()
    for number in range(5):
        schedule.set(str(number), NOW)
    assert len(schedule.take(NOW, 2)) == 2
    assert len(schedule) == 3


def test_a_host_of_thousands_of_feeds_leaves_places_for_the_others() -> None:
    schedule = Schedule(per_host=2)
    for number in range(3000):
        schedule.set(f"big{number:04}", NOW - timedelta(hours=1) + timedelta(seconds=number), "big.example")
    for number in range(3):
        schedule.set(f"small{number}", NOW, f"{number}.example")
    assert schedule.take(NOW, 16) == ["big0000", "big0001", "small0", "small1", "small2"]
    assert schedule.take(NOW, 16) == []
    assert schedule.next_at() is None, "nothing to wake up for while the host has no turn left"
    schedule.set("big0000", NOW + timedelta(hours=1), "big.example")
    assert schedule.take(NOW, 16) == ["big0002"]


def test_a_host_goes_on_when_the_feed_whose_turn_it_was_goes_away() -> None:
    schedule = Schedule(per_host=1)
    for name in "abcd":
        schedule.set(name, NOW, "one.example")
    assert schedule.take(NOW, 9) == ["a"]
    schedule.remove(["a"])
    schedule.remove(["b"])
    assert schedule.take(NOW, 9) == ["c"]
    schedule.set("c", NOW + timedelta(hours=1), "one.example")
    schedule.set("d", NOW + timedelta(hours=2), "two.example")
    assert schedule.next_at() == NOW + timedelta(hours=1)


def test_setting_the_same_feeds_again_and_again_takes_no_more_memory() -> None:
    schedule = Schedule()
    for number in range(20_000):
        schedule.set(str(number % 100), NOW + timedelta(seconds=number))
    assert len(schedule._heap) <= 2 * STALE_AT_LEAST + 2 * 100


ACTIONS = st.tuples(st.sampled_from(["set", "remove", "take", "tidy"]), st.sampled_from("abcdef"), st.integers(0, 5))
HOSTS = {"a": "one", "b": "one", "c": "one", "d": "two", "e": "two", "f": ""}


@given(st.lists(ACTIONS, max_size=80), st.integers(1, 2))
def test_it_agrees_with_a_plain_table(actions: list[tuple[str, str, int]], per_host: int) -> None:
    schedule = Schedule(per_host)
    table: dict[str, int] = {}
    busy: set[str] = set()
    for action, name, number in actions:
        if action == "set":
            schedule.set(name, NOW + timedelta(seconds=number), HOSTS[name])
            table[name] = number
            busy.discard(name)
        elif action == "remove":
            schedule.remove([name])
            table.pop(name, None)
            busy.discard(name)
        elif action == "tidy":
            schedule._stale = 10_000
            schedule._tidy()
        else:
            expected = turns(table, busy, number, per_host)
            assert schedule.take(NOW + timedelta(seconds=number), 10) == expected
            busy |= set(expected)
            table = {each: at for each, at in table.items() if each not in expected}
    assert len(schedule) == len(table)


def turns(table: dict[str, int], busy: set[str], now: int, per_host: int) -> list[str]:
    """Who is to be taken, worked out from scratch."""
    used = Counter(HOSTS[name] for name in busy)
    taken = []
    for _, name in sorted((at, name) for name, at in table.items() if at <= now):
        host = HOSTS[name]
        if not host or used[host] < per_host:
            used[host] += 1
            taken.append(name)
    return taken
