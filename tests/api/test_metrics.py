"""What is counted of requests: each once, by its route, whoever answers it."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from copydesk_api.app import create_app
from copydesk_api.metrics import NO_ROUTE, Counted, Templates
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article
from tests.api.servers import serving


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"copydesk_api_{name}", labels) or 0.0


def requests(route: str, status: str, method: str = "GET") -> float:
    return counted("requests_total", route=route, method=method, status=status)


def timed(route: str) -> float:
    return counted("request_seconds_count", route=route)


@pytest.fixture
def client(store: Store) -> Iterator[httpx.Client]:
    store.write([("a1", article("a1"))], {0: 1})
    with serving(create_app(store, ApiSettings())) as url, httpx.Client(base_url=url) as http:
        yield http


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/", "/", "2xx"),
        ("GET", "/v1/articles?limit=1", "/v1/articles", "2xx"),
        ("HEAD", "/v1/articles", "/v1/articles", "2xx"),
        ("GET", "/v1/articles?colour=red", "/v1/articles", "4xx"),
        ("GET", "/v1/articles/a1", "/v1/articles/{article_id}", "2xx"),
        ("GET", "/v1/articles/gone", "/v1/articles/{article_id}", "4xx"),
        ("GET", "/v1/articles.ndjson", "/v1/articles.ndjson", "2xx"),
        ("GET", "/articles/a1", "/articles/{article_id}", "2xx"),
        ("GET", "/static/copydesk.css", "/static/{path:path}", "2xx"),
        ("GET", "/openapi.json", "/openapi.json", "2xx"),
        ("POST", "/v1/webhooks", "/v1/webhooks", "4xx"),
        ("GET", "/nowhere/a1", NO_ROUTE, "4xx"),
        ("BREW", "/v1/articles", "/v1/articles", "4xx"),
    ],
)
def test_a_request_counts_once_by_its_route(
    client: httpx.Client, method: str, path: str, route: str, status: str
) -> None:
    told = method if method != "BREW" else "other"
    before, timed_before = requests(route, status, told), timed(route)
    assert client.request(method, path).status_code // 100 == int(status[0])
    assert (requests(route, status, told), timed(route)) == (before + 1, timed_before + 1)


def test_what_is_answered_from_memory_and_what_is_refused_counts(client: httpx.Client) -> None:
    tag = client.get("/v1/tags").headers["etag"]
    before = requests("/v1/tags", "3xx")
    assert client.get("/v1/tags", headers={"if-none-match": tag}).status_code == 304
    assert requests("/v1/tags", "3xx") == before + 1
    before = requests("/v1/tags", "4xx")
    assert client.get("/v1/tags", headers={"authorization": "Bearer nobody's"}).status_code == 401
    assert requests("/v1/tags", "4xx") == before + 1


def test_those_that_wait_are_in_flight_and_have_no_latency(client: httpx.Client) -> None:
    before, streams, timed_before = counted("requests_in_flight"), requests("/v1/stream", "2xx"), timed("/v1/changes")
    with client.stream("GET", "/v1/stream") as stream:
        lines = stream.iter_lines()  # the stream ends with it
        assert next(lines)
        assert counted("requests_in_flight") == before + 1
        assert requests("/v1/stream", "2xx") == streams + 1
    end = client.get("/v1/changes").json()["next"]
    assert client.get("/v1/changes", params={"after": end, "wait": "1"}).status_code == 200
    assert timed("/v1/changes") == timed_before + 1


async def test_a_bug_is_a_5xx_and_is_not_in_flight_any_more() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        raise AssertionError

    before, in_flight = requests("/broken", "5xx"), counted("requests_in_flight")
    scope = {"type": "http", "method": "GET", "path": "/broken", "query_string": b""}
    with pytest.raises(RuntimeError):
        await Counted(broken, [Route("/broken", broken)])(scope, receive, send)
    assert (requests("/broken", "5xx"), counted("requests_in_flight")) == (before + 1, in_flight)


def test_the_first_route_that_fits_is_the_one() -> None:
    def nothing() -> None: ...

    paths = ("/v1/keys/{key_id}", "/v1/keys/{key_id}/rotate", "/a/{x}", "/v1/keys")
    templates = Templates([*(Route(path, nothing) for path in paths), Mount("/files", routes=[])])
    asked = {
        "/v1/keys": "/v1/keys", "/v1/keys/k": "/v1/keys/{key_id}", "/v1/keys/k/rotate": "/v1/keys/{key_id}/rotate",
        "/a/b": "/a/{x}", "/a/b/c": NO_ROUTE, "/files/x/y": "/files/{path:path}", "/": NO_ROUTE, "": NO_ROUTE,
        "/v1": NO_ROUTE, "*": NO_ROUTE,
    }  # fmt: skip
    assert {path: templates.of(path) for path in asked} == asked
