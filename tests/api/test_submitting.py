"""Handing in articles: what is acknowledged is on the topic, once. With both databases, the embedded broker, real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from copydesk_api import schema
from copydesk_api.store import Store
from copydesk_api.submissions import KeyReusedError, Submissions
from copydesk_cleaner.stage import STAGE as CLEANER
from copydesk_shared.identity import article_id
from copydesk_shared.messages import PAGE_CHARACTERS, TEXT_CHARACTERS, Page, Source
from copydesk_shared.stage import Emit
from copydesk_shared.topics import FETCHED
from copydesk_shared.wire import decode
from tests.api.desk import Desk, desk_with_broker, running_desk
from tests.api.samples import article
from tests.api.test_keys import bearer
from tests.api.test_rest import assert_problem

URL = "https://www.gull.example/2026/03/harbour?utm_source=x"
ID = article_id("https://www.gull.example/2026/03/harbour")
TEXT = "The harbour was closed on Monday.\nNobody was hurt, the mayor said.\nIt opens again on Friday."
GIVEN = {"url": URL, "text": TEXT, "title": "Harbour closed", "authors": ["A. Writer"],
         "published_at": "2026-03-02T08:00:00+01:00", "source": "The Gull"}  # fmt: skip
# Where no brokers are.
NOWHERE = "127.0.0.1:1"


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_with_broker(store, tmp_path) as running:
        yield running


async def pages(desk: Desk) -> list[Page]:
    return [decode(FETCHED, record) for record in await desk.records(FETCHED.name)]


@pytest.mark.kafka
async def test_an_article_goes_where_the_fetcher_puts_pages(desk: Desk) -> None:
    key = (await desk.client.post("/v1/keys", json={"name": "w", "scope": "write"})).json()["token"]
    before = datetime.now(UTC)
    answer = await desk.client.post("/v1/articles", json=GIVEN, headers=bearer(key))
    assert (answer.status_code, answer.json()) == (202, {"article_id": ID, "revision": 1})
    assert answer.headers["location"] == f"/v1/articles/{ID}"
    (page,) = await pages(desk)
    assert before <= page.fetched_at <= datetime.now(UTC)
    assert page.model_copy(update={"fetched_at": before}) == Page(
        article_id=ID, url=URL, canonical_url="https://www.gull.example/2026/03/harbour", content=TEXT, fetched_at=before,
        source=Source(name="The Gull", domain="gull.example"), content_type="text/plain", feed_id=None,
        entry_title="Harbour closed", entry_authors=("A. Writer",),
        entry_published_at=datetime(2026, 3, 2, 7, tzinfo=UTC),
    )  # fmt: skip
    result = CLEANER.handle(page)  # the next stage takes it
    assert isinstance(result, Emit)
    assert result.message.article_id == ID
    (record,) = await desk.records(FETCHED.name)
    assert record.header("ce_source") == "/copydesk/articles-api"
    assert record.key == ID.encode()


@pytest.mark.kafka
async def test_what_comes_again_is_handed_on_once_and_what_is_new_is_a_revision(desk: Desk, store: Store) -> None:
    post = desk.client.post
    answers = [await post("/v1/articles", json=GIVEN) for _ in range(3)]
    assert [answer.json()["revision"] for answer in answers] == [1, 1, 1]
    html = {"url": URL, "html": "<article><h1>Harbour open</h1><p>It opened on Friday.</p></article>"}
    corrected = await post("/v1/articles", json=html)
    assert corrected.json() == {"article_id": ID, "revision": 2}
    assert [(page.revision, page.content_type) for page in await pages(desk)] == [(1, "text/plain"), (2, "text/html")]
    store.write([(ID, article(ID, 7))], {0: 1})  # a feed has brought it meanwhile
    assert (await post("/v1/articles", json=GIVEN)).json()["revision"] == 8
    assert len(await pages(desk)) == 3


@pytest.mark.kafka
async def test_a_request_that_comes_again_with_its_key_is_the_same(desk: Desk) -> None:
    headers = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first = await desk.client.post("/v1/articles", json=GIVEN, headers=headers)
    later = await desk.client.post("/v1/articles", json={**GIVEN, "text": "Something else happened."})
    again = await desk.client.post("/v1/articles", json=GIVEN, headers=headers)
    assert [each.json()["revision"] for each in (first, later, again)] == [1, 2, 1]
    other = await desk.client.post("/v1/articles", json={**GIVEN, "title": "x"}, headers=headers)
    assert assert_problem(other, 422, "Idempotency-Key")["type"] == "/docs#key-reused"
    assert len(await pages(desk)) == 2


@pytest.mark.kafka
async def test_many_at_once_are_each_there_once(desk: Desk) -> None:
    wanted = [{"url": f"https://gull.example/{n % 10}", "text": f"Story number {n % 10}."} for n in range(30)]
    answers = await asyncio.gather(*(desk.client.post("/v1/articles", json=each) for each in wanted))
    assert {answer.status_code for answer in answers} == {202}
    found = await pages(desk)
    assert {(page.article_id, page.revision) for page in found} == {(each.json()["article_id"], 1) for each in answers}


@pytest.mark.kafka
async def test_one_that_is_larger_than_a_message_is_refused(desk: Desk) -> None:
    text = '"' * (5 * 1024 * 1024)  # twice that in a message
    assert_problem(await desk.client.post("/v1/articles", json={"url": URL, "html": text}), 413)
    for kind, most in (("text", TEXT_CHARACTERS), ("html", PAGE_CHARACTERS)):
        too_long = {"url": URL, kind: "x" * (most + 1)}
        assert_problem(await desk.client.post("/v1/articles", json=too_long), 413, f"{kind} has at most {most} char")
    assert (await desk.client.post("/v1/articles", json=GIVEN)).status_code == 202


async def test_without_brokers_nothing_is_acknowledged(store: Store) -> None:
    async with running_desk(store, NOWHERE, ("outlet",)) as desk:
        answer = await desk.client.post("/v1/articles", json=GIVEN)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"] == "5"
    with store.engine.connect() as connection:
        assert connection.execute(select(schema.submissions.c.is_stored)).scalar_one() == 0


@pytest.mark.kafka
async def test_what_was_not_acknowledged_goes_out_when_it_comes_again(store: Store, tmp_path: Path) -> None:
    async with running_desk(store, NOWHERE, ("outlet",)) as desk:
        assert (await desk.client.post("/v1/articles", json=GIVEN)).status_code == 503
    async with desk_with_broker(store, tmp_path) as desk:
        assert (await desk.client.post("/v1/articles", json=GIVEN)).json()["revision"] == 1
        assert [page.revision for page in await pages(desk)] == [1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "nonsense"}, "url: "),
        ({"url": "ftp://gull.example/"}, "url: "),
        ({"url": "https:///x"}, "url: "),
        ({"url": "https://gull.example/\ud800"}, "url"),
        ({"text": ""}, "text: there is nothing in it"),
        ({"text": " \n\x00"}, "text: there is nothing in it"),
        ({"text": None}, "either html or text"),
        ({"html": "<p>x</p>"}, "either html or text"),
        ({"title": "x" * 1001}, "title: "),
        ({"authors": ["x"] * 51}, "authors: "),
        ({"published_at": "yesterday"}, "published_at: "),
        ({"published_at": "2026-03-02T08:00:00"}, "published_at: "),
        ({"body": "x"}, "body: "),
    ],
)
async def test_what_cannot_be_handed_in(plain: Desk, change: dict[str, Any], words: str) -> None:
    assert_problem(await post_as_ascii(plain, change), 400, words)


@pytest.mark.parametrize(
    ("content", "coding", "words"),
    [
        (b"[" * 100_000, None, "nested too deeply"),
        (b'{"url": 1' + b"1" * 5000 + b"}", None, "too many digits"),
        (b"\x80\x81", None, "no text"),
        (b"\x1f\x8b\x08\x00", "gzip", "bodies are not decoded here"),
    ],
)
async def test_a_body_that_is_not_even_broken_json(plain: Desk, content: bytes, coding: str | None, words: str) -> None:
    headers = {"Content-Type": "application/json", **({"Content-Encoding": coding} if coding else {})}
    answer = await plain.client.post("/v1/articles", content=content, headers=headers)
    assert_problem(answer, 400, words)
    assert answer.json()["type"] == "/docs#invalid-body"


@pytest.mark.parametrize("text", ["\ud800 and more", "a\x00b", "\x1b[31mred", "\u202e", "x" * 100_000])
async def test_strange_texts_are_no_errors_of_ours(plain: Desk, text: str) -> None:
    answer = await post_as_ascii(plain, {"text": text, "title": text[:900]})
    assert answer.status_code in (400, 503), answer.text


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_keys_of_requests_that_cannot_be(plain: Desk, key: str) -> None:
    answer = await plain.client.post("/v1/articles", json=GIVEN, headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "dempotency-")


async def post_as_ascii(desk: Desk, change: dict[str, Any]) -> httpx.Response:
    """With everything but ASCII as references, so that what is no character can be sent too."""
    content = json.dumps({**GIVEN, **change})
    return await desk.client.post("/v1/articles", content=content, headers={"Content-Type": "application/json"})


async def test_it_needs_a_key_that_may_write(plain: Desk) -> None:
    reader = (await plain.client.post("/v1/keys", json={"name": "r"})).json()["token"]
    async with httpx.AsyncClient(base_url=plain.client.base_url) as client:
        assert_problem(await client.post("/v1/articles", json=GIVEN), 401)
        assert_problem(await client.post("/v1/articles", json=GIVEN, headers=bearer(reader)), 403, "write")
        large = await client.post("/v1/articles", content=b"x" * 300_000)
        assert_problem(large, 401)
        allowed = (await client.options("/v1/articles")).headers["allow"]
    assert allowed == "GET, HEAD, OPTIONS, POST"


@pytest.fixture
async def plain(sqlite: Store) -> AsyncIterator[Desk]:
    """A server without brokers, for what is decided before they are asked."""
    async with running_desk(sqlite, NOWHERE, ()) as running:
        yield running


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('submitting') / 'api.db'}")
    yield opened
    opened.close()


def page(text: str, name: str = "a") -> Page:
    url = f"https://gull.example/{name}"
    source = Source(name="g", domain="gull.example")
    return Page(article_id=article_id(url), url=url, canonical_url=url, source=source, content_type="text/plain",
                content=text, fetched_at=datetime.now(UTC))  # fmt: skip


def test_what_was_removed_comes_back_when_it_is_handed_in_again(store: Store) -> None:
    known = Submissions(store.engine)
    one = page("One.")
    assert known.begin(one, "k").revision == 1
    known.confirm(one.article_id, 1)
    assert known.begin(one, "k").is_stored
    store.write([(one.article_id, article(one.article_id, 1)), (one.article_id, None)], {0: 2})
    assert known.begin(one, "k").revision == 2


def test_nothing_is_kept_for_ever(store: Store) -> None:
    known = Submissions(store.engine)
    known.begin(page("One."), "k", "request")
    with pytest.raises(KeyReusedError):
        known.begin(page("Two."), "k", "request")
    assert known.begin(page("Two."), "another caller", "request").revision == 2
    with store.engine.begin() as connection:
        for table, days in ((schema.submission_keys, 2), (schema.submissions, 31)):
            connection.execute(update(table).values(at=datetime.now(UTC) - timedelta(days=days)))
    known.begin(page("Three.", "other"), "k", "request")
    with store.engine.connect() as connection:
        assert len(connection.execute(select(schema.submission_keys)).all()) == 1
        assert len(connection.execute(select(schema.submissions)).all()) == 1
