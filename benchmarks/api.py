"""What the REST feed costs: requests a second and the 99th percentile, beside a bare FastAPI route of the same bytes.

The load comes from ``wrk`` (a Debian package): ``--connections`` keep-alive connections for ``--seconds``, over and
over one request. Each server is one process. A case is asked of both in turn, ``--rounds`` times; the figures are
medians, and what counts is the ratio of a row. Each answer is made anew, but for the last case. The database is filled
through the store: invented articles of 250 words of a vocabulary in which few words are common, 30 % of them with the
tag that is asked for.

Run: ``.venv/bin/python -m benchmarks.api [--articles 1000000] [--postgres] [--seconds 5] [--rounds 3]``;
``--database-url`` takes one that was filled before (``--keep FOLDER`` leaves a SQLite file).
"""

import argparse
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article
from tests.api.servers import running_postgres

BATCH = 500
PAGE = 20
DEEP = 5_000
WORDS = 250
VOCABULARY = 8_000
TAGS = (("conflict", 0.3), ("aviation", 0.05), ("prisoner-exchange", 0.0005))
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
SLOWEST = re.compile(r"99%\s+([\d.]+)(us|ms|s)\b")
FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*")
MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Case:
    """A request: what it is called, which server it goes to, what it asks and the entity tag it brings."""

    name: str
    base: str
    path: str
    tag: str = ""


@dataclass(frozen=True)
class Load:
    """What one run of the load generator saw."""

    per_second: float
    p99_ms: float


def invented(number: int, source: random.Random) -> ClassifiedArticle:
    """Article of that number, a minute younger than the one before."""
    words = (min(int(source.paretovariate(0.5)), VOCABULARY - 1) for _ in range(WORDS))
    tags = [tag for tag, share in TAGS if source.random() < share]
    made = article(f"a{number}", text=" ".join(f"w{word}" for word in words), tags=tags, minutes=number)
    return made.model_copy(update={"simhash": f"{source.getrandbits(64):016x}"})


def fill(store: Store, count: int) -> float:
    """Write so many articles; articles a second."""
    source, begun = random.Random(3), time.perf_counter()
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        store.write([(f"a{number}", invented(number, source)) for number in numbers], {0: numbers[-1] + 1})
    return count / (time.perf_counter() - begun)


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.api_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def asked(url: str, tag: str = "") -> httpx.Response:
    """The answer to a request that brings an entity tag, or none."""
    answer = httpx.get(url, headers={"If-None-Match": tag} if tag else {}, timeout=120)
    if answer.is_error:
        raise SystemExit(f"{url}: {answer.text}")
    return answer


def deep_cursor(base: str, pages: int) -> str:
    """The cursor of the page after so many."""
    left, cursor = pages * PAGE, ""
    while left:
        limit = min(200, left)
        following = asked(f"{base}/v1/articles?limit={limit}{cursor}").json()["next"]
        if following is None:
            raise SystemExit(f"there are fewer than {pages} pages of {PAGE}")
        cursor, left = f"&cursor={following}", left - limit
    return cursor


def cases_of(base: str, remembering: str, count: int) -> list[Case]:
    """The cases; ``remembering`` is a server that gives answers again, the other makes each anew."""
    pages = min(DEEP, count // PAGE // 2)
    first = f"/v1/articles?limit={PAGE}"
    return [
        Case("first page", base, first),
        Case(f"page {pages:,} by cursor", base, first + deep_cursor(base, pages)),
        Case("tag filter", base, f"{first}&tag=conflict"),
        Case("rare tag", base, f"{first}&tag=prisoner-exchange"),
        Case("search, common word", base, f"{first}&q=w1"),
        Case("search, rare word", base, f"{first}&q=w7000"),
        Case("304", base, first, asked(base + first).headers["ETag"]),
        Case("changes", base, f"/v1/changes?limit={PAGE}"),
        Case("first page, given again", remembering, first),
    ]


def load(url: str, tag: str, seconds: int, connections: int) -> Load:
    """One run with an entity tag, or none."""
    return load_with(url, f"If-None-Match: {tag}" if tag else "", seconds, connections)


def load_with(url: str, header: str, seconds: int, connections: int) -> Load:
    """One run of wrk with a header, or none. Raises :class:`SystemExit` when an answer is none."""
    headers = ["-H", header] if header else []
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", *headers, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate, slowest, failed = RATE.search(said), SLOWEST.search(said), FAILED.search(said)
    if rate is None or slowest is None or failed is not None:
        raise SystemExit(f"{url}: {said}")
    return Load(float(rate[1]), float(slowest[1]) * MS[slowest[2]])


def median(loads: Sequence[Load]) -> Load:
    return Load(statistics.median(each.per_second for each in loads), statistics.median(each.p99_ms for each in loads))


def compare(cases: Sequence[Case], given: argparse.Namespace) -> None:
    """Print a table: each case of ours, of the bare route, and their ratio."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for number, case in enumerate(cases):
            (Path(folder) / str(number)).write_bytes(asked(case.base + case.path, case.tag).content)
        other = stack.enter_context(served("bare", folder))
        print(f"{'':26}{'ours':>18}{'bare route':>20}{'ratio':>8}")
        print(f"{'':26}{'req/s':>8}{'p99 ms':>10}{'req/s':>10}{'p99 ms':>10}")
        for number, case in enumerate(cases):
            rows: tuple[list[Load], list[Load]] = ([], [])
            for _ in range(given.rounds):
                for row, url in zip(rows, (case.base + case.path, f"{other}/{number}"), strict=True):
                    row.append(load(url, case.tag, given.seconds, given.connections))
            one, two = map(median, rows)
            print(f"{case.name:26}{one.per_second:8.0f}{one.p99_ms:10.1f}{two.per_second:10.0f}{two.p99_ms:10.1f}"
                  f"{one.per_second / two.per_second:8.2f}", flush=True)  # fmt: skip


def database(given: argparse.Namespace, stack: ExitStack) -> str:
    if given.database_url:
        return str(given.database_url)
    if given.postgres:
        return stack.enter_context(running_postgres())
    return f"sqlite:///{given.keep or stack.enter_context(tempfile.TemporaryDirectory())}/api.db"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own, not SQLite")
    parser.add_argument("--database-url", help="this database, which is filled already")
    parser.add_argument("--keep", help="a folder for the SQLite file, which stays")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian package wrk)")
    with ExitStack() as stack:
        url = database(given, stack)
        if not given.database_url:
            store = Store.open(url)
            print(f"{given.articles:,} articles written at {fill(store, given.articles):.0f}/s")
            store.close()
        anew = stack.enter_context(served("ours", url, "0"))
        remembering = stack.enter_context(served("ours", url, str(ApiSettings().answer_bytes)))
        compare(cases_of(anew, remembering, given.articles), given)


if __name__ == "__main__":
    main()
