"""Lists, narrowed and in every order, on both databases: against the plainest model of them, and what they cost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, text

from copydesk_api.cursors import PageKey
from copydesk_api.filters import Filters, When, holds, when
from copydesk_api.search import parse_terms
from copydesk_api.store import Store
from copydesk_api.words import words
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import COURIER, GULL, START, article

TAGS = ("conflict", "aviation", "prisoner-exchange")
TEXTS = ("A short piece of copy.", "The plane and the storm.", "北京大学的学生", "plane, plane, plane")
ACCESS = ("full", "partial", "paywall", "consent")
COUNT = 60


def varied(number: int) -> ClassifiedArticle:
    """No two of these are alike in all that a list is narrowed by."""
    return article(
        f"a{number}",
        text=TEXTS[number % 4],
        tags=[tag for at, tag in enumerate(TAGS) if number >> at & 1],
        minutes=number // 3 * 60,
        source=COURIER if number % 5 == 0 else GULL,
        language=("en", "en-GB", "de", None)[number // 2 % 4],
        title="The plane" if number % 11 == 0 else None,
    ).model_copy(update={"access": ACCESS[number % 7 % 4]})


@pytest.fixture
def varied_store(store: Store) -> Store:
    store.write([(f"a{number}", varied(number)) for number in range(COUNT)], {0: COUNT})
    return store


def listed(store: Store, filters: Filters, limit: int = 200) -> list[str]:
    """The ids of the whole list, page after page."""
    found: list[str] = []
    key = None
    while True:
        page = store.articles(filters, key, limit)
        found += (json.loads(document)["article_id"] for document in page.documents)
        key = page.next
        if key is None:
            return found


def fits(filters: Filters, number: int) -> bool:
    each = varied(number)
    at = each.published_at or each.fetched_at
    said = set(words(f"{each.title} {each.text}"))
    return (
        holds(filters, each.model_dump(mode="json"))
        and (filters.published_from is None or at >= filters.published_from.at)
        and (filters.published_to is None or at <= filters.published_to.at)
        and said.issuperset(filters.terms)
    )


def moments() -> st.SearchStrategy[When | None]:
    return st.none() | st.integers(-60, COUNT * 20).map(lambda minutes: When("", START + timedelta(minutes=minutes)))


every_filter = st.builds(
    Filters,
    tags=st.lists(st.sampled_from([*TAGS, "unknown"]), unique=True, max_size=3).map(tuple),
    tag_mode=st.sampled_from(["any", "all"]),
    terms=st.just(()) | st.sampled_from([("plane",), ("plane", "storm")]),
    source=st.none() | st.just("northern courier"),
    domain=st.none() | st.just("harbourgull.example"),
    language=st.none() | st.sampled_from(["en", "en-gb", "de", "en-us"]),
    published_from=moments(),
    published_to=moments(),
    access=st.none() | st.sampled_from(ACCESS),
    order=st.sampled_from(["newest", "oldest"]),
)


@pytest.fixture(params=[False, True], ids=["found", "walked"])
def walked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that are rare, and words that are common, to the store."""
    if request.param:
        monkeypatch.setattr(Store, "_is_common", lambda _store, _terms: True)


@pytest.mark.usefixtures("walked")
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(filters=every_filter, limit=st.sampled_from([1, 7, 50]))
def test_any_filters_in_any_order_and_any_pages(varied_store: Store, filters: Filters, limit: int) -> None:
    numbers = range(COUNT) if filters.order == "oldest" else range(COUNT - 1, -1, -1)
    assert listed(varied_store, filters, limit) == [f"a{number}" for number in numbers if fits(filters, number)]


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_the_best_come_first_in_any_pages(varied_store: Store, limit: int) -> None:
    filters = Filters(terms=("plane",), order="relevance")
    found = listed(varied_store, filters, limit)
    expected = {f"a{number}" for number in range(COUNT) if fits(filters, number)}
    assert len(found) == len(expected)
    assert set(found) == expected
    in_title = {f"a{number}" for number in range(0, COUNT, 11)}
    assert set(found[: len(in_title)]) == in_title
    often = {f"a{number}" for number in range(3, COUNT, 4)}
    assert found[-1] not in often
    tagged = listed(varied_store, Filters(terms=("plane",), order="relevance", tags=("aviation",)), limit)
    assert tagged == [each for each in found if int(each[1:]) >> 1 & 1]


def test_a_list_by_relevance_goes_on_though_ranks_have_changed(varied_store: Store) -> None:
    filters = Filters(terms=("plane",), order="relevance")
    whole = listed(varied_store, filters)
    first = varied_store.articles(filters, None, 10)
    varied_store.write(
        [(f"n{number}", article(f"n{number}", text=f"Something else {number}.")) for number in range(50)], {}
    )
    rest, key = [], first.next
    while key is not None:
        page = varied_store.articles(filters, key, 10)
        rest += [json.loads(document)["article_id"] for document in page.documents]
        key = page.next
    assert rest == whole[10:]


@pytest.mark.parametrize(
    ("query", "found"),
    [("大学", True), ("北京", True), ("生", True), ("京", True), ("京大学", True), ("学北", False), ('"北京大学的学生"', True), ("大学 学生", True)],
)  # fmt: skip
def test_words_of_scripts_without_spaces(store: Store, query: str, found: bool) -> None:
    store.write([("zh", article("zh", text="北京大学的学生", language="zh")), ("other", article("other"))], {})
    assert listed(store, Filters(terms=parse_terms(query))) == (["zh"] if found else [])


NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("7d", "2026-03-03T12:00:00", "2026-03-03T12:00:00"),
        ("2w", "2026-02-24T12:00:00", "2026-02-24T12:00:00"),
        ("90m", "2026-03-10T10:30:00", "2026-03-10T10:30:00"),
        ("2026-03-01", "2026-03-01T00:00:00", "2026-03-01T23:59:59.999999"),
        ("20260301", "2026-03-01T00:00:00", "2026-03-01T23:59:59.999999"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00", "2026-03-01T12:00:00"),
        ("2026-03-01T12:00+02:00", "2026-03-01T10:00:00", "2026-03-01T10:00:00"),
    ],
)
def test_moments(asked: str, start: str, end: str) -> None:
    both = [when(asked, now=NOW).at, when(asked, is_end=True, now=NOW).at]
    assert both == [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)]


@pytest.mark.parametrize(
    "asked", ["", "yesterday", "7", "7y", "-7d", "999999d", "2026-13-01", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_moment(asked: str) -> None:
    with pytest.raises(ValueError, match="how long ago"):
        when(asked)


# What it costs

MANY = 1_200


@pytest.fixture
def many(store: Store) -> Store:
    for start in range(0, MANY, 300):
        batch = [(f"m{n}", article(f"m{n}", minutes=n, tags=("conflict", *(["aviation"] if n % 3 else [])), source=COURIER if n % 4 else GULL))
                 for n in range(start, start + 300)]  # fmt: skip
        store.write(batch, {0: start + 300})
    with store.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return store


def statements(store: Store, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """What is asked of the database."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT articles.document"):
            seen.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    ask()
    event.remove(store.engine, "before_cursor_execute", note)
    return seen


def work(engine: Engine, statement: str, parameters: Any) -> int:
    """How much the database has to do for it: steps of its machine, or pages of memory that are looked at."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            steps = 0

            def step() -> None:
                nonlocal steps
                steps += 1

            driver.set_progress_handler(step, 10)
            driver.execute(statement, parameters).fetchall()
            driver.set_progress_handler(None, 0)
            return steps
    with engine.connect() as connection:
        # The tables of a test are so small that reading all of one is the quickest way.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
        ).scalar_one()
        found = plan[0]["Plan"]
        assert "Seq Scan" not in json.dumps(found), found
        return int(found["Shared Hit Blocks"] + found["Shared Read Blocks"])


def steps_of(store: Store, filters: Filters, after: PageKey | None, limit: int = 10) -> int:
    asked = statements(store, lambda: store.articles(filters, after, limit))
    assert len(asked) == 1
    return work(store.engine, *asked[0])


WALKS = {
    "all": Filters(),
    "oldest": Filters(order="oldest"),
    "domain": Filters(domain=COURIER.domain),
    "source": Filters(source="northern courier"),
    "language": Filters(language="en"),
    "access": Filters(access="full"),
    "lead": Filters(only_leads=True),
    "tag": Filters(tags=("aviation",)),
    "any tag": Filters(tags=("aviation", "conflict")),
    "all tags": Filters(tags=("aviation", "conflict"), tag_mode="all"),
    "tag and domain": Filters(tags=("aviation",), domain=COURIER.domain),
    "since": Filters(published_from=When("", START)),
}


def test_a_page_costs_the_same_wherever_it_is(many: Store) -> None:
    for name, filters in WALKS.items():
        page = many.articles(filters, None, MANY // 3)
        assert page.next is not None, name
        first, deep = steps_of(many, filters, None), steps_of(many, filters, page.next)
        assert deep <= 2 * first + 20, (name, first, deep)
        whole = steps_of(many, filters, None, MANY)
        assert deep < whole / 3, (name, deep, whole)


def test_a_list_of_a_rare_tag_costs_little(many: Store) -> None:
    many.write([("rare", article("rare", tags=("rare", "conflict")))], {})
    for filters in (Filters(tags=("rare",)), Filters(tags=("conflict", "rare"), tag_mode="all")):
        assert listed(many, filters) == ["rare"]
        assert steps_of(many, filters, None) < 30  # a hundred times as much where all articles are looked at


def test_a_word_that_most_articles_have_costs_little(many: Store) -> None:
    common, rare = Filters(terms=("copy",)), Filters(terms=("m7",))
    page = many.articles(common, None, MANY // 3)
    assert page.next is not None
    if many.engine.dialect.name == "sqlite":
        assert [many._is_common(each.terms) for each in (common, rare)] == [True, False]
        whole = steps_of(many, common, None, MANY)
        assert steps_of(many, common, None) < whole / 10
        assert steps_of(many, common, page.next) < whole / 10
    assert listed(many, rare) == ["m7"]


def test_counts_of_tags_are_read_and_not_made(many: Store) -> None:
    seen: list[str] = []
    event.listen(many.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert [(tag.tag, tag.count) for tag in many.tags()] == [("conflict", MANY), ("aviation", MANY * 2 // 3)]
    assert "article_tags" not in seen[-1]
    assert "count(" not in seen[-1].lower()


# By HTTP

BAD_REQUESTS = {
    "/v1/articles?order=relevance": ("order", "needs q"),
    "/v1/articles?order=best": ("order", "'newest', 'oldest' or 'relevance'"),
    "/v1/articles?published_from=soon": ("published_from", "how long ago"),
    "/v1/articles?published_to=2026-02-30": ("published_to", "how long ago"),
    "/v1/articles?access=free": ("access", "'full'"),
    "/v1/articles?dedupe=all": ("dedupe", "'lead'"),
    "/v1/articles?highlight=perhaps": ("highlight", "boolean"),
    "/v1/feed.json?highlight=true": ("highlight", "no such parameter"),
}


@pytest.mark.parametrize("url", BAD_REQUESTS)
def test_what_cannot_be_asked(sqlite_client: httpx.Client, url: str) -> None:
    answer = sqlite_client.get(url)
    body = answer.json()
    assert answer.status_code == 400
    assert body["errors"][0]["parameter"] == BAD_REQUESTS[url][0]
    assert all(word in body["detail"] for word in BAD_REQUESTS[url]), body


def follow(client: httpx.Client, url: str) -> Iterator[str]:
    while True:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        yield from (item["article_id"] for item in answer.json()["items"])
        if "next" not in answer.links:
            return
        url = answer.links["next"]["url"]


def test_all_of_it_by_http(client: httpx.Client, varied_store: Store) -> None:
    query = "tag=conflict&tag=aviation&source=the+harbour+gull&published_from=2026-03-01&published_to=2026-03-02&access=full&limit=3"
    filters = Filters(
        tags=("conflict", "aviation"), source="the harbour gull", access="full",
        published_from=when("2026-03-01"), published_to=when("2026-03-02", is_end=True), order="oldest",
    )  # fmt: skip
    expected = [f"a{number}" for number in range(COUNT) if fits(filters, number)]
    assert len(expected) > 6
    assert list(follow(client, f"/v1/articles?{query}&order=oldest")) == expected
    assert list(follow(client, f"/v1/articles?{query}")) == sorted(expected, key=lambda each: -int(each[1:]))
    best = list(follow(client, "/v1/articles?q=plane&order=relevance&limit=4&highlight=true"))
    assert best == listed(varied_store, Filters(terms=("plane",), order="relevance"))
    cursor = client.get("/v1/articles?q=plane&order=relevance&limit=4").json()["next"]
    other = client.get("/v1/articles", params={"q": "plane", "cursor": cursor})
    assert (other.status_code, "other filters" in other.text) == (400, True)


def test_how_long_ago_is_the_same_list_each_time(client: httpx.Client, store: Store) -> None:
    now = datetime.now(UTC)
    batch = [
        (f"d{days}", article(f"d{days}").model_copy(update={"published_at": now - timedelta(days=days)}))
        for days in range(6)
    ]
    store.write(batch, {})
    assert list(follow(client, "/v1/articles?published_from=84h&limit=2")) == ["d0", "d1", "d2", "d3"]
    assert list(follow(client, "/v1/articles?published_to=84h&limit=1")) == ["d4", "d5"]
    answer = client.get("/v1/articles?published_from=84h")
    assert "last-modified" not in answer.headers


def test_highlights(client: httpx.Client, store: Store) -> None:
    text_ = "Before. " * 60 + "The <b>plane</b> fell. " + "After. " * 60
    store.write([("a", article("a", text=text_, title="A plane & more")), ("b", article("b", text="plane"))], {})
    body = client.get("/v1/articles?q=plane&highlight=true").json()
    assert body["highlights"]["a"]["title"] == "A <mark>plane</mark> &amp; more"
    assert "&lt;b&gt;<mark>plane</mark>&lt;/b&gt; fell." in body["highlights"]["a"]["text"]
    assert body["highlights"]["b"] == {"title": "Title of b", "text": "<mark>plane</mark>"}
    assert "highlights" not in client.get("/v1/articles?q=plane").json()
    assert "highlights" not in client.get("/v1/articles?highlight=true").json()
