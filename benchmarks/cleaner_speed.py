"""How many pages a second one core cleans, from HTML to Article, on the pages of the developer data.

``python benchmarks/cleaner_speed.py [rounds]``. The time is processor time; a first round warms up.
"""

import gzip
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from copydesk_cleaner.extract import extract
from copydesk_cleaner.oneshot import page_from
from copydesk_cleaner.rules import tidy
from copydesk_cleaner.stage import clean
from copydesk_cleaner.story import Context, settle
from copydesk_shared.messages import Page

PAGES = Path(__file__).parents[1].parent / "shared" / "data" / "clean" / "aeb" / "html"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def load() -> list[Page]:
    texts = (gzip.decompress(path.read_bytes()).decode("utf-8", "replace") for path in sorted(PAGES.glob("*.html.gz")))
    return [page_from(text, kind="html", url="https://example.org/story", now=NOW) for text in texts]


def rules_only(text: str) -> None:
    story = tidy(text, Context())
    settle(story.text, story.cuts())


def milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def peer(page: Page, *, fast: bool) -> None:
    """What trafilatura alone does: its text and its metadata."""
    trafilatura.bare_extraction(page.content, fast=fast, include_comments=False, with_metadata=True)


def main() -> int:
    pages = load()
    if not pages:
        print(f"no pages at {PAGES}: the developer data is not beside the checkout")
        return 1
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    texts = [extract(page).text for page in pages]
    for page in pages:
        clean(page)
    whole = [milliseconds(lambda page=page: clean(page)) for _ in range(rounds) for page in pages]  # type: ignore[misc]
    rules = [milliseconds(lambda text=text: rules_only(text)) for _ in range(rounds) for text in texts]  # type: ignore[misc]
    peers = {
        "trafilatura fast": [milliseconds(lambda page=page: peer(page, fast=True)) for page in pages],  # type: ignore[misc]
        "trafilatura default": [milliseconds(lambda page=page: peer(page, fast=False)) for page in pages],  # type: ignore[misc]
    }
    print(f"{len(pages)} pages, {rounds} rounds, one process; each page in ms of processor time")
    for name, figures in {"page to article": whole, "text rules alone": rules, **peers}.items():
        mean = statistics.mean(figures)
        p95 = statistics.quantiles(figures, n=20)[18]
        print(f"{name:20} {mean:6.2f} mean {p95:7.2f} p95 {1000 / mean:7.1f} pages/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
