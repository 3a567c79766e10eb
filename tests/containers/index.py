"""A package index on loopback, as a mirror is one: its pages name the files of uv.lock, by the lock's own addresses."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PREFIX = "/mirror/simple/"


class Index:
    """The index; ``asked`` holds the packages whose pages were asked for."""

    def __init__(self, lock: Path) -> None:
        self.asked: set[str] = set()
        self.url = ""
        packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
        self._files = {
            each["name"]: [*each.get("wheels", ()), *([each["sdist"]] if "sdist" in each else ())]
            for each in packages
        }  # fmt: skip

    def page(self, package: str) -> bytes | None:
        """The page of PEP 503 for the package."""
        self.asked.add(package)
        files = self._files.get(package)
        if not files:
            return None
        links = (
            f'<a href="{each["url"]}#{each["hash"].replace(":", "=")}">{each["url"].rpartition("/")[2]}</a>'
            for each in files
        )
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


@contextmanager
def package_index(lock: Path) -> Iterator[Index]:
    """The index, while it is served."""
    index = Index(lock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            package = self.path.removeprefix(PREFIX).strip("/")
            page = index.page(package) if self.path.startswith(PREFIX) else None
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
