"""Kill a broker again and again under load, and count what it lost or stored twice.

Run by hand: ``python -m tests.broker.kill_many --times 100``. The suite runs a few kills of the same.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from copydesk_standalone.broker.process import BrokerProcess, start

from .client import WireClient

PLAIN, KEYED, IN_TRANSACTIONS = "plain", "keyed", "in-transactions"
PARTITIONS = 3
KEYS = 40
GROUP = "committer"
PER_TRANSACTION = 10
UP_S = (0.2, 2.0)
CLEAN_UP = ("--cleanup-interval-s", "1")
_QUICKLY = {
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20,
    "linger.ms": 2,
    "enable.idempotence": True,
    "log_level": 0,
}


@dataclass
class Acknowledged:
    """What the broker said it had. ``unsure`` are the transactions whose end nobody was told."""

    plain: Counter[str] = field(default_factory=lambda: Counter(a=0, b=0, confluent=0))
    keyed: dict[bytes, int] = field(default_factory=dict)
    committed: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)
    transactions: int = 0
    offset: int = 0
    topics: set[str] = field(default_factory=set)

    @property
    def progress(self) -> tuple[int, ...]:
        """How far each kind of client got."""
        return *self.plain.values(), len(self.committed), self.offset, len(self.topics)


@dataclass
class Figures:
    """How it came out; everything after ``compactions`` has to be nothing."""

    kills: int
    records: int
    transactions: int
    committed: int
    unsure: int
    commits: int
    topics: int
    compactions: int
    lost: list[str]
    twice: list[str]
    wrong: list[str]

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {self.records} records of 3 idempotent producers and {self.transactions} transactions"
            f" ({self.committed} committed, {self.unsure} of unknown end), {self.commits} offset commits,"
            f" {self.topics} topics, {self.compactions} compactions; lost {len(self.lost)}, stored twice {len(self.twice)}, wrong {len(self.wrong)}"
        )


class Load:
    """Clients that work through the kills, each in a task or a thread, until told to stop."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.known = Acknowledged()
        self.stopping = threading.Event()

    async def aiokafka(self, name: str) -> None:
        """Numbers in order, spread over the partitions by their keys."""
        async with self._aiokafka() as producer:
            number = 0
            while not self.stopping.is_set():
                sends = [await producer.send(PLAIN, b"%d" % (number + n), key=name.encode()) for n in range(20)]
                await asyncio.gather(*sends)
                number += 20
                self.known.plain[name] = number

    async def keyed(self) -> None:
        """Newer and newer values of a few keys, for the compaction."""
        async with self._aiokafka() as producer:
            number = 0
            while not self.stopping.is_set():
                numbers = range(number, number + 20)
                sends = [await producer.send(KEYED, b"%d" % n, key=b"%d" % (n % KEYS)) for n in numbers]
                await asyncio.gather(*sends)
                self.known.keyed |= {b"%d" % (n % KEYS): n for n in numbers}
                number += 20

    def _aiokafka(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self.address, enable_idempotence=True, compression_type="zstd", retry_backoff_ms=20,
            request_timeout_ms=60_000,
        )  # fmt: skip

    def confluent(self) -> None:
        producer = Producer({"bootstrap.servers": self.address, **_QUICKLY})
        number = 0

        def delivered(error: Any, _: Any) -> None:
            assert error is None
            self.known.plain["confluent"] += 1

        while not self.stopping.is_set():
            producer.produce(PLAIN, b"%d" % number, key=b"confluent", callback=delivered)
            number += 1
            producer.poll(0.001)
        assert producer.flush(60) == 0

    def transactions(self) -> None:
        """Every third one is aborted."""
        producer = self._transactional()
        while not self.stopping.is_set():
            number = self.known.transactions
            self.known.transactions += 1
            try:
                self._transaction(producer, number)
            except KafkaException:
                # A producer of the same id ends what this one left open, one way or the other.
                self.known.unsure.add(number)
                producer = self._transactional()

    def _transactional(self) -> Producer:
        producer = Producer({"bootstrap.servers": self.address, **_QUICKLY, "transactional.id": "kill-many"})
        until_done(producer.init_transactions)
        return producer

    def _transaction(self, producer: Producer, number: int) -> None:
        producer.begin_transaction()
        for part in range(PER_TRANSACTION):
            producer.produce(IN_TRANSACTIONS, b"%d" % number, partition=part % PARTITIONS)
        if number % 3 == 0:
            producer.flush(30)
            until_done(producer.abort_transaction)
        else:
            until_done(producer.commit_transaction)
            self.known.committed.add(number)

    def commit(self, client: WireClient) -> None:
        asked = {"index": 0, "offset": self.known.offset + 1, "metadata": ""}
        topics = [{"name": PLAIN, "partitions": [asked]}]
        answer = client.call("OffsetCommit", 8, group_id=GROUP, generation_id=-1, member_id="", topics=topics)
        assert answer["topics"][0]["partitions"][0]["error_code"] == 0
        self.known.offset += 1
        time.sleep(0.002)

    def create(self, client: WireClient) -> None:
        name = f"made-{time.monotonic_ns()}"
        assert client.create_topic(name)["error_code"] == 0
        self.known.topics.add(name)
        time.sleep(0.2)

    def repeat(self, step: Callable[[WireClient], None]) -> None:
        """Take a step again and again, on a new connection when the broker went away during the last one."""
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, EOFError), WireClient(self.address) as client:
                while not self.stopping.is_set():
                    step(client)
            time.sleep(0.02)

    def begin(self) -> list[asyncio.Future[None]]:
        threads = [self.confluent, self.transactions]
        steps = [self.commit, self.create]
        return [
            *map(asyncio.ensure_future, (self.aiokafka("a"), self.aiokafka("b"), self.keyed())),
            *(asyncio.ensure_future(asyncio.to_thread(thread)) for thread in threads),
            *(asyncio.ensure_future(asyncio.to_thread(self.repeat, step)) for step in steps),
        ]


def until_done(step: Callable[[float], Any]) -> None:
    """Take a step of a transaction, again while the client says that it may be. Raises KafkaException."""
    while True:
        try:
            step(30)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
        else:
            return


async def run(times: int, folder: Path, options: Sequence[str] = CLEAN_UP, up_s: tuple[float, float] = UP_S) -> Figures:
    """Kill a broker in ``folder`` so many times, each after a random time in seconds of ``up_s``."""
    broker = await asyncio.to_thread(start, folder, options=options)
    try:
        _create_topics(broker)
        load = Load(broker.address)
        working = load.begin()
        source = random.Random(times)
        for _ in range(times):
            await _loaded(load, working, source.uniform(*up_s))
            broker.kill()
            broker = await asyncio.to_thread(start, folder, port=broker.port, options=options)
        await _loaded(load, working, up_s[0], all_of=True)
        load.stopping.set()
        async with asyncio.timeout(90):
            await asyncio.gather(*working)
        return await asyncio.to_thread(check, broker, load.known, times)
    finally:
        broker.stop()


def _create_topics(broker: BrokerProcess) -> None:
    small = {"segment_bytes": "200000"}
    with WireClient(broker.address) as client:
        for topic, settings in {
            PLAIN: small,
            KEYED: {**small, "cleanup_policy": "compact", "min_cleanable_dirty_ratio": "0.1"},
            IN_TRANSACTIONS: small,
        }.items():
            assert client.create_topic(topic, PARTITIONS, **settings)["error_code"] == 0


async def _loaded(load: Load, working: list[asyncio.Future[None]], at_least_s: float, *, all_of: bool = False) -> None:
    """Wait, and until one or all of the clients got further in that time. Raises what ended a client early."""
    before = load.known.progress
    await asyncio.sleep(at_least_s)
    async with asyncio.timeout(60):
        while not (all if all_of else any)(now > then for now, then in zip(load.known.progress, before, strict=False)):
            await asyncio.sleep(0.01)
    for client in working:
        if client.done():
            client.result()


def check(broker: BrokerProcess, known: Acknowledged, kills: int) -> Figures:
    """Compare what is there with what was acknowledged."""
    address = broker.address
    figures = Figures(
        kills, known.plain.total(), known.transactions, len(known.committed), len(known.unsure), known.offset,
        len(known.topics), broker.log().count(": compacted "), [], [], [],
    )  # fmt: skip
    _check_plain(address, known, figures)
    _check_keyed(address, known, figures)
    _check_transactions(address, known, figures)
    _check_rest(address, known, figures)
    return figures


def everything(address: str, topic: str, isolation: str = "read_uncommitted") -> list[Any]:
    """All records of a topic, those of a partition in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": address, "group.id": "check", "enable.partition.eof": True,
            "isolation.level": isolation, "auto.offset.reset": "earliest",
        }
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    records: list[Any] = []
    at_end: set[int | None] = set()
    while len(at_end) < PARTITIONS:
        for message in consumer.consume(10_000, 0.1):
            if message.error() is None:
                records.append(message)
            else:
                at_end.add(message.partition())
    consumer.close()
    return records


def _check_plain(address: str, known: Acknowledged, figures: Figures) -> None:
    found: dict[str, list[int]] = {name: [] for name in known.plain}
    for message in everything(address, PLAIN):
        found[message.key().decode()].append(int(message.value()))
    for name, numbers in found.items():
        times = Counter(numbers)
        figures.lost += [f"{name} {number}" for number in range(known.plain[name]) if number not in times]
        figures.twice += [f"{name} {number}" for number, count in times.items() if count > 1]
        figures.wrong += [f"{name}: out of order"] if numbers != sorted(numbers) else []


def _check_keyed(address: str, known: Acknowledged, figures: Figures) -> None:
    latest = {message.key(): int(message.value()) for message in everything(address, KEYED)}
    figures.lost += [f"key {key!r}" for key, number in known.keyed.items() if latest.get(key, -1) < number]


def _check_transactions(address: str, known: Acknowledged, figures: Figures) -> None:
    times = Counter(int(message.value()) for message in everything(address, IN_TRANSACTIONS, "read_committed"))
    for number in range(known.transactions):
        count = times.pop(number, 0)
        if number in known.committed and count < PER_TRANSACTION:
            figures.lost.append(f"transaction {number}")
        elif count > PER_TRANSACTION:
            figures.twice.append(f"transaction {number}")
        elif count not in {0, PER_TRANSACTION} or (count and number not in known.committed | known.unsure):
            figures.wrong.append(f"transaction {number}: {count} records")


def _check_rest(address: str, known: Acknowledged, figures: Figures) -> None:
    with WireClient(address) as client:
        there = {topic["name"] for topic in client.call("Metadata", 9, topics=None)["topics"]}
        asked = [{"group_id": GROUP, "topics": [{"name": PLAIN, "partitions": [0]}]}]
        (group,) = client.call("OffsetFetch", 8, groups=asked)["groups"]
    figures.lost += [f"topic {name}" for name in known.topics - there]
    offset = group["topics"][0]["partitions"][0]["offset"]
    if offset < known.offset:
        figures.lost.append(f"the offset {known.offset}: it is {offset}")
    elif offset > known.offset + 1:
        figures.wrong.append(f"the offset {offset}: it should be {known.offset}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="how many kills, 1 or more (default 100)")
    times = parser.parse_args().times
    if times < 1:
        sys.stderr.write(f"copydesk: error: --times {times}: 1 or more are needed, else nothing is tested\n")
        return 2
    # It complains about each kill, many times.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(times, Path(folder) / "broker"))
    sys.stdout.write(f"{figures}\n")
    for problem in (*figures.lost, *figures.twice, *figures.wrong)[:20]:
        sys.stdout.write(f"  {problem}\n")
    return 1 if figures.lost or figures.twice or figures.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
