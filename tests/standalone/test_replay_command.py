"""``copydesk replay``: a group set back, never forward, never while it is in use; then history comes again."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from click.testing import CliRunner

from copydesk_api.index import IndexSink
from copydesk_api.planning import Kind
from copydesk_api.store import Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError, UserError
from copydesk_shared.kafka import connect, ensure_topics, partition_of, read_partitions
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import run_sink
from copydesk_shared.testing import service
from copydesk_shared.topics import CLASSIFIED, CLEANED
from copydesk_shared.wire import encode
from copydesk_standalone.broker import process as embedded
from copydesk_standalone.data_dir import locked
from copydesk_standalone.replay.command import replay
from tests.brokers import Broker
from tests.classifier.samples import TAG_FILE, article, folder, tags_of

GROUP = "classifier"
BUS = TAG_FILE.replace("id: ferry", "id: bus").replace("ferry|ferries, car ferry", "bus|buses").replace(
    "The ferry left", "The bus left"
).replace("A ferry tale", "A tale")  # fmt: skip


def _replay(*arguments: str) -> list[str]:
    done = CliRunner().invoke(replay, [GROUP, *arguments], standalone_mode=False)
    if done.exception:
        raise done.exception
    assert done.return_value == 0
    return done.stdout.splitlines()


async def _clean(servers: str, *names: str) -> None:
    async with connect(Brokers(servers), client_id="test") as log:
        for name in names:
            story = article("The ferry left and the bus left.").model_copy(update={"article_id": name})
            await (await log.send(encode(CLEANED, story, stage="cleaner", version="1")))


async def _offsets(servers: str, commit: int | None = None) -> dict[int, int | None]:
    """What the group has committed; ``commit`` is committed on the first partition before."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(CLEANED.name, number) for number in range(CLEANED.partitions)]
        consumer.assign(places)
        if commit is not None:
            await consumer.commit({places[0]: commit})
        return {place.partition: await consumer.committed(place) for place in places}
    finally:
        await consumer.stop()


def _stories(count: int, partition: int = 0) -> list[str]:
    """So many ids of articles that lie in this partition."""
    names = (f"article-{number}" for number in range(10_000))
    found = [name for name in names if partition_of(name, CLEANED.partitions) == partition]
    return found[:count]


@contextmanager
def _classifier(servers: str, tags: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "COPYDESK_CLASSIFIER_TAXONOMY_DIR": str(tags),
        "COPYDESK_CLASSIFIER_HEALTH_PORT": "0",
        "COPYDESK_CLASSIFIER_BOOTSTRAP_SERVERS": servers,
        "COPYDESK_CLASSIFIER_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "copydesk_classifier"], env=environment, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0


async def _tags(servers: str, count: int) -> list[set[str]]:
    """The tags of all records once so many are there."""
    async with asyncio.timeout(60):
        while len(found := await read_partitions(Brokers(servers), CLASSIFIED.name, range(6))) < count:
            await asyncio.sleep(0.1)
    return [tags_of(ClassifiedArticle.model_validate_json(record.value or b"")) for record in found]


async def _index(store: Store, servers: str, count: int) -> None:
    """Take in so many records, all of one partition."""
    running = service("api", bootstrap_servers=servers)
    task = asyncio.create_task(run_sink(IndexSink(store), running))
    async with asyncio.timeout(60):
        while store.positions([0]) != {0: count}:
            await asyncio.sleep(0.1)
    running.stopping.set()
    await asyncio.wait_for(task, 60)


async def test_history_is_tagged_again(own_broker: Broker, tmp_path: Path) -> None:
    servers, stories = own_broker.bootstrap_servers, _stories(3)
    await ensure_topics(Brokers(servers))
    (tmp_path / "tags").mkdir()
    tags = folder(tmp_path / "tags", TAG_FILE)
    await _clean(servers, *stories)
    with _classifier(servers, tags):
        assert await _tags(servers, 3) == [{"ferry"}] * 3
        async with asyncio.timeout(60):
            while (await _offsets(servers))[0] is None:
                await asyncio.sleep(0.1)
        with pytest.raises(SettingsError, match="the classifier runs: stop it first"):
            await asyncio.to_thread(_replay, "--from", "earliest", "--bootstrap-servers", servers)
        assert len(await _tags(servers, 3)) == 3
    before = await _offsets(servers)
    assert before[0] == 3
    dry = await asyncio.to_thread(_replay, "--from", "1h", "--bootstrap-servers", servers, "--dry-run")
    assert (dry[0], "it would take 3 articles again, since" in dry[1]) == ("partition 0: back from 3 to 0", True)
    assert await _offsets(servers) == before
    lines = await asyncio.to_thread(_replay, "--from", "earliest", "--bootstrap-servers", servers)
    assert lines[-1] == "classifier: when it starts it takes 3 articles again, from the beginning"
    folder(tags, BUS)
    with _classifier(servers, tags):
        assert await _tags(servers, 6) == [{"ferry"}] * 3 + [{"bus"}] * 3
    store = Store.open(f"sqlite:///{tmp_path}/copydesk.db")
    await _index(store, servers, 6)
    found = store.changes(0, 100)
    assert [(change.kind, change.revision) for change in found] == [(Kind.RETAG, 1)] * 3
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("bus", 3)]
    store.close()


async def _at(servers: str, *, after: Sequence[str]) -> str:
    """Write these articles at a time of their own; a time before it and after all that was there."""
    await asyncio.sleep(0.01)
    at = datetime.now(UTC)
    await asyncio.sleep(0.01)
    await _clean(servers, *after)
    return at.isoformat()


async def test_a_group_goes_back_to_a_time_and_never_forward(own_broker: Broker) -> None:
    servers, stories = own_broker.bootstrap_servers, _stories(5)
    await ensure_topics(Brokers(servers))
    await _clean(servers, *stories[:2])
    at = await _at(servers, after=stories[2:])
    where = ("--bootstrap-servers", servers, "--from")
    nothing = f"classifier: nothing that it has read lies in {CLEANED.name} from the beginning"
    assert await asyncio.to_thread(_replay, *where, "earliest") == [nothing], "a group that has read nothing"
    await _offsets(servers, commit=5)
    assert (await asyncio.to_thread(_replay, *where, at))[0] == "partition 0: back from 5 to 2"
    assert (await _offsets(servers))[0] == 2
    await _offsets(servers, commit=1)
    assert len(await asyncio.to_thread(_replay, *where, at)) == 1
    assert (await _offsets(servers))[0] == 1, "what it has not read is not passed over"


def test_the_data_of_the_embedded_broker_is_set_back_while_nothing_runs(tmp_path: Path) -> None:
    place = ("--data-dir", str(tmp_path))
    with pytest.raises(UserError, match="holds no data of an embedded broker"):
        _replay("--from", "7d", *place)
    with embedded.start(tmp_path / "broker") as running:
        asyncio.run(ensure_topics(Brokers(running.address)))
        asyncio.run(_clean(running.address, *_stories(4)))
        asyncio.run(_offsets(running.address, commit=4))
    with locked(tmp_path), pytest.raises(UserError, match="is in use by another copydesk"):
        _replay("--from", "7d", *place)
    (tmp_path / "broker.log").unlink()
    assert _replay("--from", "7d", *place)[0] == "partition 0: back from 4 to 0"
    assert not (tmp_path / "broker.log").exists()
    with embedded.start(tmp_path / "broker") as running:
        assert asyncio.run(_offsets(running.address))[0] == 0


@pytest.mark.parametrize("start", ["", "yesterday", "7 d", "latest"])
def test_what_is_no_time_is_said(start: str) -> None:
    done = CliRunner().invoke(replay, [GROUP, "--from", start])
    assert done.exit_code == 2
    assert "nor 'earliest'" in done.output


def test_brokers_that_are_away_are_one_line() -> None:
    with pytest.raises(UserError, match=r"the brokers at 127\.0\.0\.1:1 cannot be used"):
        _replay("--from", "7d", "--bootstrap-servers", "127.0.0.1:1")
