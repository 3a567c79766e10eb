from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.schedule import Schedule

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


ACTIONS = st.tuples(st.sampled_from(["set", "remove", "take"]), st.sampled_from("abcd"), st.integers(0, 5))


@given(st.lists(ACTIONS, max_size=60))
def test_it_agrees_with_a_plain_table(actions: list[tuple[str, str, int]]) -> None:
    schedule = Schedule()
    table: dict[str, int] = {}
    for action, name, number in actions:
        if action == "set":
            schedule.set(name, NOW + timedelta(seconds=number))
            table[name] = number
        elif action == "remove":
            schedule.remove([name])
            table.pop(name, None)
        else:
            due = {each for each, at in table.items() if at <= number}
            assert set(schedule.take(NOW + timedelta(seconds=number), 10)) == due
            table = {each: at for each, at in table.items() if each not in due}
    assert len(schedule) == len(table)
    assert schedule.next_at() == (NOW + timedelta(seconds=min(table.values())) if table else None)
