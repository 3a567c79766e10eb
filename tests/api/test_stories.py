"""Articles that are nearly the same: one leads, and there is always one that does."""

from collections.abc import Callable

import pytest

from copydesk_api.filters import Filters
from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article
from tests.api.test_queries import listed

HASH = 0x5A5A_1234_9ABC_DEF1
LONG = "word " * 60


def told(article_id: str, bits: int = 0, minutes: int = 0, revision: int = 1, text: str = LONG) -> ClassifiedArticle:
    """An article whose hash differs from the others' in so many bits, one in each of the pieces in turn."""
    value = HASH
    for bit in range(bits):
        value ^= 1 << (bit % 4 * 16 + bit // 4)
    made = article(article_id, revision, f"{text}{bits} {revision}", minutes=minutes)
    return made.model_copy(update={"simhash": f"{value:016x}"})


def leads(store: Store) -> list[str]:
    return listed(store, Filters(only_leads=True, order="oldest"))


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_first_one_leads(store: Store, in_one_batch: bool) -> None:
    messages = [
        ("first", told("first", minutes=5)), ("wire", told("wire", 1)), ("other", told("other", 20, minutes=2)),
        ("again", told("again", 3)), ("far", told("far", 7, minutes=9)),
    ]  # fmt: skip
    for batch in [messages] if in_one_batch else [[each] for each in messages]:
        store.write(batch, {})
    assert leads(store) == ["other", "first", "far"]
    assert len(listed(store, Filters())) == 5


def test_short_texts_old_stories_and_texts_without_a_hash_stand_alone(store: Store) -> None:
    days = 24 * 60
    batch = [
        ("a", told("a")), ("late", told("late", minutes=4 * days)), ("short", told("short", text="brief ")),
        ("n1", article("n1", text=LONG)), ("n2", article("n2", text=LONG)),
        ("odd", told("odd").model_copy(update={"simhash": "no number"})),
    ]  # fmt: skip
    store.write([(article_id, each) for article_id, each in batch], {})
    assert sorted(leads(store)) == sorted(article_id for article_id, _ in batch)


def test_when_the_lead_is_gone_the_next_one_leads(store: Store) -> None:
    store.write([("a", told("a")), ("b", told("b", 1)), ("c", told("c", 2))], {})
    store.write([("a", None)], {})
    assert leads(store) == ["b"]
    store.write([("a", told("a", revision=2))], {})
    assert leads(store) == ["b"]
    store.write([("b", None), ("c", None)], {})
    assert leads(store) == ["a"]


def test_a_small_correction_changes_no_story_and_a_great_one_does(store: Store) -> None:
    store.write([("a", told("a")), ("b", told("b", 1)), ("c", told("c", 2))], {})
    store.write([("a", told("a", 2, revision=2))], {})
    assert leads(store) == ["a"]
    store.write([("a", told("a", 30, revision=3))], {})
    assert sorted(leads(store)) == ["a", "b"]
    store.write([("d", told("d", 29))], {})
    assert sorted(leads(store)) == ["a", "b"]
    store.write([("c", told("c", 30, revision=2))], {})
    assert sorted(leads(store)) == ["a", "b"]
    store.write([("a", None)], {})
    assert sorted(leads(store)) == ["b", "c"]


def test_a_rebuilt_store_tells_the_same_stories(open_store: Callable[[], Store]) -> None:
    store = open_store()
    store.write([("a", told("a")), ("b", told("b", 1)), ("c", told("c", 30))], {})
    before = leads(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE articles SET derived_position = NULL")
    assert store.catch_up(2) == 2
    assert store.catch_up(2) == 1
    assert store.catch_up(2) == 0
    assert leads(store) == before
