"""A news site on loopback for the end-to-end tests: a feed that grows, and its pages."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import escape

STARTED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

SENTENCES = (
    "The council of Marrow Bay met on Tuesday to discuss the future of the old lighthouse on the northern point.",
    "Residents had waited for the decision since the spring, when a storm damaged the roof and the lamp room.",
    "Engineers told the meeting that the walls were sound and that repairs could be finished within two years.",
    "The treasurer warned that the money would have to come from a fund that was meant for the harbour road.",
    "A vote is expected before the end of the month, after a second public hearing in the assembly rooms.",
)


def title(number: int) -> str:
    return f"Lighthouse story number {number} from Marrow Bay"


def paragraphs(number: int) -> list[str]:
    return [f"Report {number}. {sentence}" for sentence in SENTENCES]


class Site:
    """Serves ``/feed.xml`` with the first ``published`` articles, and ``/story/N``. Counts what was asked."""

    def __init__(self) -> None:
        self.published = 0
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                kind, body = site.respond(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def story_url(self, number: int) -> str:
        return f"{self.url}/story/{number}"

    def respond(self, path: str) -> tuple[str, bytes]:
        if path == "/feed.xml":
            return "application/rss+xml", self._feed().encode()
        if path.startswith("/story/"):
            return "text/html; charset=utf-8", self._page(int(path.removeprefix("/story/"))).encode()
        return "text/plain", b""

    def _feed(self) -> str:
        items = "".join(
            f"<item><title>{escape(title(number))}</title><link>{self.story_url(number)}</link><guid>{number}</guid>"
            f"<pubDate>{format_datetime(STARTED + timedelta(minutes=number), usegmt=True)}</pubDate></item>"
            for number in reversed(range(self.published))
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Marrow Bay</title><link>{self.url}</link>{items}</channel></rss>'

    @staticmethod
    def _page(number: int) -> str:
        body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs(number))
        return (
            f"<!doctype html><html lang=en><head><title>{title(number)}</title></head><body><nav><a href=/>Home</a> <a href=/n>News</a></nav>"
            f"<main><article><h1>{title(number)}</h1>{body}</article></main><footer>Copyright Marrow Bay</footer></body></html>"
        )
