"""The calls under /v1, over real sockets, on both databases."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from copydesk_api.app import create_app
from copydesk_api.bodies import ArticleList, ChangeList
from copydesk_api.database import database_url, make_engine
from copydesk_api.keys import new_token
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Standing, Store
from copydesk_shared.errors import Retryable
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import COURIER, article, fused_article
from tests.api.servers import serving

PROBLEM = "application/problem+json"


@pytest.fixture
def filled(store: Store) -> Store:
    tags = (("conflict",), ("aviation", "conflict"), ())
    store.write(
        [(f"a{number}", article(f"a{number}", tags=tags[number % 3], minutes=number)) for number in range(9)], {0: 9}
    )
    return store


def article_ids(body: dict[str, Any]) -> list[str]:
    return [item["article_id"] for item in body["items"]]


def follow(client: httpx.Client, url: str) -> Iterator[dict[str, Any]]:
    """The pages of a list by their Link headers."""
    while True:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        if "next" not in answer.links:
            return
        url = answer.links["next"]["url"]


def assert_problem(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert all(word in body["detail"] for word in words), body["detail"]
    return body


@pytest.mark.usefixtures("filled")
def test_a_list_is_the_message_models(client: httpx.Client, filled: Store) -> None:
    filled.write([("fused", fused_article())], {})
    answer = client.get("/v1/articles")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    found = ArticleList.model_validate_json(answer.content)
    assert fused_article() in found.items
    assert found.next is None
    assert "link" not in answer.headers
    assert {"article_id", "paragraphs", "text", "tags", "removals"} <= answer.json()["items"][0].keys()


@pytest.mark.usefixtures("filled")
def test_pages_by_next_and_by_link(client: httpx.Client) -> None:
    pages = list(follow(client, "/v1/articles?limit=4"))
    assert [len(page["items"]) for page in pages] == [4, 4, 1]
    assert [name for page in pages for name in article_ids(page)] == [f"a{number}" for number in range(8, -1, -1)]
    second = client.get("/v1/articles", params={"cursor": pages[0]["next"], "limit": 2}).json()
    assert article_ids(second) == ["a4", "a3"]


@pytest.mark.usefixtures("filled")
def test_filters(client: httpx.Client, filled: Store) -> None:
    filled.write([("c", article("c", source=COURIER, text="A ferry in the fog.", tags=()))], {})

    def found(query: str) -> list[str]:
        return article_ids(client.get(f"/v1/articles?{query}").json())

    assert found("tag=aviation") == ["a7", "a4", "a1"]
    assert found("tag=aviation&tag=conflict&tag_mode=all&limit=2") == ["a7", "a4"]
    assert found("domain=NorthernCourier.example") == ["c"]
    assert found("source=northern+courier&language=EN") == ["c"]
    assert found("q=" + quote('"the fog" ferry')) == ["c"]
    assert found("q=&tag=&domain=northerncourier.example&cursor=") == ["c"]
    pages = list(follow(client, "/v1/articles?tag=conflict&tag=aviation&limit=2&q=copy"))
    assert [name for page in pages for name in article_ids(page)] == ["a7", "a6", "a4", "a3", "a1", "a0"]


@pytest.mark.usefixtures("filled")
def test_one_article(client: httpx.Client, filled: Store) -> None:
    answer = client.get("/v1/articles/a3")
    assert ClassifiedArticle.model_validate_json(answer.content) == article("a3", minutes=3)
    assert_problem(client.get("/v1/articles/nope"), 404, "'nope'")
    assert_problem(client.get("/v1/articles/a%00b"), 404)
    filled.write([("a3", None)], {})
    assert assert_problem(client.get("/v1/articles/a3"), 410, "removed")["type"] == "/docs#gone"


@pytest.mark.usefixtures("filled")
def test_the_change_feed(client: httpx.Client, filled: Store) -> None:
    filled.write([("a0", article("a0", 2, "corrected")), ("a1", None)], {})
    first = client.get("/v1/changes?limit=5")
    rest = client.get(first.links["next"]["url"])
    ChangeList.model_validate_json(first.content)
    items = first.json()["items"] + rest.json()["items"]
    assert [item["position"] for item in items] == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [(item["kind"], item["article_id"], item["revision"]) for item in items[-2:]] == [
        ("article", "a0", 2),
        ("tombstone", "a1", 1),
    ]
    assert items[-1]["article"] is None
    assert items[-2]["article"]["paragraphs"] == ["corrected"]

    back = client.get("/v1/changes", params={"after": rest.json()["next"]}).json()
    assert (back["items"], back["next"]) == ([], rest.json()["next"])
    filled.write([("new", article("new"))], {})
    later = client.get("/v1/changes", params={"after": back["next"]}).json()
    assert [item["article_id"] for item in later["items"]] == ["new"]


def test_an_empty_feed_says_where_to_come_back(client: httpx.Client, store: Store) -> None:
    body = client.get("/v1/changes").json()
    assert body["items"] == []
    store.write([("a", article("a"))], {})
    assert len(client.get("/v1/changes", params={"after": body["next"]}).json()["items"]) == 1


@pytest.mark.usefixtures("filled")
def test_json_feed(client: httpx.Client, filled: Store) -> None:
    filled.write([("fused", fused_article())], {})
    answer = client.get("/v1/feed.json?limit=4&tag=conflict")
    feed = answer.json()
    base = str(client.base_url).rstrip("/")
    assert answer.headers["content-type"] == "application/feed+json"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{base}/v1/feed.json?limit=4&tag=conflict"
    assert feed["home_page_url"] == f"{base}/?tag=conflict"
    item = next(
        item for page in follow(client, "/v1/feed.json?limit=1&tag=prisoner-exchange") for item in page["items"]
    )
    assert item["id"] == "fused"
    assert item["url"] == "https://harbourgull.example/fused"
    assert item["image"] == "https://harbourgull.example/p.jpg"
    assert item["content_text"] == fused_article().text
    assert item["tags"] == ["aviation", "conflict", "prisoner-exchange"]
    assert [tag["label"] for tag in item["_copydesk"]["tags"]] == ["Aviation", "Conflict", "Prisoner exchange"]
    assert item["authors"] == [{"name": "Ada Quill"}, {"name": "Bo Nib"}]
    assert all(isinstance(each["id"], str) and "content_text" in each for each in feed["items"])
    following = client.get(feed["next_url"]).json()
    assert following["items"][0]["id"] not in [each["id"] for each in feed["items"]]
    assert "next_url" not in list(follow(client, "/v1/feed.json?limit=4"))[-1]


def test_the_public_address_stands_in_the_feed(store: Store) -> None:
    store.write([("a", article("a")), ("b", article("b"))], {})
    app = create_app(store, ApiSettings(base_url="https://news.example/desk/"))
    with serving(app) as base_url:
        feed = httpx.get(f"{base_url}/v1/feed.json?limit=1").json()
    assert feed["next_url"].startswith("https://news.example/desk/v1/feed.json?limit=1&cursor=")


@pytest.mark.usefixtures("filled")
def test_tags(client: httpx.Client) -> None:
    assert client.get("/v1/tags").json() == {
        "items": [
            {"tag": "conflict", "label": "Conflict", "count": 6},
            {"tag": "aviation", "label": "Aviation", "count": 3},
        ],
        "next": None,
    }


BAD_REQUESTS = {
    "/v1/articles?tga=conflict": ("tga", "did you mean 'tag'?"),
    "/v1/articles?colour=red": ("colour", "no such parameter"),
    "/v1/articles?page=2&offset=3": ("page", "offset"),
    "/v1/articles/a1?limit=2": ("limit", "no such parameter"),
    "/v1/tags?q=x": ("q",),
    "/v1/changes?afte=x": ("did you mean 'after'?",),
    "/v1/changes?tag=x": ("tag",),
    "/v1/articles?limit=0": ("limit", "greater than or equal to 1"),
    "/v1/articles?limit=201": ("limit", "less than or equal to 200"),
    "/v1/articles?limit=ten": ("limit", "integer"),
    "/v1/articles?limit=1e2": ("limit",),
    "/v1/articles?limit=1&limit=2": ("limit", "more than once"),
    "/v1/articles?q=a&q=b": ("q", "more than once"),
    "/v1/articles?q=%00": ("q", "control characters"),
    "/v1/articles?q=a%00b": ("q", "control characters"),
    f"/v1/articles?q={'a' * 501}": ("q", "500"),
    "/v1/articles?q=%21%21": ("q", "no word to search for"),
    "/v1/articles?q=" + "+".join("a" * 33): ("q", "more than 32"),
    "/v1/articles?tag=a%00": ("tag", "control characters"),
    f"/v1/articles?tag={'a' * 201}": ("tag", "200"),
    "/v1/articles?" + "&".join("tag=a" for _ in range(21)): ("tag", "20"),
    "/v1/articles?tag_mode=some": ("tag_mode", "'any' or 'all'"),
    "/v1/articles?language=english+please": ("language",),
    "/v1/articles?cursor=rubbish": ("cursor", "not a cursor"),
    f"/v1/articles?cursor={'A' * 9000}": ("cursor",),
    "/v1/changes?after=0": ("after", "not a cursor"),
    "/v1/changes?after=%F0%9F%9B%A9": ("after", "not a cursor"),
    "/v1/feed.json?cursor=abcd": ("cursor",),
    "/v1/feed.json?x=1": ("x",),
}


@pytest.mark.parametrize("url", BAD_REQUESTS)
def test_a_bad_request_is_told_what_is_wrong(sqlite_client: httpx.Client, url: str) -> None:
    body = assert_problem(sqlite_client.get(url), 400, *BAD_REQUESTS[url])
    assert {error["parameter"] for error in body["errors"]} <= {
        "tga", "colour", "page", "offset", "limit", "q", "afte", "tag", "tag_mode", "language", "cursor", "after", "x"
    }  # fmt: skip


@pytest.mark.usefixtures("filled")
def test_a_cursor_of_another_list(client: httpx.Client) -> None:
    cursor = client.get("/v1/articles?limit=1&tag=conflict&tag=aviation").json()["next"]
    same = client.get("/v1/articles", params={"cursor": cursor, "limit": 3, "tag": ["aviation", "conflict"]})
    assert same.status_code == 200
    other = client.get("/v1/articles", params={"cursor": cursor, "tag": "aviation"})
    assert assert_problem(other, 400, "other filters")["type"] == "/docs#invalid-cursor"
    assert_problem(client.get("/v1/changes", params={"after": cursor}), 400, "belongs to /v1/articles")


def test_a_cursor_of_a_feed_that_was_built_anew(sqlite_client: httpx.Client, client: httpx.Client) -> None:
    cursor = sqlite_client.get("/v1/changes").json()["next"]
    assert_problem(client.get("/v1/changes", params={"after": cursor}), 400, "built anew")


def test_other_errors_are_problems_too(sqlite_client: httpx.Client) -> None:
    assert_problem(sqlite_client.get("/v1/nothing"), 404)
    assert_problem(sqlite_client.get("/static/../app.py"), 404)
    assert_problem(sqlite_client.get("/static/%2e%2e/pages.py"), 404)
    answer = sqlite_client.post("/v1/tags", json={})
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


class Trouble(Store):
    """A store in which every query fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(make_engine(database_url("sqlite:////nowhere/at/all.db")))
        self._error = error

    def standing(self) -> Standing:
        return Standing("feed", 0, None)

    def articles(self, *_arguments: object) -> Any:
        raise self._error


class Away(Trouble):
    """A store whose database is away."""

    def standing(self) -> Standing:
        raise self._error


def test_a_bug_shows_no_traceback() -> None:
    with serving(create_app(Trouble(RuntimeError("secret of the house")), ApiSettings())) as base_url:
        answer = httpx.get(f"{base_url}/v1/articles")
        page = httpx.get(f"{base_url}/", headers={"accept": "text/html"})
    assert_problem(answer, 500)
    assert page.status_code == 500
    assert page.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in page.headers
    for text in (answer.text, page.text):
        assert "secret" not in text
        assert "Traceback" not in text


@pytest.mark.parametrize("store", [Trouble, Away])
def test_a_database_that_is_away(store: type[Trouble]) -> None:
    with serving(create_app(store(Retryable("db.internal:5432 refused")), ApiSettings())) as base_url:
        answers = [
            httpx.get(f"{base_url}/v1/articles"),
            httpx.get(f"{base_url}/v1/articles", headers={"Authorization": f"Bearer {new_token()}"}),
        ]
    for answer in answers:
        assert assert_problem(answer, 503)["type"] == "/docs#unavailable"
        assert answer.headers["retry-after"] == "5"
        assert "db.internal" not in answer.text
        assert "nowhere" not in answer.text


@pytest.mark.parametrize("path", ["/", "/v1/articles", "/v1/nothing", "/docs", "/static/copydesk.css", "/openapi.json"])
def test_every_answer_has_the_security_headers(sqlite_client: httpx.Client, path: str) -> None:
    headers = sqlite_client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("camera=()")
    assert headers["cache-control"] == "no-cache"


names = st.sampled_from(["q", "tag", "cursor", "after", "limit", "language", "source", "tag_mode", "x"])
values = st.text(max_size=40) | st.sampled_from(
    ['"', '"a', "a*", "NEAR(a b)", "-1", "99999999999999999999", "\x00", "null"]
)
paths = st.sampled_from(["/v1/articles", "/v1/changes", "/v1/feed.json", "/v1/tags", "/", "/v1/articles/a1", "/docs"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=paths, query=st.lists(st.tuples(names, values), max_size=4))
def test_no_query_is_a_server_error(sqlite_client: httpx.Client, path: str, query: list[tuple[str, str]]) -> None:
    answer = sqlite_client.get(f"{path}?{urlencode(query)}")
    assert answer.status_code in (200, 400, 404)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == PROBLEM
        TypeAdapter(dict[str, Any]).validate_json(answer.content)


def test_what_the_documents_hold_reaches_the_client_untouched(client: httpx.Client, store: Store) -> None:
    text = 'quote " backslash \\ brace } newline\nend \u2028 \U0001f6e9 </script>'
    store.write([('i"d', article('i"d', text=text))], {})
    assert client.get("/v1/articles").json()["items"][0]["text"] == text
    change = client.get("/v1/changes").json()["items"][0]
    assert (change["article_id"], change["article"]["text"]) == ('i"d', text)


def test_a_restart_keeps_the_cursors(open_store: Callable[[], Store]) -> None:
    first = open_store()
    first.write([(f"a{number}", article(f"a{number}")) for number in range(4)], {})
    with serving(create_app(first, ApiSettings())) as base_url:
        after = httpx.get(f"{base_url}/v1/changes?limit=2").json()["next"]
        cursor = httpx.get(f"{base_url}/v1/articles?limit=2").json()["next"]
    first.close()
    with serving(create_app(open_store(), ApiSettings())) as base_url:
        changes = httpx.get(f"{base_url}/v1/changes", params={"after": after}).json()
        articles = httpx.get(f"{base_url}/v1/articles", params={"cursor": cursor}).json()
    assert article_ids(changes) == ["a2", "a3"]
    assert article_ids(articles) == ["a1", "a0"]
