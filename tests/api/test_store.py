"""One suite for both databases."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from copydesk_api import store as store_module
from copydesk_api import writing
from copydesk_api.filters import Filters
from copydesk_api.planning import Kind
from copydesk_api.search import parse_terms
from copydesk_api.store import Store
from copydesk_shared.errors import Retryable
from copydesk_shared.messages import ClassifiedArticle, Source
from copydesk_shared.sink import Delivered
from tests.api.samples import COURIER, START, article

OpenStore = Callable[[], Store]


def ids(store: Store, **filters: object) -> list[str]:
    page = store.articles(Filters(**filters), None, 200)  # type: ignore[arg-type]
    return [ClassifiedArticle.model_validate_json(document).article_id for document in page.documents]


def search(store: Store, query: str) -> list[str]:
    return sorted(ids(store, terms=parse_terms(query)))


def feed(store: Store, after: int = 0, limit: int = 200) -> list[tuple[int, str, str, int]]:
    return [
        (change.position, change.kind.value, change.article_id, change.revision)
        for change in store.changes(after, limit)
    ]


def walk(store: Store, limit: int, **filters: object) -> Iterator[str]:
    wanted, key = Filters(**filters), None  # type: ignore[arg-type]
    while True:
        page = store.articles(wanted, key, limit)
        yield from (ClassifiedArticle.model_validate_json(document).article_id for document in page.documents)
        key = page.next
        if key is None:
            return


def test_what_goes_in_comes_out(store: Store) -> None:
    written = article("a", text="One line.\nAnother — with 'quotes' and ✈.", tags=("conflict", "aviation"))
    store.write([("a", written)], {0: 1})
    stored = store.article("a")
    assert stored is not None
    assert stored.document is not None
    assert ClassifiedArticle.model_validate_json(stored.document) == written
    assert store.article("b") is None


def test_redelivery_gives_no_second_change(store: Store) -> None:
    batch = [("a", article("a")), ("b", article("b")), ("a", article("a", 2, "new")), ("b", None)]
    store.write(batch, {0: 4})
    before = feed(store)
    store.write(batch, {0: 4})
    store.write(batch[:2], {0: 2})
    assert feed(store) == before
    assert before == [(3, "article", "a", 2), (4, "tombstone", "b", 1)]


def test_the_change_feed_shows_a_superseded_revision_only_once(store: Store) -> None:
    store.write([("a", article("a")), ("b", article("b"))], {})
    assert feed(store) == [(1, "article", "a", 1), (2, "article", "b", 1)]
    store.write([("a", article("a", 2, "second")), ("a", article("a", 3, "third"))], {})
    assert feed(store) == [(2, "article", "b", 1), (4, "article", "a", 3)]
    assert feed(store, after=2) == [(4, "article", "a", 3)]
    assert feed(store, after=4) == []


def test_a_revision_without_a_new_content_takes_no_position_and_changes_no_document(store: Store) -> None:
    store.write([("a", article("a"))], {})
    store.write([("a", article("a", 5))], {0: 9})
    store.write([("a", article("a", 4, "older than what was noted"))], {0: 10})
    assert feed(store) == [(1, "article", "a", 1)]
    assert '"revision":1' in store.changes(0, 1)[0].document  # type: ignore[operator]
    assert store.positions([0]) == {0: 10}


def test_a_retag_is_a_change_with_the_tags_of_the_later_version(store: Store) -> None:
    old = Delivered("a", article("a"), START)
    new = Delivered("a", article("a", tags=("aviation",), classifier_version="2"), START + timedelta(minutes=1))
    store.write([old], {0: 1})
    store.write([new], {0: 2})
    assert feed(store) == [(2, "retag", "a", 1)]
    assert store.changes(0, 1)[0].document == new.message.model_dump_json()  # type: ignore[union-attr]
    assert ids(store, tags=("aviation",)) == ["a"]
    assert ids(store, tags=("conflict",)) == []
    store.write([old, new, old], {0: 3})
    assert feed(store, after=2) == []
    assert store.positions([0]) == {0: 3}


def test_the_time_of_a_repeat_is_kept(store: Store) -> None:
    times = [START + timedelta(minutes=minutes) for minutes in range(4)]
    other = article("a", tags=("aviation",), classifier_version="2")
    store.write([Delivered("a", article("a"), times[0])], {0: 1})
    store.write([Delivered("a", article("a"), times[2])], {0: 2})
    store.write([Delivered("a", other, times[1])], {0: 3})
    assert feed(store) == [(1, "article", "a", 1)]
    store.write([Delivered("a", other, times[3])], {0: 4})
    assert feed(store) == [(2, "retag", "a", 1)]


def test_a_tombstone_leaves_nothing_of_the_article(store: Store) -> None:
    store.write([("a", article("a", text="secret words")), ("b", article("b"))], {})
    store.write([("a", None)], {})
    stored = store.article("a")
    assert stored is not None
    assert stored.document is None
    assert ids(store) == ["b"]
    assert search(store, "secret") == []
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("conflict", 1)]
    last = store.changes(0, 10)[-1]
    assert (last.kind, last.article_id, last.document) == (Kind.TOMBSTONE, "a", None)


@pytest.mark.parametrize("known", [[], ["gone"], ["here"], ["gone", "here"]])
@pytest.mark.parametrize("order", [("gone", "here"), ("here", "gone")])
def test_one_batch_may_remove_and_bring_articles(store: Store, known: list[str], order: tuple[str, str]) -> None:
    store.write([(each, article(each)) for each in known], {})
    brought: dict[str, list[tuple[str, ClassifiedArticle | None]]] = {
        "gone": [("gone", article("gone", 2, "Wrong.")), ("gone", None)],
        "here": [("here", article("here", 2, "Right."))],
    }
    store.write([each for name in order for each in brought[name]], {0: 3})
    assert ids(store) == ["here"]
    gone = store.article("gone")
    assert gone is not None
    assert gone.document is None


def test_an_article_can_come_back_after_a_tombstone(store: Store) -> None:
    store.write([("a", article("a")), ("a", None)], {})
    store.write([("a", article("a"))], {})
    assert ids(store) == []
    store.write([("a", article("a", 2, "back again"))], {})
    assert ids(store) == ["a"]
    assert search(store, "back") == ["a"]
    assert feed(store) == [(3, "article", "a", 2)]


def test_offsets_are_kept_per_partition_and_may_go_back(store: Store) -> None:
    assert store.positions([0, 1]) == {}
    store.write([], {0: 5, 1: 7})
    store.write([], {1: 8})
    assert store.positions([0, 1, 2]) == {0: 5, 1: 8}
    assert store.positions([2]) == {}
    store.write([], {1: 0})
    assert store.positions([1]) == {1: 0}


def test_everything_is_there_after_a_restart(open_store: OpenStore) -> None:
    first = open_store()
    first.write([("a", article("a"))], {3: 11})
    name = first.feed()
    first.close()
    second = open_store()
    assert (ids(second), second.positions([3]), second.feed()) == (["a"], {3: 11}, name)
    second.write([("b", article("b"))], {3: 12})
    assert feed(second) == [(1, "article", "a", 1), (2, "article", "b", 1)]


def test_the_newest_comes_first_and_fetching_stands_in_for_publication(store: Store) -> None:
    store.write(
        [("old", article("old", minutes=1)), ("new", article("new", minutes=9)),
         ("undated", article("undated", minutes=5, dated=False))], {},
    )  # fmt: skip
    assert ids(store) == ["new", "undated", "old"]


def test_pages_do_not_drift_when_articles_arrive(store: Store) -> None:
    store.write([(f"a{number}", article(f"a{number}", minutes=number)) for number in range(9)], {})
    first = store.articles(Filters(), None, 4)
    store.write([(f"n{number}", article(f"n{number}", minutes=100 + number)) for number in range(3)], {})
    second = store.articles(Filters(), first.next, 4)
    found = [ClassifiedArticle.model_validate_json(text).article_id for text in (*first.documents, *second.documents)]
    assert found == [f"a{number}" for number in range(8, 0, -1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_walking_the_pages_gives_each_article_once_even_at_equal_times(store: Store, limit: int) -> None:
    store.write([(f"a{number}", article(f"a{number}", minutes=number // 4)) for number in range(14)], {})
    found = list(walk(store, limit))
    assert found == ids(store)
    assert sorted(found) == sorted(f"a{number}" for number in range(14))


def test_the_last_page_has_no_next(store: Store) -> None:
    store.write([("a", article("a")), ("b", article("b"))], {})
    assert store.articles(Filters(), None, 2).next is None
    assert store.articles(Filters(), None, 1).next is not None


def test_a_page_of_big_documents_ends_early(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "PAGE_BYTES", 30_000)
    store.write([(f"a{number}", article(f"a{number}", text="x" * 10_000)) for number in range(5)], {})
    assert len(store.articles(Filters(), None, 5).documents) == 1
    assert len(list(walk(store, 5))) == 5
    assert len(store.changes(0, 5)) == 1


def test_filters(store: Store) -> None:
    store.write(
        [
            ("a", article("a", tags=("conflict", "aviation"), minutes=4)),
            ("b", article("b", tags=("aviation",), source=COURIER, language="en-GB", minutes=3)),
            ("c", article("c", tags=(), language="eng", minutes=2)),
            ("d", article("d", tags=("prisoner-exchange",), language=None, minutes=1)),
        ],
        {},
    )
    assert ids(store, tags=("aviation",)) == ["a", "b"]
    assert ids(store, tags=("conflict", "prisoner-exchange")) == ["a", "d"]
    assert ids(store, tags=("conflict", "aviation"), tag_mode="all") == ["a"]
    assert ids(store, tags=("nothing",)) == []
    assert ids(store, domain="northerncourier.example") == ["b"]
    assert ids(store, source="the harbour gull") == ["a", "c", "d"]
    assert ids(store, language="en") == ["a", "b"]
    assert ids(store, language="en-gb") == ["b"]
    assert ids(store, language="e%") == []
    assert ids(store, tags=("aviation",), domain=COURIER.domain, terms=parse_terms("title copy")) == ["b"]


def test_tags_are_counted_and_follow_the_newest_revision(store: Store) -> None:
    store.write([("a", article("a", tags=("conflict", "aviation"))), ("b", article("b", tags=("aviation",)))], {})
    assert [(tag.tag, tag.label, tag.count) for tag in store.tags()] == [
        ("aviation", "Aviation", 2),
        ("conflict", "Conflict", 1),
    ]
    store.write([("a", article("a", 2, tags=("conflict",)))], {})
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("aviation", 1), ("conflict", 1)]


SEARCHES = {
    "plane": ["il"],
    "PLANE": ["il"],
    "il-76": ["il"],
    "Il 76": ["il"],
    '"76 plane"': ["il"],
    '"plane 76"': [],
    "plane storm": [],
    "naive": ["storm"],
    "NAÏVE café": ["storm"],
    "nai\u0308ve": ["storm"],
    "title": ["il", "storm"],
    '"unbalanced': [],
    'plane "': ["il"],
    "пленные": ["il"],
    "or": [],
    "plane NOT storm": [],
    "-plane": ["il"],
    "body:plane": [],
    "pla*": [],
}


def test_search(store: Store) -> None:
    store.write(
        [
            ("il", article("il", text="The Il-76 plane went down. Пленные были на борту.")),
            ("storm", article("storm", text="A naïve café owner in the storm.")),
        ],
        {},
    )
    assert {query: search(store, query) for query in SEARCHES} == SEARCHES
    store.write([("il", article("il", 2, text="Corrected copy."))], {})
    assert (search(store, "plane"), search(store, "corrected")) == ([], ["il"])


def test_text_that_databases_dislike(store: Store) -> None:
    odd = article(
        "odd\x00id",
        text="nul \x00 inside " + "w" * 5_000 + " \U0001f6e9 end",
        tags=("t" * 3_000, "n\x00l"),
        title="\x00",
    )
    odd = odd.model_copy(update={"source": Source(name="N\x00me", domain="d" * 5_000), "language": "e\x00n"})
    store.write([("odd\x00id", odd), ("k" * 5_000, article("k" * 5_000))], {})
    assert store.article("odd\x00id") == store.article("oddid")
    assert store.article("k" * 5_000) is not None
    assert search(store, "inside end") == ["odd\x00id"]
    assert len(store.tags()) == 3


def test_a_text_longer_than_a_search_index_holds(store: Store) -> None:
    words = " ".join(f"w{number}" for number in range(400_000))
    store.write([("long", article("long", text=words))], {})
    assert search(store, "w17") == ["long"]


def test_a_batch_of_500_and_an_empty_one(store: Store) -> None:
    store.write([(f"a{number}", article(f"a{number}", minutes=number)) for number in range(500)], {0: 500})
    store.write([], {})
    assert len(list(walk(store, 200))) == 500
    assert [position for position, *_ in feed(store, after=300)] == list(range(301, 501))


def test_a_batch_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(writing, "save_offsets", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            store.write([("a", article("a"))], {0: 1})
    assert (ids(store), feed(store), store.positions([0])) == ([], [], {})
    store.write([("a", article("a"))], {0: 1})
    assert feed(store) == [(1, "article", "a", 1)]


def test_two_programs_may_start_at_once(open_store: OpenStore) -> None:
    together = threading.Barrier(6)

    def start(_number: int) -> str:
        together.wait()
        return open_store().feed()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(start, range(6)))) == 1


def test_times_are_exact(store: Store) -> None:
    at = START.replace(year=9999, microsecond=999_999)
    store.write([("a", article("a").model_copy(update={"published_at": at})), ("b", article("b"))], {})
    key = store.articles(Filters(), None, 1).next
    assert key is not None
    assert key.sort_at == at
    change = store.changes(0, 1)[0]
    assert change.at.tzinfo is not None


def test_a_locked_database_is_something_to_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_api.database.BUSY_TIMEOUT_MS", 50)
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    blocker = sqlite3.connect(tmp_path / "api.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Retryable, match="the database cannot be used: database is locked"):
        store.write([("a", article("a"))], {0: 1})
    assert ids(store) == []
    blocker.execute("ROLLBACK")
    store.write([("a", article("a"))], {0: 1})
    assert ids(store) == ["a"]
    blocker.close()
    store.close()


def test_a_full_disk_is_something_to_try_again(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    batch = [("a", article("a", text="words and more words " * 20_000))]
    with store._engine.connect() as only_connection:
        only_connection.exec_driver_sql("PRAGMA max_page_count = 30")
    with pytest.raises(Retryable, match="full"):
        store.write(batch, {0: 1})
    with store._engine.connect() as only_connection:
        only_connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    store.write(batch, {0: 1})
    assert ids(store) == ["a"]
    store.close()


def test_the_last_batch_once_more_does_not_remove_what_came_back(store: Store) -> None:
    batch = [("a", article("a")), ("a", None), ("a", article("a", 2, "back"))]
    store.write(batch, {0: 3, 1: 8})
    store.write(batch, {0: 3, 1: 8})
    assert feed(store) == [(3, "article", "a", 2)]
    store.write([("a", None)], {0: 4, 1: 8})
    assert feed(store) == [(4, "tombstone", "a", 2)]
