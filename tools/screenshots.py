"""``python -m tools.screenshots``: the pictures in docs/images, of the pages of a ``copydesk demo`` that it starts.

Takes two minutes, and needs Chromium: the plots are to have something to show.
"""

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from copydesk_shared.errors import InputError
from copydesk_standalone.probes import free_port

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST_BYTES = 150_000
QUALITY = 82
SECONDS = 120.0
START_SECONDS = 120.0
STOP_SECONDS = 30.0
EVERY_SECONDS = 12.0
HEALTH = re.compile(r"health http://([\d.:]+)/readyz")
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


@dataclass(frozen=True)
class Picture:
    """A page as it is to be seen: in a window of so many pixels, from the top or from a place in it."""

    name: str
    path: str
    colours: str = "light"
    width: int = 1200
    height: int = 900


@dataclass(frozen=True)
class Demo:
    """A running demo: the address of its page, and what it said so far."""

    site: str
    said: list[str]

    def health(self) -> list[str]:
        """The ``HOST:PORT`` where its services tell how they are, when it is all there."""
        give_up = time.monotonic() + START_SECONDS
        while not any(line.startswith("web page") for line in self.said):
            if time.monotonic() > give_up:
                raise InputError(f"the demo is not ready after {START_SECONDS:g} s")
            time.sleep(0.2)
        return HEALTH.findall("".join(self.said))


@contextmanager
def demo() -> Iterator[Demo]:
    """A demo that runs until the end."""
    port, kafka_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="copydesk-pictures-", ignore_cleanup_errors=True) as folder:
        command: Sequence[str] = (
            sys.executable, "-m", "copydesk_standalone", "demo", "--data-dir", folder, "--api-port", str(port),
            "--kafka-port", str(kafka_port), "--every", str(EVERY_SECONDS),
        )  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - our own program
            said: list[str] = []
            reader = threading.Thread(target=lambda: said.extend(running.stdout or ()))
            reader.start()
            try:
                yield Demo(f"http://127.0.0.1:{port}", said)
            finally:
                running.send_signal(signal.SIGINT)
                running.wait(STOP_SECONDS)
                reader.join()
                sys.stderr.write("".join(said))


def articles(site: str) -> list[dict[str, Any]]:
    """Those that are there; none while nobody answers."""
    try:
        with urllib.request.urlopen(f"{site}/v1/articles?limit=200", timeout=10) as answer:  # noqa: S310 - of loopback
            found: list[dict[str, Any]] = json.load(answer)["items"]
    except OSError:
        return []
    return found


def pictures(found: Sequence[dict[str, Any]]) -> list[Picture]:
    """What to take: the article is the one of which most sorts of things were cut, with most tags."""

    def shows(article: dict[str, Any]) -> tuple[int, int, str]:
        kinds = {removal["kind"] for removal in article["removals"]} - {"whitespace"}
        return len(kinds) + min(len(article["tags"]), 3), len(article["removals"]), article["article_id"]

    best = max(found, key=shows)
    return [
        Picture("feed", "/"),
        Picture("article", f"/articles/{quote(best['article_id'])}?removed=1", height=1040),
        Picture("pipeline", "/pipeline", height=1090),
        Picture("phone", f"/articles/{quote(best['article_id'])}?removed=1", colours="dark", width=390, height=844),
    ]


def take(browser: Browser, site: str, picture: Picture) -> bytes:
    """The picture as WebP."""
    size: Any = {"width": picture.width, "height": picture.height}
    scheme: Any = picture.colours
    page: Page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(f"{site}{picture.path}")
    page.wait_for_load_state("networkidle" if picture.path != "/" else "load")
    return captured(page)


def captured(page: Page) -> bytes:
    """What the page shows in its window, as WebP; it is closed."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    page.context.close()
    return base64.b64decode(taken["data"])


def main() -> int:
    """Take them all. Returns the exit code."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("copydesk: error: Chromium is not installed\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    with demo() as running, sync_playwright() as playwright:
        time.sleep(SECONDS)
        site = running.site
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for picture in pictures(articles(site)):
            data = take(browser, site, picture)
            (FOLDER / f"{picture.name}.webp").write_bytes(data)
            sys.stdout.write(f"{picture.name}.webp: {len(data):,} bytes\n")
            if len(data) > LARGEST_BYTES:
                sys.stderr.write(f"copydesk: error: {picture.name}.webp is larger than {LARGEST_BYTES:,} bytes\n")
                return 1
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
