"""The cleaner beside other extractors, on the same pages in one run: how much of the story, and how fast.

``python benchmarks/clean.py`` prints a table: F1 of shingles of four words, as the article-extraction-benchmark of
Scrapinghub (https://github.com/scrapinghub/article-extraction-benchmark) takes it, and pages per second of processor
time. The cleaner also makes metadata, pictures and an account of its cuts in that time; the others are asked for text.
``--scaling N`` measures N worker processes against one, beside what the machine can do with N processes on their own,
``--memory N`` cleans N pages in one process and tells how much
memory it has on the way. The pages are those of the developer data beside the checkout, in ``../shared``.
"""

import argparse
import asyncio
import functools
import gzip
import importlib
import json
import logging
import os
import re
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice, product
from pathlib import Path
from typing import Any

import psutil
from lxml import html as lxml_html

from copydesk_cleaner.extract import extract
from copydesk_cleaner.extraction.fragment import blocks
from copydesk_cleaner.oneshot import page_from
from copydesk_cleaner.rules import tidy
from copydesk_cleaner.stage import clean
from copydesk_cleaner.story import Context, settle
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.workers import WorkerPool

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "clean"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
WORD = re.compile(r"\w+")
SHINGLE = 4
SAMPLES = 10

Extractor = Callable[[Page], str]
Spent = tuple[float, float, float]  # seconds: by the clock, of the workers' processors, of the parent's


@dataclass(frozen=True)
class Sample:
    """A page and the body that people or hand-written parsers say it has."""

    page: Page
    gold: str
    english: bool


@dataclass(frozen=True)
class Outcome:
    """The F1 of each set, and how many pages ended in an error."""

    f1: dict[str, float]
    failed: int


def load(name: str) -> Iterator[Sample]:
    """The pages of one set, read one by one."""
    folder = DATA / name
    told = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    return (_sample(folder, each) for each in told)


def _sample(folder: Path, told: dict[str, Any]) -> Sample:
    content = gzip.decompress((folder / "html" / f"{told['id']}.html.gz").read_bytes()).decode("utf-8", "replace")
    page = page_from(content, kind="html", url=told.get("url") or "https://example.org/story", now=NOW)
    return Sample(page, "\n".join(told["paragraphs"]), told.get("lang") == "en")


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The runs of four words of a text, counted; the whole of a shorter one."""
    words = WORD.findall(text)
    runs = range(max(1, len(words) - SHINGLE + 1)) if words else range(0)
    return Counter(tuple(words[start : start + SHINGLE]) for start in runs)


def f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The F1 of mean precision and mean recall over pairs of gold and found text."""
    precisions, recalls = [], []
    for gold, found in pairs:
        wanted, got = shingles(gold), shingles(found)
        both = (wanted & got).total()
        precisions += [both / got.total()] if got else []
        recalls += [both / wanted.total()] if wanted else []
    precision, recall = statistics.mean(precisions or [0]), statistics.mean(recalls or [0])
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def copydesk(page: Page) -> str:
    """The cleaner, from HTML to Article."""
    outcome = clean(page)
    return outcome.message.text if isinstance(outcome, Emit) else ""


def trafilatura(*, fast: bool) -> Extractor:
    """The text by trafilatura, in its default or its fast mode."""
    module = importlib.import_module("trafilatura")

    def found(page: Page) -> str:
        return module.extract(page.content, fast=fast, include_comments=False) or ""

    return found


def newspaper() -> Extractor:
    """The text by newspaper4k, which must not fetch anything."""
    module = importlib.import_module("newspaper")

    def found(page: Page) -> str:
        article = module.Article(page.url, fetch_images=False)
        article.download(input_html=page.content)
        article.parse()
        return str(article.text)

    return found


def readability() -> Extractor:
    """The text by readability-lxml, which answers with HTML."""
    module = importlib.import_module("readability")

    def found(page: Page) -> str:
        return blocks(lxml_html.fromstring(module.Document(page.content).summary()))

    return found


def resiliparse() -> Extractor:
    """The text by resiliparse's main content extraction."""
    module = importlib.import_module("resiliparse.extract.html2text")

    def found(page: Page) -> str:
        return str(module.extract_plain_text(page.content, main_content=True, alt_texts=False, links=False))

    return found


TOOLS: dict[str, Callable[[], Extractor]] = {
    "Copydesk": lambda: copydesk,
    "trafilatura": functools.partial(trafilatura, fast=False),
    "trafilatura fast": functools.partial(trafilatura, fast=True),
    "newspaper4k": newspaper,
    "readability-lxml": readability,
    "resiliparse": resiliparse,
}


def timed(tools: dict[str, Extractor], samples: Sequence[Sample], rounds: int) -> dict[str, list[float]]:
    """The processor time of each tool on each page, in seconds, after a round that warms up.

    The tools take turns at every page, so that what else the machine does hits all of them alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    for number in range(rounds + 1):
        for sample, (name, tool) in product(samples, tools.items()):
            start = time.process_time()
            attempt(tool, sample.page)
            if number:
                seconds[name].append(time.process_time() - start)
    return seconds


def scored(tool: Extractor, sets: dict[str, list[Sample]]) -> Outcome:
    """What a tool finds on the pages."""
    scores, failed = {}, 0
    for name, samples in sets.items():
        found = [attempt(tool, sample.page) for sample in samples]
        failed += found.count(None)
        pairs = [(sample.gold, text or "") for sample, text in zip(samples, found, strict=True)]
        scores[name] = f1(pairs)
        english = [pair for pair, sample in zip(pairs, samples, strict=True) if sample.english]
        if english:
            scores[f"{name}, English"] = f1(english)
    return Outcome(scores, failed)


def there() -> dict[str, Extractor]:
    """The tools that are installed; the others are named."""
    tools = {}
    for name, made in TOOLS.items():
        try:
            tools[name] = made()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return tools


def attempt(tool: Extractor, page: Page) -> str | None:
    """What the tool finds, or ``None`` when it gives up: peers raise whatever their parts raise."""
    try:
        return tool(page)
    except (ValueError, TypeError, LookupError, AttributeError, ImportError, RuntimeError):
        return None


def compare(rounds: int) -> None:
    """Print the table of tools."""
    sets = {"AEB": list(load("aeb")), "fundus": list(load("fundus"))}
    counts = ", ".join(f"{len(samples)} {name}" for name, samples in sets.items())
    print(f"{counts} pages; F1 of shingles of {SHINGLE} words; processor time on the AEB pages, {rounds} rounds\n")
    tools = there()
    header = f"{'':18}{'AEB':>8}{'fundus':>8}{'English':>9}{'pages/s':>9}{'ms mean':>9}{'ms p95':>9}  failed"
    print(header)
    seconds = timed(tools, sets["AEB"], rounds)
    for name, tool in tools.items():
        outcome = scored(tool, sets)
        milliseconds = [1000 * each for each in seconds[name]]
        mean = statistics.mean(milliseconds)
        scores = (outcome.f1["AEB"], outcome.f1["fundus"], outcome.f1["fundus, English"])
        print(
            f"{name:18}{scores[0]:8.4f}{scores[1]:8.4f}{scores[2]:9.4f}{1000 / mean:9.1f}{mean:9.2f}"
            f"{statistics.quantiles(milliseconds, n=20)[18]:9.2f}{outcome.failed:8}"
        )
    rules = statistics.mean(rules_time([sample.page for sample in sets["AEB"]]))
    print(f"\nThe text rules alone take {1000 * rules:.2f} ms of an AEB page.")


def rules_time(pages: Sequence[Page]) -> Iterator[float]:
    """The processor time of the text rules on each page's text, in seconds."""
    texts = [extract(page).text for page in pages]
    for text in texts * 2:
        start = time.process_time()
        story = tidy(text, Context())
        settle(story.text, story.cuts())
        yield time.process_time() - start


async def scaling(workers: int, rounds: int) -> None:
    """Print what one worker process of the service's pool cleans and what so many do, in turns.

    Where others use the processors too, only processor time tells: what the pages cost the workers and the parent.
    The ceiling is what processes reach that clean the same pages on their own: processors share caches and memory.
    """
    pages = [sample.page for sample in load("aeb")]
    numbers = (1, workers)
    pools = {number: WorkerPool(clean, number, deadline_seconds=60) for number in numbers}
    alone = {number: WorkerPool(clean_own, number, deadline_seconds=600) for number in numbers}
    await pools[workers].warm_up()
    spent: dict[int, list[Spent]] = {number: [] for number in numbers}
    ceiling: dict[int, list[float]] = {number: [] for number in numbers}
    for turn, number in product(range(rounds + 1), numbers):
        spent[number] += [await through(pools[number], number, pages)][not turn :]
        wall, *_ = await through(alone[number], number, pages[:1] * number)
        ceiling[number] += [wall / number][not turn :]
    for number in numbers:
        wall, work, parent = (1000 * statistics.median(part) / len(pages) for part in zip(*spent[number], strict=True))
        print(
            f"{number} worker{'s' if number > 1 else ''}: {1000 / wall:.1f} pages/s; processor time of a page "
            f"{work:.2f} ms in the workers, {parent:.2f} ms in the parent"
        )
    ratio = statistics.median(one[0] / many[0] for one, many in zip(spent[1], spent[workers], strict=True))
    most = statistics.median(one / many for one, many in zip(ceiling[1], ceiling[workers], strict=True))
    print(
        f"{ratio:.2f} times one worker, where {workers} processes on their own reach {most:.2f} times one; {rounds} "
        f"rounds, on {psutil.cpu_count()} processors; load {os.getloadavg()[0]}"
    )


@functools.cache
def own_pages() -> Sequence[Page]:
    """The AEB pages, read by this process."""
    return [sample.page for sample in load("aeb")]


def clean_own(_: Page) -> Drop:
    """Clean the pages that this process has read itself, without a word to its parent."""
    for page in own_pages():
        clean(page)
    return Drop(DropReason.NO_ARTICLE)


async def through(pool: WorkerPool, hands: int, pages: Sequence[Page]) -> Spent:
    """What it takes to clean the pages, so many at a time."""
    waiting = iter(pages)

    async def hand() -> None:
        for page in waiting:
            await pool(page)

    parent = psutil.Process()
    workers = parent.children()
    start = time.perf_counter(), _processor(workers), _processor([parent])
    await asyncio.gather(*(hand() for _ in range(hands)))
    end = time.perf_counter(), _processor(workers), _processor([parent])
    return end[0] - start[0], end[1] - start[1], end[2] - start[2]


def _processor(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))


def memory(number: int) -> None:
    """Print the memory of this process while it cleans so many pages of all sets, round and round."""
    rounds = (sample.page for _ in count() for name in ("aeb", "fundus", "wcxb_articles") for sample in load(name))
    process, done = psutil.Process(), 0
    for part in range(1, SAMPLES + 1):
        target = number * part // SAMPLES
        for page in islice(rounds, target - done):
            clean(page)
        done = target
        print(f"{done:8} pages: {process.memory_info().rss / 2**20:6.0f} MB", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description="The cleaner beside other extractors, on the same pages.")
    parser.add_argument("--rounds", type=int, default=3, help="how often the AEB pages are cleaned (default 3)")
    parser.add_argument("--scaling", type=int, metavar="N", help="instead: N worker processes against one")
    parser.add_argument("--memory", type=int, metavar="N", help="instead: the memory of one process over N pages")
    options = parser.parse_args(arguments)
    if not (DATA / "aeb" / "gold.json").is_file():
        print("clean.py: there is no ../shared/data/clean beside the checkout, so there are no pages", file=sys.stderr)
        return 2
    logging.disable(logging.CRITICAL)  # peers complain about single pages
    warnings.simplefilter("ignore")
    if options.memory:
        memory(options.memory)
    elif options.scaling:
        asyncio.run(scaling(options.scaling, options.rounds))
    else:
        compare(options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
