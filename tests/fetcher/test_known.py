"""One article of many feeds is fetched once, a change of it again, and after a crash nothing is missing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher import known as known_module
from copydesk_fetcher.known import DAYS, FEEDS_OF_A_PAGE, Fresh, Known, _address, _address_of_id
from copydesk_shared.errors import DropReason
from copydesk_shared.identity import article_id, canonical_url, short_digest
from copydesk_shared.messages import Entry, KnownPage, Page, Source
from copydesk_shared.stage import Drop

NOW = datetime.now(UTC).replace(microsecond=0)
SOURCE = Source(name="The News", domain="news.example")
URL = "https://news.example/story-1"


def entry_of(feed: str = "a", revision: int = 1, url: str = URL, **more: object) -> Entry:
    given = {"feed_id": feed, "url": url, "source": SOURCE, "discovered_at": NOW, "revision": revision, **more}
    return Entry.model_validate(given)


def page_of(entry: Entry, fresh: Fresh, at: datetime = NOW, canonical: str | None = None) -> Page:
    address = canonical_url(canonical or entry.url)
    return Page(
        article_id=article_id(address), revision=fresh.revision, url=entry.url, canonical_url=address, source=SOURCE,
        content_type="text/html", content="", fetched_at=at,
    )  # fmt: skip


def fetch(known: Known, entry: Entry, at: datetime = NOW, canonical: str | None = None) -> list[KnownPage]:
    fresh = known.look(entry)
    assert isinstance(fresh, Fresh)
    page = page_of(entry, fresh, at, canonical)
    known.expect(entry, page)
    return known.fetched(entry, page)


def is_duplicate(result: Fresh | Drop) -> bool:
    return isinstance(result, Drop) and result.reason is DropReason.DUPLICATE


def test_an_unknown_page_is_fetched_as_the_feed_counts_it() -> None:
    assert Known().look(entry_of(revision=3)) == Fresh(3)


def test_the_same_entry_is_a_duplicate_and_a_later_one_a_revision() -> None:
    known = Known()
    [written] = fetch(known, entry_of(revision=2))
    assert (written.revision, written.feeds, written.url) == (2, {"a": 2}, URL)
    assert written.page_id == short_digest(URL)
    assert is_duplicate(known.look(entry_of(revision=2)))
    assert is_duplicate(known.look(entry_of(revision=1)))
    assert known.look(entry_of(revision=3)) == Fresh(3)


def test_another_feed_brings_the_same_page() -> None:
    known = Known()
    fetch(known, entry_of("a", revision=4))
    assert is_duplicate(known.look(entry_of("b")))
    assert is_duplicate(known.look(entry_of("c", updated_at=NOW)))
    assert known.look(entry_of("d", updated_at=NOW + timedelta(seconds=1))) == Fresh(5)
    assert is_duplicate(known.look(entry_of("e", revision=2)))
    assert known.look(entry_of("f", revision=2, discovered_at=NOW + timedelta(seconds=1))) == Fresh(5)
    assert known.look(entry_of("b", revision=2)) == Fresh(5), "b was looked at, so it has changed since"


def test_all_addresses_of_a_page_are_known() -> None:
    known = Known()
    written = fetch(known, entry_of(url=f"{URL}?utm_source=rss&page=2"), canonical=URL)
    assert [each.url for each in written] == [URL, f"{URL}?page=2"]
    for url in (URL, f"{URL}?page=2&fbclid=1", f"{URL}#top"):
        assert is_duplicate(known.look(entry_of(url=url)))
    third = entry_of("b", url=f"{URL}?page=3")
    assert known.look(third) == Fresh(1)
    assert is_duplicate(known.look(third, page_of(third, Fresh(1), canonical=URL)))
    assert is_duplicate(known.look(third)), "where it leads to is known now"


def test_what_is_about_to_be_stored_is_not_fetched_for_others_but_again_for_itself() -> None:
    known, entry = Known(), entry_of()
    page = page_of(entry, Fresh(1))
    known.expect(entry, page)
    assert known.look(entry) == Fresh(1)
    assert is_duplicate(known.look(entry_of("b")))
    assert is_duplicate(known.look(entry_of(discovered_at=NOW + timedelta(seconds=5))))
    known.fetched(entry, page)
    assert is_duplicate(known.look(entry))


def test_an_address_that_is_none_is_left_to_whoever_asks_for_it() -> None:
    known = Known()
    entry = entry_of(url="mailto:ann@news.example")
    assert known.look(entry) == Fresh(1)
    page = page_of(entry_of(), Fresh(1))
    assert [each.url for each in known.fetched(entry, page)] == [URL]


def test_two_weeks_later_nobody_remembers() -> None:
    known = Known()
    old = KnownPage(page_id=short_digest(URL), url=URL, revision=1, fetched_at=NOW - timedelta(days=DAYS + 2))
    known.restore([old])
    assert known.look(entry_of()) == Fresh(1)
    assert len(known) == 0
    known.restore([old.model_copy(update={"fetched_at": NOW - timedelta(days=DAYS - 1)})])
    assert is_duplicate(known.look(entry_of()))
    known.forget()
    assert known.look(entry_of()) == Fresh(1)


def test_a_page_from_the_future_is_known_and_forgotten_like_others() -> None:
    known = Known()
    known.restore([KnownPage(page_id=short_digest(URL), url=URL, revision=1, fetched_at=NOW + timedelta(days=900))])
    assert is_duplicate(known.look(entry_of()))
    assert list(known._pages._days) == [int(datetime.now(UTC).timestamp()) // 86400]


def test_it_holds_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "MOST_ADDRESSES", 100)
    known = Known()
    for number in range(1000):
        at = NOW - timedelta(days=10 - number // 100)
        known.restore([KnownPage(page_id=short_digest(str(number)), url=URL, revision=1, fetched_at=at)])
        assert len(known) <= 100
        assert len(known) == sum(map(len, known._pages._days.values()))
    assert known._pages.get(_address_of_id(short_digest("999"))) is not None


@given(st.text(max_size=20))
def test_the_id_of_a_page_leads_to_its_address(path: str) -> None:
    url = canonical_url(f"https://news.example/{path}")
    assert _address(url) == _address_of_id(short_digest(canonical_url(url)))


class Step(NamedTuple):
    feed: str
    revision: int
    path: int
    updated: int | None
    discovered: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from("abc"),
        st.integers(1, 4),
        st.integers(0, 2),
        st.none() | st.integers(-5, 40),
        st.integers(-5, 40),
    ),
    max_size=30,
)


def entry_for(step: Step) -> Entry:
    updated = None if step.updated is None else NOW + timedelta(seconds=step.updated)
    at = NOW + timedelta(seconds=step.discovered)
    url = f"https://news.example/story-{step.path}"
    return entry_of(step.feed, step.revision, url, updated_at=updated, discovered_at=at)


@given(STEPS)
def test_the_rules_hold_in_any_order(steps: Sequence[Step]) -> None:
    known = Known()
    revisions: dict[int, int] = {}
    fetched_at: dict[int, datetime] = {}
    looked: dict[tuple[int, str], int] = {}
    for second, step in enumerate(steps):
        entry, now = entry_for(step), NOW + timedelta(seconds=second)
        result = known.look(entry)
        before = looked.get((step.path, step.feed))
        looked[step.path, step.feed] = max(before or 0, step.revision)
        if step.path not in revisions:
            assert result == Fresh(step.revision)
        elif before is not None:
            assert isinstance(result, Fresh) == (step.revision > before)
        else:
            later = entry.updated_at is not None and entry.updated_at > fetched_at[step.path]
            changed = step.revision > 1 and entry.discovered_at > fetched_at[step.path]
            assert isinstance(result, Fresh) == (later or changed)
        if isinstance(result, Fresh):
            assert result.revision > revisions.get(step.path, 0)
            revisions[step.path] = result.revision
            fetched_at[step.path] = now
            fetch(known, entry, now)


@given(STEPS, st.integers(0, 30))
def test_the_next_owner_answers_as_the_last_one_of_what_was_written(steps: Sequence[Step], change: int) -> None:
    first, written = Known(), dict[str, KnownPage]()
    for step in steps[:change]:
        if isinstance(first.look(entry_for(step)), Fresh):
            written |= {page.page_id: page for page in fetch(first, entry_for(step))}
    second = Known()
    second.restore(KnownPage.model_validate_json(page.model_dump_json()) for page in written.values())
    for step in steps[change:]:
        one, other = first.look(entry_for(step)), second.look(entry_for(step))
        if f"https://news.example/story-{step.path}" not in {page.url for page in written.values()}:
            assert isinstance(other, Fresh)
        elif step.feed in written[short_digest(f"https://news.example/story-{step.path}")].feeds:
            assert one == other


@given(STEPS, st.sets(st.integers(0, 29)))
def test_no_crash_loses_a_page(steps: Sequence[Step], crashes: set[int]) -> None:
    """An entry comes again until it is finished; a crash comes before its page is stored, or before that is known."""
    known = Known()
    log: dict[str, KnownPage] = {}
    stored: dict[str, int] = {}
    for number, step in enumerate(steps):
        entry = entry_for(step)
        for is_crash in (True, False) if number in crashes else (False,):
            result = known.look(entry)
            if isinstance(result, Drop):
                assert entry.url in stored, "dropped, and no page of it was ever stored"
                break
            page = page_of(entry, result, NOW + timedelta(seconds=number))
            known.expect(entry, page)
            if not is_crash or number % 2:
                stored[entry.url] = max(stored.get(entry.url, 0), page.revision)
            if is_crash:
                if number % 3:  # the session goes on with a new producer; else another process takes over
                    continue
                known = Known()
                known.restore(log.values())
                continue
            log |= {each.page_id: each for each in known.fetched(entry, page)}
            assert stored[entry.url] >= result.revision


def test_a_page_remembers_the_feeds_that_came_last() -> None:
    known = Known()
    written: list[KnownPage] = []
    for number in range(FEEDS_OF_A_PAGE * 3):
        at = NOW + timedelta(seconds=number)
        written = fetch(known, entry_of(f"feed{number}", updated_at=at + timedelta(seconds=1)), at)
    [page] = written
    assert len(page.feeds) == FEEDS_OF_A_PAGE
    assert page.feeds[f"feed{FEEDS_OF_A_PAGE * 3 - 1}"] == 1
    assert page.revision == FEEDS_OF_A_PAGE * 3
