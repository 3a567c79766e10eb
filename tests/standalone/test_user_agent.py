"""Who asks is said honestly: a crawler with a contact, a person as a person, a demo as a demo."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from copydesk_fetcher.contact import PERSONAL
from tests.standalone.test_cli import PAGE, _free_ports, _mistake, copydesk

NAMES = "COPYDESK_FETCHER_USER_AGENT must name whoever runs this and how to reach them"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one page and remembers who asked."""

    agents: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.agents.append(self.headers["user-agent"])
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[tuple[str, list[str]]]:
    class Remembering(Handler):
        agents: ClassVar[list[str]] = []

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remembering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/story", Remembering.agents
        server.shutdown()


@pytest.mark.parametrize(
    "agent", [None, "copydesk/0.1 (+https://copydesk.example/contact)", "bot", "bot (+http://localhost/)"]
)
@pytest.mark.parametrize("with_feeds", [True, False])
def test_up_does_not_start_without_a_contact(agent: str | None, with_feeds: bool, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("feeds:\n  - url: https://news.marrowbay.news/feed.xml\n")
    options = ["--feeds", str(feeds)] if with_feeds else []
    env = {} if agent is None else {"COPYDESK_FETCHER_USER_AGENT": agent}
    error = _mistake(copydesk("up", *options, "--data-dir", str(tmp_path / "data"), *_free_ports(), env=env))
    assert NAMES in error
    assert not (tmp_path / "data").exists()


def test_the_fetcher_does_not_start_without_a_contact() -> None:
    done = subprocess.run([sys.executable, "-m", "copydesk_fetcher"], capture_output=True, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert NAMES in done.stderr.decode()


def test_a_page_for_a_person_is_asked_for_as_just_that(site: tuple[str, list[str]]) -> None:
    url, agents = site
    allowed = {"COPYDESK_FETCHER_ALLOW_NETWORKS": "127.0.0.0/8"}
    assert b"Ferry returns" in copydesk("clean", url, env=allowed).stdout
    named = {**allowed, "COPYDESK_FETCHER_USER_AGENT": "Marrow Bay (desk@marrowbay.news)"}
    assert b"Ferry returns" in copydesk("clean", url, env=named).stdout
    assert agents == [PERSONAL, "Marrow Bay (desk@marrowbay.news)"]
