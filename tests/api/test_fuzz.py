"""Whatever stands for a cursor, a search or an id, on either database: it is found, not found or refused; never a bug."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from copydesk_api import cursors
from copydesk_api.app import create_app
from copydesk_api.cursors import _encode as forge
from copydesk_api.operating.dead_letters import DeadLetters, Ends, LetterPage
from copydesk_api.operating.feed_table import Feeds
from copydesk_api.operating.parts import Operating
from copydesk_api.push.records import Kind
from copydesk_api.store import Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.feed_records import new
from copydesk_shared.letters.selection import Selection
from copydesk_shared.log import Record
from copydesk_shared.messages import Feed
from tests.api import pushing
from tests.api.odd_values import odd_cursors, searches, segments
from tests.api.samples import COURIER, article, fused_article
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer
from tests.api.test_rest import PROBLEM

FEEDS = ("/v1/feed.json", "/v1/feed.atom", "/v1/feed.rss")
LISTS = ("/v1/articles", *FEEDS)
HISTORY = "/v1/articles/news/revisions"
WITH_CURSOR = (*LISTS, HISTORY, "/v1/sources", "/v1/feeds", "/v1/dead-letters", "/", "/sources", "/articles/news/revisions",
               "/dead-letters")  # fmt: skip
PLACES = [*((path, "cursor") for path in WITH_CURSOR), ("/v1/changes", "after"), ("/v1/stream", "after")]
FILTERS: list[dict[str, str]] = [
    {}, {"q": "short"}, {"q": "short", "order": "relevance"}, {"order": "oldest"}, {"tag": "conflict"}, {"limit": "1"},
]  # fmt: skip
fuzzed = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class NoLetters(DeadLetters):
    """No broker is needed to read a cursor."""

    async def page(self, _selection: Selection, _limit: int, _before: Ends | None = None) -> LetterPage:
        """None."""
        return LetterPage((), None)


def filled(store: Store) -> Store:
    store.write([(name, article(name, minutes=each)) for each, name in enumerate("bcd")], {})
    store.write(
        [
            ("e", article("e", source=COURIER)),
            ("fused", fused_article()),
            ("news", article("news")),
            ("gone", article("gone")),
        ],
        {},
    )
    store.write([("news", article("news", 2, "Another text.")), ("gone", None)], {})
    store.write([("news", article("news", 3, "A third text."))], {})
    return store


def operating() -> Operating:
    known = Operating(Feeds(), letters=NoLetters(Brokers("127.0.0.1:1")))
    for offset, feed_id in enumerate("xyz"):
        told = new(Feed(feed_id=feed_id, url=f"https://gull.example/{feed_id}", name=feed_id), "test")
        known.feeds.table.take(Record(told.topic, 0, offset, told.key, told.value, told.headers))
    known.feeds.table.is_known = True
    return known


@pytest.fixture
def site(store: Store) -> Iterator[httpx.Client]:
    """A client with an admin key."""
    app = create_app(filled(store), pushing.settings(admin_key=ADMIN), operating=operating())
    with serving(app) as url, httpx.Client(base_url=url, headers=bearer(ADMIN), timeout=60) as client:
        yield client


def given_out(client: httpx.Client) -> Iterator[str]:
    """Cursors of all lists, some of them with other filters."""
    for path, filters in ((path, filters) for path in ("/v1/articles", "/v1/feed.json") for filters in FILTERS):
        body = client.get(path, params={**filters, "limit": "1"}).raise_for_status().json()
        yield body.get("next") or body["next_url"].rpartition("cursor=")[2]
    for path in ("/v1/changes", HISTORY, "/v1/sources", "/v1/feeds"):
        yield client.get(path, params={"limit": "1"}).raise_for_status().json()["next"]


@pytest.fixture
def real(site: httpx.Client, tmp_path: Path) -> list[str]:
    """Cursors of this database, and of another one."""
    other = filled(Store.open(f"sqlite:///{tmp_path / 'other.db'}"))
    app = create_app(other, pushing.settings(admin_key=ADMIN), operating=operating())
    with serving(app) as url, httpx.Client(base_url=url, headers=bearer(ADMIN), timeout=60) as client:
        cursors = list(chain(given_out(site), given_out(client)))
    other.close()
    return cursors


def ask(client: httpx.Client, path: str, **query: Any) -> None:
    """The stream has no end, so only its beginning is asked for."""
    answer = client.request("HEAD" if path == "/v1/stream" else "GET", path, params=query)
    assert answer.status_code in (200, 400, 404), (path, query, answer.text)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == PROBLEM


@pytest.fixture
def contexts(store: Store, site: httpx.Client) -> list[str]:
    """What cursors of this database say of where they belong."""
    return [store.feed(), ""]


def test_no_cursor_is_a_bug(site: httpx.Client, real: list[str], contexts: list[str]) -> None:
    @fuzzed
    @given(place=st.sampled_from(PLACES), cursor=odd_cursors(real, contexts), filters=st.sampled_from(FILTERS))
    def each(place: tuple[str, str], cursor: str, filters: Mapping[str, str]) -> None:
        path, name = place
        ask(site, path, **{name: cursor}, **(filters if path in (*LISTS, "/") else {}))

    each()


@fuzzed
@given(path=st.sampled_from([*LISTS, "/v1/articles.ndjson", "/"]), query=searches, filters=st.sampled_from(FILTERS))
def test_no_search_is_a_bug(site: httpx.Client, path: str, query: str, filters: Mapping[str, str]) -> None:
    given = {name: value for name, value in filters.items() if name in ("order", "tag")}
    marks = {"highlight": "true"} if path == "/v1/articles" else {}
    ask(site, path, **given, **marks, q=query)


@fuzzed
@example(path="/v1/webhooks/{}", odd="%00")
@given(path=st.sampled_from(["/v1/articles/{}", "/v1/articles/{}/revisions", "/v1/sources/{}/health", "/v1/feeds/{}",
                             "/v1/webhooks/{}", "/webhooks/{}", "/articles/{}", "/articles/{}/revisions", "/sources/{}"]), odd=segments)  # fmt: skip
def test_no_id_is_a_bug(site: httpx.Client, path: str, odd: str) -> None:
    ask(site, path.format(odd))


@settings(fuzzed, max_examples=30)
@example(odd="%00")
@given(odd=segments)
def test_no_id_of_what_is_changed_is_a_bug(site: httpx.Client, odd: str) -> None:
    place, key = f"/v1/webhooks/{odd}", f"/v1/keys/{odd}"
    answers = [
        site.delete(place), site.patch(place, json={"state": "paused"}), site.post(f"{place}/rotate"),
        site.get(f"{place}/deliveries"), site.post(f"{place}/deliveries/1/replay"), site.delete(key),
        site.post(f"{key}/rotate"),
    ]  # fmt: skip
    assert {each.status_code for each in answers} <= {400, 404, 405}, [each.text for each in answers]


@fuzzed
@given(
    path=st.sampled_from([*LISTS, "/v1/articles.ndjson", "/", "/v1/stream", "/v1/dead-letters", "/dead-letters"]),
    query=st.dictionaries(
        st.sampled_from(["tag", "source", "domain", "language", "stage", "published_to"]), searches, max_size=3
    ),
)
def test_no_filter_is_a_bug(site: httpx.Client, path: str, query: dict[str, str]) -> None:
    ask(site, path, **query)


@settings(fuzzed, max_examples=25)
@given(odd=searches, number=st.sampled_from([0, 1, 2**63 - 1, 2**63, -1]))
def test_no_webhook_is_a_bug(site: httpx.Client, store: Store, odd: str, number: int) -> None:
    receivers = pushing.desk_of(store).receivers.all(Kind.WEBHOOK)
    if not receivers:
        site.post("/v1/webhooks", json={"url": "http://127.0.0.1:1/"}).raise_for_status()
        receivers = pushing.desk_of(store).receivers.all(Kind.WEBHOOK)
    place = f"/v1/webhooks/{receivers[0].receiver_id}"
    for cursor in (forge(cursors.DELIVERIES, receivers[0].receiver_id, number), odd):
        ask(site, f"{place}/deliveries", cursor=cursor)
        ask(site, place.removeprefix("/v1"), cursor=cursor)
    answers = [
        site.post(f"{place}/replay", json={"after": odd}),
        site.patch(place, json={"filters": {"q": odd, "source": odd}}),
        site.post(f"{place}/deliveries/{number}/replay"),
    ]
    assert {each.status_code for each in answers} <= {200, 400, 404, 410}, [each.text for each in answers]
