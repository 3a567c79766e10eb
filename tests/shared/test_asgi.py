"""What a server makes of the first line of a request, over a socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from copydesk_shared.asgi import Scope, bind, serve_asgi

Server = tuple[str, int]


async def tell(scope: Scope, _receive: object, send: object) -> None:
    """Answer with what an application is told of the request."""
    hosts = [value.decode() for name, value in scope["headers"] if name == b"host"]
    told = {name: scope[name] for name in ("path", "method")}
    body = json.dumps(
        {**told, "hosts": hosts, "raw": scope["raw_path"].decode(), "query": scope["query_string"].decode()}
    )
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    listener, stopping = bind("127.0.0.1", 0, "test"), asyncio.Event()
    serving = asyncio.create_task(serve_asgi(tell, listener, stopping, grace_seconds=1))
    yield listener.getsockname()
    stopping.set()
    await serving


async def ask(server: Server, target: str, host: str = "else.example") -> dict[str, object]:
    """What the application is told when this is the target of a request."""
    reader, writer = await asyncio.open_connection(*server)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    found: dict[str, object] = json.loads(
        answer.partition(b"{")[1] + answer.partition(b"{")[2].rpartition(b"}")[0] + b"}"
    )
    return found


@pytest.mark.parametrize(
    ("target", "path", "query", "hosts"),
    [
        ("/v1/articles?tag=a", "/v1/articles", "tag=a", ["else.example"]),
        ("http://News.example:8080/v1/articles?tag=a", "/v1/articles", "tag=a", ["news.example:8080"]),
        ("HTTPS://news.example/a%20b", "/a b", "", ["news.example"]),
        ("http://news.example", "/", "", ["news.example"]),
        ("http://news.example?limit=1", "/", "limit=1", ["news.example"]),
        ("//v1/articles", "//v1/articles", "", ["else.example"]),
    ],
)
async def test_a_whole_address_is_its_path(
    server: Server, target: str, path: str, query: str, hosts: list[str]
) -> None:
    told = await ask(server, target)
    assert (told["path"], told["query"], told["hosts"]) == (path, query, hosts)
    assert str(told["raw"]).startswith("/")


@pytest.mark.parametrize(
    "target", ["*", "ftp://news.example/x", "http://user@news.example/x", "news.example:443", "http://"]
)
async def test_what_is_no_address_of_a_page_is_left_as_it_is(server: Server, target: str) -> None:
    told = await ask(server, target)
    assert (told["raw"], told["hosts"]) == (target, ["else.example"])
