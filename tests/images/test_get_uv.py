"""uv is taken from a package index of the user's, when there is one."""

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from tools import get_uv

WHEEL = {"url": "https://elsewhere.test/files/uv-1.0-py3-none-any.whl", "hash": "sha256:0"}


class Page(BaseHTTPRequestHandler):
    body: ClassVar[str] = ""
    rights: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.rights.append(self.headers["Authorization"])
        self.send_response(200 if self.path == "/simple/uv/" else 404)
        self.end_headers()
        self.wfile.write(self.body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        pass


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()
        thread.join()


def test_the_lock_file_says_where_without_an_index() -> None:
    assert get_uv.address(WHEEL, None) == WHEEL["url"]


def test_an_index_is_asked_for_the_same_file(index: str) -> None:
    Page.body = '<a href="../../f/uv-0.9-py3-none-any.whl">x</a> <a class=b href="../../f/uv-1.0-py3-none-any.whl#sha256=0">y</a>'
    assert (
        get_uv.address(WHEEL, f"http://{index}/") == f"http://{index.removesuffix('/simple')}/f/uv-1.0-py3-none-any.whl"
    )


def test_a_name_and_a_password_are_sent(index: str) -> None:
    Page.rights.clear()
    get_uv.read(f"http://desk:p%40ss@{index}/uv/")
    assert Page.rights == ["Basic " + base64.b64encode(b"desk:p@ss").decode()]


def test_an_index_without_the_file_is_told(index: str) -> None:
    Page.body = "<a href='uv-2.0-py3-none-any.whl'>z</a>"
    with pytest.raises(SystemExit, match=r"the package index has no uv-1\.0-py3-none-any\.whl"):
        get_uv.address(WHEEL, f"http://{index}")
