"""What an article was before, and what becomes of articles that grow old."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk_api import store as store_module
from copydesk_api import upkeep
from copydesk_api.bodies import ChangeList
from copydesk_api.store import Batch, History, Keep, Store
from copydesk_api.upkeep import keep_up
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.testing import service
from tests.api.samples import article


def texts(history: History) -> list[str]:
    return [ClassifiedArticle.model_validate_json(each.document).text for each in history.revisions]


def all_texts(store: Store, article_id: str) -> list[str]:
    return texts(store.revisions(article_id, 50))


def fetched(article_id: str, days_ago: float, revision: int = 1) -> ClassifiedArticle:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return article(article_id, revision, f"As of {revision}.").model_copy(update={"fetched_at": at, "published_at": at})


@pytest.fixture
def keeping(database: str, request: pytest.FixtureRequest) -> Callable[..., Store]:
    def opened(**keep: int) -> Store:
        store = Store.open(database, Keep(**keep))
        request.addfinalizer(store.close)
        return store

    return opened


def test_the_history_of_an_article(store: Store) -> None:
    store.write([("a", article("a", 1, "one")), ("b", article("b"))], {})
    assert all_texts(store, "a") == ["one"]
    store.write([("a", article("a", 2, "two"))], {})
    store.write([("a", article("a", 3, "two"))], {})  # only noted
    store.write([("a", article("a", 4, "four")), ("a", article("a", 5, "five"))], {})
    history = store.revisions("a", 10)
    assert texts(history) == ["five", "four", "two", "one"]
    assert [each.revision for each in history.revisions] == [5, 4, 2, 1]
    assert [each.position for each in history.revisions] == [5, 4, 3, 1]
    times = [each.at for each in history.revisions]
    assert times == sorted(times, reverse=True)
    assert all_texts(store, "b") == ["A short piece of copy."]
    assert store.revisions("nobody", 10) == History((), None)


def test_the_history_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        store.write([("a", article("a", number, f"text {number}"))], {})
    first = store.revisions("a", 2)
    second = store.revisions("a", 2, first.next)
    third = store.revisions("a", 2, second.next)
    assert [texts(each) for each in (first, second, third)] == [["text 5", "text 4"], ["text 3", "text 2"], ["text 1"]]
    assert third.next is None
    monkeypatch.setattr(store_module, "PAGE_BYTES", 100)
    assert len(store.revisions("a", 5).revisions) == 1


def test_a_tombstone_leaves_no_history(store: Store) -> None:
    store.write([("a", article("a", 1, "secret"))], {})
    store.write([("a", article("a", 2, "two")), ("a", None), ("a", article("a", 3, "three"))], {})
    store.write([("a", article("a", 4, "four"))], {})
    assert all_texts(store, "a") == ["four", "three"]
    store.write([("a", None)], {})
    assert all_texts(store, "a") == []


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_bounded_number_is_kept(keeping: Callable[..., Store], most: int) -> None:
    store = keeping(revisions=most)
    for number in range(1, 7):
        store.write([("a", article("a", number, f"text {number}"))], {})
    store.write([("b", article("b", number, f"text {number}")) for number in range(1, 7)], {})
    expected = [f"text {number}" for number in range(6, 5 - most, -1)]
    assert [all_texts(store, "a"), all_texts(store, "b")] == [expected, expected]


numbers = count()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(st.sampled_from(["new", "same", "gone"]), min_size=1, max_size=5), max_size=5))
def test_the_history_is_what_came_since_the_last_tombstone(store: Store, batches: list[list[str]]) -> None:
    article_id, revision, model = f"a{next(numbers)}", 0, list[str]()
    for batch in batches:
        messages: list[tuple[str, ClassifiedArticle | None]] = []
        for what in batch:
            revision += what == "new"
            if what == "gone":
                model.clear()
                messages.append((article_id, None))
            elif revision:
                came = f"text {revision}"
                known = [each for _, each in messages] or [None]
                if what == "new":
                    model.insert(0, came)
                elif not model or known[-1] is None:
                    continue
                messages.append((article_id, article(article_id, revision, came)))
        store.write(messages, {})
    assert all_texts(store, article_id) == model


def test_what_is_old_is_removed_in_batches(keeping: Callable[..., Store]) -> None:
    keeping().write([(f"a{days}", fetched(f"a{days}", days)) for days in range(6)], {0: 6})
    store = keeping(days=2)
    assert [store.expire(3), store.expire(3), store.expire(3)] == [3, 1, 0]
    changes = store.changes(0, 20)
    told = [(each.article_id, each.kind.value, each.reason) for each in changes]
    assert told[:2] == [("a0", "article", None), ("a1", "article", None)]
    assert set(told[2:5]) == {(f"a{days}", "tombstone", "expired") for days in (5, 4, 3)}
    assert told[5:] == [("a2", "tombstone", "expired")]
    gone = store.article("a5")
    assert gone is not None
    assert (gone.document, gone.reason) == (None, "expired")
    assert all_texts(store, "a5") == []
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("conflict", 2)]
    assert keeping().expire(10) == 0


def test_what_has_expired_does_not_come_back_by_an_old_message(keeping: Callable[..., Store]) -> None:
    old, fresh = fetched("a", 5), fetched("a", 0, revision=2)
    keeping().write([("a", old)], {0: 1})
    store = keeping(days=2)
    store.expire(10)
    store.write([("a", old), ("unknown", fetched("unknown", 9))], {0: 3})
    assert [each.article_id for each in store.changes(0, 9)] == ["a"]
    assert store.article("unknown") is None
    assert store.positions([0]) == {0: 3}
    store.write([("a", fresh)], {0: 4})
    assert all_texts(store, "a") == ["As of 2."]


def test_a_tombstone_says_why(client: httpx.Client, store: Store, keeping: Callable[..., Store]) -> None:
    store.write([("a", fetched("a", 5)), ("b", fetched("b", 0)), ("c", fetched("c", 0)), ("c", None)], {})
    keeping(days=2).expire(10)
    answer = client.get("/v1/changes")
    assert [(each.article_id, each.reason) for each in ChangeList.model_validate_json(answer.content).items] == [
        ("b", None), ("c", "deleted"), ("a", "expired"),
    ]  # fmt: skip


async def test_the_loop_removes_all_that_is_old(keeping: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    monkeypatch.setattr(upkeep, "BETWEEN_BATCHES_SECONDS", 0.0)
    batch: Batch = [(f"a{days}", fetched(f"a{days}", days)) for days in range(7)]
    keeping().write(batch, {})
    store, running = keeping(days=3), service()
    loop = asyncio.create_task(keep_up(store, running))
    async with asyncio.timeout(60):
        while len(store.changes(7, 20)) < 4:
            await asyncio.sleep(0.01)
    running.stopping.set()
    await asyncio.wait_for(loop, 60)
    assert {each.article_id for each in store.changes(0, 20) if each.document} == {"a0", "a1", "a2"}
