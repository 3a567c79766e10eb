"""A taxonomy on trial beside the live one: what it publishes and tells, and that the live stage never notices it."""

import asyncio
import json
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from prometheus_client import REGISTRY

from copydesk_classifier.differences import given_tags
from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.folder import read_folder
from copydesk_classifier.labelled import labelled_texts
from copydesk_classifier.reload import Watcher
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.shadow import NAME, Pair, Shadow, Told, shadow_stage
from copydesk_classifier.shadow_run import PairWatcher, shadow_loop, tell, tell_now_and_then
from copydesk_classifier.stage import classify, stage
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, SettingsError
from copydesk_shared.kafka import connect, ensure_topics, read_partitions
from copydesk_shared.log import Record
from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_shared.runner import run_stage
from copydesk_shared.stage import Emit, Stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED, CLASSIFIED_SHADOW, CLEANED, DEAD_LETTER
from copydesk_shared.wire import decode, encode
from copydesk_standalone.taxonomy.command import taxonomy as commands
from tests.brokers import Broker
from tests.classifier.samples import DATA, TAG_FILE, article, folder, tags_of

BUS = TAG_FILE.replace("id: ferry", "id: bus").replace("ferry|ferries, car ferry", "bus|buses").replace(
    "The ferry left", "The bus left"
).replace("A ferry tale", "A tale")  # fmt: skip
BROKEN = TAG_FILE.replace("threshold: 2.0", "threshold: 9.0")
BOTH = "The ferry left and the bus left."


@dataclass(frozen=True)
class Places:
    live: Path
    candidate: Path

    def pair(self) -> Pair:
        return Pair(taxonomy_of(read_folder(self.live)), taxonomy_of(read_folder(self.candidate)))

    def watcher(self) -> PairWatcher:
        pair = self.pair()
        live, candidate = read_folder(self.live), read_folder(self.candidate)
        return PairWatcher(pair, Watcher(live, pair.live.version), Watcher(candidate, pair.candidate.version))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Live: ferries. On trial: buses."""
    for name in ("live", "candidate"):
        (tmp_path / name).mkdir()
    return Places(folder(tmp_path / "live", TAG_FILE), folder(tmp_path / "candidate", BUS))


def _story(number: int, text: str = BOTH) -> Article:
    return article(text).model_copy(update={"article_id": f"article-{number}"})


def _counted(tag: str, difference: str) -> float:
    return REGISTRY.get_sample_value("copydesk_shadow_tags_total", {"tag": tag, "difference": difference}) or 0


def _dropped() -> float:
    labels = {"stage": NAME, "outcome": "dropped", "reason": "failed-trial"}
    return REGISTRY.get_sample_value("copydesk_records_total", labels) or 0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def test_an_article_gets_the_tags_of_the_candidate_and_tells_the_difference(places: Places) -> None:
    pair = places.pair()
    copied: Shadow = pickle.loads(pickle.dumps(Shadow(pair)))  # noqa: S301 - our own bytes
    emitted = copied(article(BOTH))
    assert emitted.message == classify(article(BOTH), pair.candidate)
    assert emitted.then == Told(frozenset({"bus"}), frozenset({"ferry"}), frozenset())
    assert copied(article("A bus left.")).then == Told(frozenset({"bus"}), frozenset(), frozenset())


def test_the_tags_that_are_compared_are_those_that_are_published(packaged: Taxonomy) -> None:
    for text in labelled_texts(DATA / "tags_dev.jsonl"):
        story = article(*text.text.split("\n"), title=text.title)
        assert given_tags(story, packaged) == tags_of(classify(story, packaged))


def test_a_tag_that_similarity_lifts_is_given(tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text('{"default": {"centre": 0.0, "gain": 20, "limit": 0.9}}')
    taxonomy = taxonomy_of(read_folder(folder(tmp_path, TAG_FILE)))
    story = article("A gangway fell from a boat that carries people.")
    assert given_tags(story, taxonomy) == tags_of(classify(story, taxonomy)) == {"ferry"}


def test_the_same_taxonomy_makes_no_difference(places: Places) -> None:
    live = places.pair().live
    assert Shadow(Pair(live, live))(article(BOTH)).then == Told(frozenset(), frozenset(), frozenset({"ferry"}))


def test_differences_are_counted_when_told() -> None:
    before = [_counted("a", "added"), _counted("b", "removed"), _counted("c", "same")]
    assert Told.of({"b", "c"}, {"a", "c"})() == ()
    assert [_counted("a", "added"), _counted("b", "removed"), _counted("c", "same")] == [each + 1 for each in before]


async def test_a_summary_tells_what_came_since_the_last(places: Places) -> None:
    running, watcher = service(NAME), places.watcher()
    Told.of({"b"}, {"before"})()
    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(tell_now_and_then(running, watcher))
        await asyncio.sleep(0)
        Told.of({"b"}, {"a"})()
        Told.of({"b"}, {"b"})()
        running.stopping.set()
        await task
        tell({("", "same"): 0, ("", "other"): 0}, watcher.pair)
    [line] = lines
    assert (line["articles"], line["with_other_tags"]) == (2, 1)
    assert (line["added"], line["removed"]) == ({"a": 1}, {"b": 1})
    assert (line["live"], line["candidate"]) == (watcher.pair.live.version, watcher.pair.candidate.version)


async def _side_by_side(
    broker: MemoryBroker,
    *stages: Stage[Article, ClassifiedArticle],
    until: Callable[[], bool],
    deadline_seconds: float = 30.0,
) -> None:
    running = service("classifier")
    tasks = [
        asyncio.create_task(
            run_stage(
                each, running, open_log=broker.open_log(each.name, CLEANED.name), deadline_seconds=deadline_seconds
            )
        )
        for each in stages
    ]
    try:
        await _until(lambda: until() or any(task.done() for task in tasks))
    finally:
        running.stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)


async def test_both_stages_take_every_article(places: Places) -> None:
    broker, pair = MemoryBroker(), places.pair()
    for number in range(5):
        broker.append(encode(CLEANED, _story(number), stage="cleaner", version="1"))
    live, trial = broker.topics[CLASSIFIED.name], broker.topics[CLASSIFIED_SHADOW.name]
    added, removed = _counted("bus", "added"), _counted("ferry", "removed")
    await _side_by_side(broker, stage(pair.live), shadow_stage(pair), until=lambda: len(live) == 5 and len(trial) == 5)
    assert [tags_of(decode(CLASSIFIED, record)) for record in live] == [{"ferry"}] * 5
    made = [decode(CLASSIFIED_SHADOW, record) for record in trial]
    assert [tags_of(each) for each in made] == [{"bus"}] * 5
    assert {each.classifier_version for each in made} == {pair.candidate.version}
    assert [record.key for record in trial] == [record.key for record in live]
    assert {record.header("ce_id") for record in trial}.isdisjoint(record.header("ce_id") for record in live)
    assert (_counted("bus", "added"), _counted("ferry", "removed")) == (added + 5, removed + 5)


@dataclass(frozen=True)
class Raises:
    def __call__(self, _article: Article) -> Emit[ClassifiedArticle]:
        raise ZeroDivisionError


@dataclass(frozen=True)
class Dies:
    def __call__(self, _article: Article) -> Emit[ClassifiedArticle]:
        os._exit(9)


@dataclass(frozen=True)
class Hangs:
    def __call__(self, _article: Article) -> Emit[ClassifiedArticle]:
        while True:
            pass


@pytest.mark.parametrize("handle", [Raises(), Dies(), Hangs()])
async def test_a_candidate_that_fails_drops_its_own_and_nothing_else(
    places: Places, handle: Callable[[Article], Emit[ClassifiedArticle]]
) -> None:
    broker, pair = MemoryBroker(), places.pair()
    broker.append(encode(CLEANED, _story(0), stage="cleaner", version="1"))
    trial: Stage[Article, ClassifiedArticle] = Stage(NAME, "1", CLEANED, CLASSIFIED_SHADOW, handle, is_trial=True)
    live, dropped = broker.topics[CLASSIFIED.name], _dropped()
    await _side_by_side(
        broker, stage(pair.live), trial, until=lambda: len(live) == 1 and _dropped() == dropped + 1, deadline_seconds=3
    )
    assert [tags_of(decode(CLASSIFIED, record)) for record in live] == [{"ferry"}]
    assert broker.committed[NAME, (CLEANED.name, 0)] == 1
    written = {name for name, records in broker.topics.items() if records}
    assert written == {CLEANED.name, CLASSIFIED.name}, "no retries, no dead letters"


def test_either_folder_makes_another_pair(places: Places) -> None:
    watcher = places.watcher()
    first = watcher.pair
    assert watcher.look() is None
    assert watcher.look() is None
    (places.candidate / "b.yaml").write_text(TAG_FILE)
    assert watcher.look() is None
    taken = watcher.look()
    assert taken is not None
    assert [tag.id for tag in taken.candidate.tags] == ["bus", "ferry"]
    assert taken.live is first.live
    (places.live / "a.yaml").write_text(BUS)
    assert watcher.look() is None
    again = watcher.look()
    assert again is not None
    assert [tag.id for tag in again.live.tags] == ["bus"]
    assert again.candidate is taken.candidate
    assert watcher.pair is again
    assert watcher.version == taken.candidate.version


def test_a_broken_candidate_is_refused_once_and_a_broken_live_one_left_to_the_live_classifier(places: Places) -> None:
    watcher = places.watcher()
    (places.candidate / "a.yaml").write_text(BROKEN)
    assert watcher.look() is None
    with pytest.raises(InputError, match=r"a\.yaml:39: tests\.positive\[0\]: does not get the tag 'ferry'"):
        watcher.look()
    assert watcher.look() is None
    (places.live / "a.yaml").write_text(BROKEN)
    assert [watcher.look() for _ in range(3)] == [None] * 3


def test_a_live_change_counts_though_the_candidate_is_refused_at_the_same_look(places: Places) -> None:
    watcher = places.watcher()
    (places.candidate / "a.yaml").write_text(BROKEN)
    (places.live / "a.yaml").write_text(BUS)
    assert watcher.look() is None
    with pytest.raises(InputError):
        watcher.look()
    found = watcher.look()
    assert found is not None
    assert [tag.id for tag in found.live.tags] == ["bus"]


async def test_what_ends_the_trial_does_not_end_the_service(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here its topic is missing: it says so and asks again later."""
    pair = places.pair()

    async def missing(*_: object) -> None:
        raise SettingsError("topic articles.classified.shadow is missing")

    monkeypatch.setattr("copydesk_shared.runner.wait_for_topics", missing)
    loop = shadow_loop(ClassifierSettings(), read_folder(places.live), pair.live, read_folder(places.candidate))
    running = service("classifier")
    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(_as_coroutine(loop, running))
        await _until(lambda: any(line["event"] == "ended on trial" for line in lines))
        assert not task.done()
        assert running.health.live_report() == (True, {})
        assert running.health.ready_report()[1] == {}
        running.stopping.set()
        await asyncio.wait_for(task, 60)


async def _as_coroutine(loop: Callable[..., object], running: object) -> None:
    awaited = loop(running)
    assert asyncio.iscoroutine(awaited)
    await awaited


@dataclass
class Running:
    """A classifier process with a taxonomy on trial, on a broker."""

    brokers: Brokers
    process: "asyncio.subprocess.Process"

    async def clean(self, *stories: Article) -> None:
        async with connect(self.brokers, client_id="test") as log:
            for story in stories:
                await (await log.send(encode(CLEANED, story, stage="cleaner", version="1")))

    async def records(self, topic: str, partitions: int = 6) -> list[Record]:
        return await read_partitions(self.brokers, topic, range(partitions))

    async def tags(self, topic: str, count: int) -> Mapping[str, set[str]]:
        """The tags of each article once so many are there."""
        async with asyncio.timeout(60):
            while len(found := await self.records(topic)) < count:
                await asyncio.sleep(0.1)
        made = [ClassifiedArticle.model_validate_json(record.value or b"") for record in found]
        return {each.article_id: tags_of(each) for each in made}


async def _start(places: Places, servers: str) -> Running:
    environment = {
        **os.environ,
        "COPYDESK_CLASSIFIER_TAXONOMY_DIR": str(places.live),
        "COPYDESK_CLASSIFIER_SHADOW_TAXONOMY": str(places.candidate),
        "COPYDESK_CLASSIFIER_TAXONOMY_CHECK_SECONDS": "0.1",
        "COPYDESK_CLASSIFIER_HEALTH_PORT": "0",
        "COPYDESK_CLASSIFIER_BOOTSTRAP_SERVERS": servers,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copydesk_classifier", env=environment, stderr=asyncio.subprocess.PIPE
    )
    return Running(Brokers(servers), process)


def _command(servers: str, *arguments: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(commands, ["shadow", "--bootstrap-servers", servers, *arguments], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value, done.output.splitlines()


async def test_the_process_publishes_beside_the_live_tags_and_the_command_tells_the_difference(
    places: Places, own_broker: Broker
) -> None:
    servers = own_broker.bootstrap_servers
    await ensure_topics(Brokers(servers))
    with pytest.raises(InputError, match="nothing is on trial"):
        await asyncio.to_thread(_command, servers)
    running = await _start(places, servers)
    try:
        await running.clean(*(_story(number) for number in range(4)), _story(4, "Nothing left."))
        assert set(map(frozenset, (await running.tags(CLASSIFIED.name, 5)).values())) == {
            frozenset({"ferry"}),
            frozenset(),
        }
        assert set(map(frozenset, (await running.tags(CLASSIFIED_SHADOW.name, 5)).values())) == {
            frozenset({"bus"}),
            frozenset(),
        }
        code, lines = await asyncio.to_thread(_command, servers)
        versions = places.pair()
        assert (code, lines[0], lines[5]) == (1, "bus: 4 gained, 0 lost, 0 stay", "ferry: 0 gained, 4 lost, 0 stay")
        assert lines[1].startswith(f"  + {BOTH}  0.00 to ")
        assert lines[-1] == (f"5 articles, 4 with other tags: {versions.live.version} to {versions.candidate.version}")
        _, rows = await asyncio.to_thread(_command, servers, "--format", "json")
        assert (
            sorted((row["tag"], row["what"]) for row in map(json.loads, rows))
            == [("bus", "gained")] * 4 + [("ferry", "lost")] * 4
        )
        (places.candidate / "a.yaml").write_text(TAG_FILE)
        await _taken(running)
        await running.clean(_story(5))
        assert (await running.tags(CLASSIFIED_SHADOW.name, 6))["article-5"] == {"ferry"}
        code, lines = await asyncio.to_thread(_command, servers)
        assert (code, lines[-2:]) == (
            0,
            [
                f"1 article, 0 with other tags: {versions.live.version} to {versions.live.version}",
                "5 left out: of an older candidate, or of a revision that is not the live one",
            ],
        )
        assert await running.records(DEAD_LETTER.name, DEAD_LETTER.partitions) == []
    finally:
        running.process.terminate()
        _, told = await asyncio.wait_for(running.process.communicate(), 60)
    assert running.process.returncode == 0
    summaries = [each for each in map(json.loads, told.splitlines()) if each["event"] == "shadow"]
    assert sum(each["articles"] for each in summaries) == 6
    assert summaries[-1]["added"] == {"bus": 4}


async def _taken(running: Running) -> None:
    assert running.process.stderr is not None
    async with asyncio.timeout(60):
        while line := await running.process.stderr.readline():
            told = json.loads(line)
            if told["event"] == "another version from now on" and told["stage"] == NAME:
                return
    pytest.fail("ended")
