"""The programs of docs/subscribing.md are run, and print what stands there."""

import asyncio
import itertools
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import dead_letter
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.identity import article_id
from copydesk_shared.kafka import connect, ensure_topics
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.topics import ALL_TOPICS, CLASSIFIED, FETCHED
from copydesk_shared.wire import encode, tombstone
from copydesk_standalone.broker.process import BrokerProcess, start
from tests import npm
from tests.tiers import unavailable
from tools.contract import samples

pytestmark = [pytest.mark.kafka, pytest.mark.kcat]

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "subscribing.md"
WRITTEN_ADDRESS = "127.0.0.1:9092"
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Program:
    """A program of the page and what it is said to print."""

    language: str
    source: str
    output: tuple[str, ...]

    @property
    def follows(self) -> bool:
        """Whether it goes on until it is interrupted: it does when it has a consumer group."""
        return "group" in self.source


def programs() -> list[Program]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    pairs = list(zip(fences[::2], fences[1::2], strict=True))
    assert {output[0] for _, output in pairs} == {"text"}, "each program is followed by what it prints"
    return [Program(code[0], code[1], tuple(output[1].splitlines())) for code, output in pairs]


PROGRAMS = programs()


def article(name: str, revision: int, title: str) -> ClassifiedArticle:
    """A revision of an article; the one of the sample keeps its address."""
    sample = samples.MESSAGES[ClassifiedArticle]
    assert isinstance(sample, ClassifiedArticle)
    url = f"https://courier.example/{name}"
    said = {"article_id": article_id(url), "url": url, "canonical_url": url, "revision": revision, "title": title}
    return sample.model_copy(update=said if name == "airport-reopens" else {**said, "tags": ()})


def told() -> list[Outgoing]:
    """Three articles: one is revised twice, with a repeat and with a revision that comes late; one is withdrawn."""
    airport = [
        article("airport-reopens", 1, "Harbour airport reopens after nine days"),
        article("airport-reopens", 2, "Harbour airport reopens"),
        article("airport-reopens", 3, "Harbour airport is open"),
    ]
    choir, fares = article("choir", 1, "Choir sings in the fish hall"), article("fares", 1, "Ferry fares to rise")
    first, second, third = (_record(each) for each in airport)
    gone = tombstone(CLASSIFIED, fares.article_id, stage="classifier")
    return [first, _record(choir), _record(fares), first, second, first, third, gone]


def _record(message: ClassifiedArticle) -> Outgoing:
    return encode(CLASSIFIED, message, stage="classifier", version="1")


async def publish(brokers: Brokers, records: Sequence[Outgoing]) -> None:
    await ensure_topics(brokers)
    async with connect(brokers, client_id="test") as log:
        for record in records:
            await (await log.send(record))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with the topics, the articles and a dead letter."""
    bad = Record(FETCHED.name, 0, 0, b"k", b"{")
    letter = dead_letter(bad, stage="cleaner", reason=DeadLetterReason.UNDECODABLE, error="not a Page")
    with start(tmp_path_factory.mktemp("subscribing") / "broker") as running:
        asyncio.run(publish(Brokers(running.address), [*told(), letter]))
        yield running


def command(language: str) -> tuple[list[str], Path]:
    """How a program of the language is run, and where; the program is the last argument."""
    match language:
        case "python":
            return [sys.executable, "-W", "error", "-c"], ROOT
        case "js":
            return ["node", "--input-type=module", "--eval"], npm.install(ROOT / "tests" / "clients" / "js")
        case "sh":
            _ = shutil.which("kcat") or unavailable("kcat", "kcat is not installed (Debian: apt install kcat)")
            return ["bash", "-o", "pipefail", "-c"], ROOT
    raise AssertionError(f"no test can run {language}")


def printed(words: Sequence[str], folder: Path, lines: int | None) -> tuple[str, ...]:
    """What a program prints until it ends; with ``lines`` it is interrupted after so many."""
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as running:
        assert running.stdout is not None
        timer = threading.Timer(DEADLINE_SECONDS, running.kill)
        timer.start()
        found = list(itertools.islice(running.stdout, lines))
        if lines is not None:
            running.send_signal(signal.SIGINT)
        rest, complaints = running.communicate()
        timer.cancel()
    assert (running.returncode, complaints) == (0, ""), found
    return tuple(line.rstrip() for line in [*found, *rest.splitlines()])


def by_key(lines: Sequence[str]) -> Mapping[str, list[str]]:
    """The lines by their first word: there is no order between keys."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        found[line.split(maxsplit=1)[0]].append(line)
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=[f"{number}-{each.language}" for number, each in enumerate(PROGRAMS)])
def test_it_prints_what_the_page_says(broker: BrokerProcess, program: Program) -> None:
    words, folder = command(program.language)
    assert WRITTEN_ADDRESS in program.source
    source = program.source.replace(WRITTEN_ADDRESS, broker.address)
    lines = len(program.output) if program.follows else None
    assert by_key(printed([*words, source], folder, lines)) == by_key(program.output)


def test_the_page_has_programs_of_all_kinds() -> None:
    assert {(each.language, each.follows) for each in PROGRAMS} >= {("python", True), ("js", True), ("sh", False)}
    assert all(each.output for each in PROGRAMS)


def test_the_table_of_topics_is_that_of_the_code() -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    kept = {name: row[4] for row in rows if len(row) == 7 for name in re.findall(r"`([^`]+)`", row[1])}
    for topic in ALL_TOPICS:
        said = kept.pop(topic.name, None) or kept["<stage>.retry.<tier>"]
        config = topic.config()
        days = int(config["retention.ms"]) // 86_400_000 if "retention.ms" in config else None
        assert ("newest per key" in said) == ("compact" in config["cleanup.policy"]), topic.name
        assert re.findall(r"(\d+) days?\b", said) == ([str(days)] if days else []), topic.name
    assert kept.keys() == {"<stage>.retry.<tier>"}


def test_the_table_of_headers_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    record = _record(article("choir", 1, "Choir sings in the fish hall"))
    said = re.findall(r"^\| `([a-z_-]+)` \| (.*) \|$", page.partition("## Headers")[2], re.MULTILINE)
    assert {name for name, _ in said} == {name for name, _ in record.headers}
    told = {name: value.decode() for name, value in record.headers}
    for name in ("ce_type", "ce_dataschema", "ce_specversion", "content-type"):
        assert f"`{told[name]}`" in dict(said)[name]
