"""A site with many hosts and feeds on loopback, since the key of an entry is its host."""

import re
import threading
from contextlib import AbstractContextManager, ExitStack, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.e2e.site import Site

HOSTS = 12
STORY = re.compile(r"/story/(\d+)$")
FEED = re.compile(r"/feed/(\d+)\.xml$")


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


class Newsroom:
    """``total`` stories over hosts 127.0.0.2 and up, in feeds of ``per_feed``; the first ``published`` are out.

    ``broken`` stories answer with that status.
    """

    def __init__(self, total: int, per_feed: int) -> None:
        self.total = total
        self.per_feed = per_feed
        self.published = 0
        self.broken: dict[int, int] = {}
        self._stack = ExitStack()
        self._port = 0

    def __enter__(self) -> Self:
        newsroom = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asker = self.headers.get("user-agent", "")
                with newsroom.watched(self.connection.getsockname()[0], self.path, asker):
                    self._answer()

            def _answer(self) -> None:
                status, kind, body, tag = newsroom.respond(self.path, self.headers.get("if-none-match"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if tag:
                    self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Silence."""

        for number in range(HOSTS):
            server = _Server((_host(number), self._port), Handler)
            self._port = server.server_port
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            self._stack.callback(thread.join)
            self._stack.callback(server.server_close)
            self._stack.callback(server.shutdown)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def feeds(self) -> int:
        """How many feeds there are."""
        return -(-self.total // self.per_feed)

    def story_url(self, number: int) -> str:
        """Where a story is. The stories of a feed are on one host."""
        return f"{self._base(number // self.per_feed)}/story/{number}"

    def feeds_file(self, interval: str) -> str:
        """The feeds as feeds.yaml."""
        lines = (
            f"  - url: {self._base(feed)}/feed/{feed}.xml\n    name: Feed {feed}\n    interval: {interval}\n"
            for feed in range(self.feeds)
        )
        return "feeds:\n" + "".join(lines)

    def respond(self, path: str, tag: str | None) -> tuple[int, str, bytes, str]:
        """Status, type, body and validator."""
        if story := STORY.match(path):
            status = self.broken.get(int(story[1]), 200)
            page = Site._page(int(story[1])).encode()
            return status, "text/html; charset=utf-8", page if status == 200 else b"no", ""
        if feed := FEED.match(path):
            out = self.stories_of(int(feed[1]))
            current = f'"{len(out)}"'
            if tag == current:
                return 304, "application/rss+xml", b"", current
            return 200, "application/rss+xml", self._feed(out).encode(), current
        return 404, "text/plain", b"", ""

    def stories_of(self, feed: int) -> range:
        """The stories that are out of a feed."""
        first = feed * self.per_feed
        return range(first, max(first, min(self.published, first + self.per_feed)))

    def watched(self, _host: str, _path: str, _asker: str) -> AbstractContextManager[None]:
        """Stands around every answer."""
        return nullcontext()

    def _feed(self, stories: range) -> str:
        items = "".join(
            f"<item><title>Story {number}</title><link>{self.story_url(number)}</link><guid>{number}</guid></item>"
            for number in reversed(stories)
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'

    def _base(self, feed: int) -> str:
        return f"http://{_host(feed % HOSTS)}:{self._port}"


def _host(number: int) -> str:
    return f"127.0.0.{number + 2}"
