"""What a page becomes depends on the page alone: not on the process, its hash seed, the order or what came before."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from copydesk_cleaner.stage import clean
from copydesk_shared.messages import Page
from copydesk_shared.stage import Emit
from tests.cleaner.pages import GOLDEN, SHARED_DATA, html_page, text_page

OWN_PAGES = Path(__file__).parents[1] / "eval" / "pages"
LIMIT = 100
IN_A_PROCESS = "from tests.cleaner.test_same_bytes import main; main()"


def _pages() -> Iterator[Page]:
    for path in sorted(GOLDEN.glob("*/page.html")):
        whole = path.read_text(encoding="utf-8")
        yield html_page(whole)
        yield html_page(whole, known_titles=("Bridge reopens", "Ferry crews vote"))
    for path in sorted(OWN_PAGES.glob("*.html")):
        yield html_page(path.read_text(encoding="utf-8"))
    for path in sorted(GOLDEN.glob("*/input.txt")):
        yield text_page(path.read_text(encoding="utf-8"))
    for path in sorted((SHARED_DATA / "aeb" / "html").glob("*.html.gz")):
        yield html_page(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))
    seeds = ["Ferry crews meet. ", "READ MORE: Bridge reopens\n", "(Photo: Ann Lee/AP)\n", "By Ann Lee\n"]
    for number in range(LIMIT):
        yield text_page("".join(seeds[(number * 7 + step * step) % 4] for step in range(3 + number % 5)))


def _ordered(order: str) -> list[tuple[int, Page]]:
    """The pages with their numbers: as they come, or backwards and some of them twice."""
    pages = [(number, page) for number, page in zip(range(LIMIT), _pages(), strict=False)]
    return pages if order == "forwards" else pages[::-1] + pages[::7]


def main() -> None:
    """Write the digest of what each page becomes, by its number."""
    found: dict[int, str] = {}
    for number, page in _ordered(sys.argv[1]):
        outcome = clean(page)
        made = outcome.message.model_dump_json() if isinstance(outcome, Emit) else repr(outcome)
        digest = hashlib.sha256(made.encode()).hexdigest()
        assert found.setdefault(number, digest) == digest, f"page {number} became something else the second time"
    sys.stdout.write(json.dumps(found))


def test_output_depends_on_the_page_alone() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", IN_A_PROCESS, order],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for order, seed in (("forwards", "0"), ("backwards", "4294967295"))
    ]
    said = [process.communicate(timeout=110)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    one, other = map(json.loads, said)
    assert len(one) == LIMIT
    assert one == other
