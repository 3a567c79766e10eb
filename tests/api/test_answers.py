"""Those who ask the same at the same time are given the same answer, which is made once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import event

from copydesk_api import answers
from copydesk_api.answers import Answers, Known
from copydesk_api.app import create_app
from copydesk_api.records import Standing
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer

FOREVER = 3600.0
PLAIN = {"Accept-Encoding": "identity"}
HERE, BEYOND = Standing("f", 1, datetime.now(UTC)), Standing("f", 2, datetime.now(UTC))
KNOWN = Known('"t"', ())


@dataclass
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(autouse=True)
def _slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may need more than a second between two requests."""
    monkeypatch.setattr(answers, "SECONDS", FOREVER)


@pytest.fixture
def reads(store: Store) -> Iterator[list[str]]:
    """The statements that look at articles or changes."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if any(table in statement for table in ("FROM articles", "JOIN articles", "FROM tag_counts")):
            asked.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield asked
    event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/a", "/v1/changes", "/v1/feed.rss", "/v1/tags"])
def test_the_same_question_reads_no_article_again(
    client: httpx.Client, store: Store, reads: list[str], path: str
) -> None:
    store.write([("a", article("a"))], {})
    first = client.get(path)
    assert reads
    reads.clear()
    second = client.get(path)
    assert not reads
    assert second.content == first.content
    told = ("content-type", "etag", "link", "cache-control", "vary", "content-encoding", "x-content-type-options")
    assert [second.headers.get(name) for name in told] == [first.headers.get(name) for name in told]
    head, got = client.head(path, headers=PLAIN), client.get(path, headers=PLAIN)
    assert head.headers["content-length"] == str(len(got.content))


def test_what_has_changed_is_answered_at_once(client: httpx.Client, store: Store) -> None:
    for number in range(1, 6):
        store.write([(f"a{number}", article(f"a{number}"))], {0: number})
        assert len(client.get("/v1/articles").json()["items"]) == number


def test_a_name_that_somebody_else_asked_by_is_in_no_answer(client: httpx.Client, store: Store) -> None:
    store.write([("a", article("a"))], {})
    assert "evil.example" in client.get("/v1/feed.json", headers={"Host": "evil.example"}).text
    assert "evil.example" not in client.get("/v1/feed.json").text


@pytest.mark.parametrize("path", ["/", "/articles/a", "/v1/keys", "/v1/articles?published_from=7d"])
def test_what_is_shown_to_one_or_changes_with_the_hour_is_made_anew(store: Store, path: str) -> None:
    store.write([("a", article("a"))], {})
    asked: list[str] = []
    with (
        serving(create_app(store, ApiSettings(admin_key=ADMIN))) as url,
        httpx.Client(base_url=url, headers=bearer(ADMIN)) as client,
    ):
        client.get(path)
        event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        assert client.get(path).status_code == 200
    assert [each for each in asked if "FROM positions" not in each]


def test_nothing_is_kept_by_setting(store: Store, reads: list[str]) -> None:
    store.write([("a", article("a"))], {})
    with serving(create_app(store, ApiSettings(answer_bytes=0))) as url, httpx.Client(base_url=url) as client:
        client.get("/v1/articles")
        reads.clear()
        tag = client.get("/v1/articles").headers["etag"]
        assert reads
        assert client.get("/v1/articles", headers={"If-None-Match": tag}).status_code == 304


def test_an_answer_is_given_again_for_a_second_and_its_tag_is_known_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    clock = Clock()
    kept = Answers(100, clock)
    kept.keep(HERE, ("q",), KNOWN, ((), b"body"))
    known = kept.get(HERE, ("q",))
    assert known is not None
    whole = kept.again(known)
    assert whole is not None
    assert whole.body == b"body"
    clock.at = answers.SECONDS
    assert kept.again(known) is None
    assert kept.get(HERE, ("q",)) is known


def test_an_answer_of_another_standing_is_none() -> None:
    kept = Answers(100)
    kept.keep(HERE, ("q",), KNOWN, ((), b"body"))
    assert kept.get(BEYOND, ("q",)) is None
    kept.keep(BEYOND, ("other",), KNOWN, None)
    assert kept.get(HERE, ("q",)) is None
    assert kept.get(BEYOND, ("q",)) is None


def test_bodies_are_held_to_a_size_and_questions_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Answers(10)
    for number in range(5):
        kept.keep(HERE, (str(number),), KNOWN, ((), b"four"))
    assert [kept.get(HERE, (str(number),)) is not None for number in range(5)] == [False, False, False, True, True]
    kept.keep(HERE, ("4",), KNOWN, ((), b"ten bytes!"))
    assert kept.get(HERE, ("3",)) is None
    kept.keep(HERE, ("large",), KNOWN, ((), b"eleven byte"))
    large = kept.get(HERE, ("large",))
    assert large is not None
    assert large.whole is None
    assert kept.get(HERE, ("4",)) is not None
    monkeypatch.setattr(answers, "REMEMBERED", 3)
    for number in range(9):
        kept.keep(HERE, (f"small {number}",), KNOWN, None)
    assert [kept.get(HERE, (f"small {number}",)) is not None for number in range(9)] == [False] * 6 + [True] * 3
