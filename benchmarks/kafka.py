"""What the runner costs: a stage against a bare aiokafka loop, and against FastStream, on one broker in one run.

All three consume articles, decode them, make classified articles of them, encode those and produce them with the same
headers, and commit. Python's collector is set for all three as our services set it. Run: ``.tools/uv sync --frozen
--all-packages --group bench`` once, then ``.venv/bin/python -m benchmarks.kafka [--apache] [--rounds 3]
[--size "5 KB"]``; ``--apache`` takes Apache Kafka (Java and Maven needed), otherwise the embedded broker.
"""

import argparse
import asyncio
import itertools
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import connect, ensure_topics
from copydesk_shared.kafka.clients import open_consumer, start_producer, stop
from copydesk_shared.kafka.session import as_record
from copydesk_shared.messages import Article, ClassifiedArticle, Source
from copydesk_shared.runner import run_stage
from copydesk_shared.service import spare_collector
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.telemetry import RECORDS, configure_logging
from copydesk_shared.testing import service
from copydesk_shared.topics import CLASSIFIED, CLEANED
from copydesk_shared.tracing import process_span
from copydesk_shared.wire import decode, encode
from copydesk_standalone.broker.process import start
from tools.apache_kafka import ApacheKafka

BATCH = 500
WORDS = ["".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=6)) for seed in range(5_000)]
SIZES = {"5 KB": (5_000, 20_000), "150 KB": (150_000, 800)}
NUMBERS = itertools.count()

Finished = Callable[[], None]


def articles(count: int, size: int) -> Iterator[Article]:
    """Articles of that many characters, which compress about as well as news copy."""
    source = random.Random(1)
    paragraphs = [" ".join(source.choices(WORDS, k=size // 7 // 10)) for _ in range(200)]
    for number in range(count):
        chosen = tuple(source.choices(paragraphs, k=10))
        yield Article(
            article_id=f"article-{number}", url=f"https://courier.example/{number}",
            canonical_url=f"https://courier.example/{number}", source=Source(name="Courier", domain="courier.example"),
            title=f"Story {number}", fetched_at=datetime.now(UTC), paragraphs=chosen, word_count=size // 7,
            content_hash="0" * 64, simhash="0" * 16, cleaner_version="1",
        )  # fmt: skip


def classified(article: Article) -> ClassifiedArticle:
    """The transformation: as little as there can be."""
    return ClassifiedArticle.model_construct(**dict(article), classifier_version="1")


async def fill(brokers: Brokers, count: int, size: int) -> None:
    async with connect(brokers, client_id="fill") as log:
        for batch in _batched(articles(count, size), 1_000):
            for stored in [await log.send(encode(CLEANED, each, stage="cleaner", version="1")) for each in batch]:
                await stored


def _batched(items: Iterator[Article], size: int) -> Iterator[list[Article]]:
    while batch := list(itertools.islice(items, size)):
        yield batch


async def bare(brokers: Brokers, group: str, count: int, finished: Finished) -> None:
    """What one writes by hand: take a batch, send what it becomes, wait until all is stored, commit."""
    producer = await start_producer(brokers, group)
    async with open_consumer(brokers, group, group) as consumer:
        consumer.subscribe([CLEANED.name])
        await consumer.start()
        done = 0
        while done < count:
            batches = await consumer.getmany(timeout_ms=500, max_records=BATCH)
            sent = []
            offsets: dict[TopicPartition, int] = {}
            for where, records in batches.items():
                for each in records:
                    record = as_record(each)
                    with process_span(group, record) as span:
                        message = classified(decode(CLEANED, record))
                        out = encode(CLASSIFIED, message, stage=group, version="1", trace=span.trace)
                    sent.append(await producer.send(out.topic, key=out.key, value=out.value, headers=list(out.headers)))
                offsets[where] = records[-1].offset + 1
            await asyncio.gather(*sent)
            if offsets:
                await consumer.commit(offsets)
            done += len(sent)
        finished()
    await stop(producer)


async def runner(brokers: Brokers, group: str, count: int, finished: Finished) -> None:
    """A stage of ours."""

    async def handle(article: Article) -> Emit[ClassifiedArticle] | Drop:
        return Emit(classified(article))

    stage = Stage("classifier", "1", CLEANED, CLASSIFIED, handle)
    running = service("classifier", bootstrap_servers=brokers.servers)
    opener = group_log(brokers, group)
    emitted = RECORDS.labels("classifier", "emitted", "")._value  # noqa: SLF001 - collecting them all takes longer
    before = emitted.get()
    task = asyncio.create_task(run_stage(stage, running, open_log=opener))
    while emitted.get() - before < count:  # noqa: ASYNC110 - the runner tells nobody else how far it is
        await asyncio.sleep(0.01)
    finished()
    running.stopping.set()
    await task


def group_log(brokers: Brokers, group: str) -> Any:
    return lambda listener: connect(brokers, client_id=group, group=group, topics=(CLEANED.name,), listener=listener)


async def _as_it_is(message: Any) -> Any:
    """The handler decodes, as the others do."""
    return message.body


async def faststream(brokers: Brokers, group: str, count: int, finished: Finished) -> None:
    """A subscriber that publishes, with batches and acknowledgement by hand, as its documents advise."""
    broker: Any = KafkaBroker(
        brokers.servers, client_id=group, acks="all", enable_idempotence=True, compression_type="zstd",
        max_batch_size=131_072, max_request_size=8 << 20, linger_ms=0, logger=None,
    )  # fmt: skip
    done = asyncio.Event()
    handled = 0

    async def handle(_values: Any, message: KafkaMessage) -> None:
        nonlocal handled
        stored = []
        for raw in message.raw_message:
            record = as_record(raw)
            with process_span(group, record) as span:
                article = classified(decode(CLEANED, record))
                out = encode(CLASSIFIED, article, stage=group, version="1", trace=span.trace)
            stored.append(
                await broker.publish(
                    out.value, out.topic, key=out.key,
                    headers={name: value.decode() for name, value in out.headers}, no_confirm=True,
                )
            )  # fmt: skip
        await asyncio.gather(*stored)
        await message.ack()
        handled += len(stored)
        if handled >= count:
            done.set()

    subscribed = broker.subscriber(
        CLEANED.name, group_id=group, batch=True, max_records=BATCH, auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL, isolation_level="read_committed", decoder=_as_it_is,
    )  # fmt: skip
    subscribed(handle)

    async with broker:
        await broker.start()
        await done.wait()
        finished()


CONTESTANTS: dict[str, Callable[[Brokers, str, int, Finished], Awaitable[None]]] = {
    "bare aiokafka": bare,
    "copydesk stage": runner,
    "FastStream": faststream,
}


@dataclass(frozen=True)
class Figures:
    """Of one contestant in one round: articles a second, and CPU microseconds an article in this process."""

    per_second: float
    cpu_us: float


async def measure(brokers: Brokers, name: str, count: int) -> Figures:
    """From the start, joining the group included, until everything is stored; closing does not count."""
    ends: list[tuple[float, float]] = []

    def finished() -> None:
        ends.append((time.perf_counter(), time.process_time()))

    wall, cpu = time.perf_counter(), time.process_time()
    await CONTESTANTS[name](brokers, f"bench-{next(NUMBERS)}", count, finished)
    return Figures(count / (ends[0][0] - wall), (ends[0][1] - cpu) / count * 1e6)


@contextmanager
def broker(*, apache: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        if apache:
            with ApacheKafka(Path(folder)) as kafka:
                yield kafka.bootstrap_servers
        else:
            with start(Path(folder) / "broker") as embedded:
                yield embedded.address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apache", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=CONTESTANTS, action="append")
    parser.add_argument("--size", choices=SIZES, action="append")
    given = parser.parse_args()
    configure_logging("benchmark", "warning", "console")
    spare_collector()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics without a leader yet
    names = given.only or list(CONTESTANTS)
    for size in given.size or SIZES:
        characters, count = SIZES[size]
        with broker(apache=given.apache) as address:
            brokers = Brokers(address)
            asyncio.run(ensure_topics(brokers))
            asyncio.run(fill(brokers, count, characters))
            figures: dict[str, list[Figures]] = {name: [] for name in names}
            for _ in range(given.rounds):
                for name in names:
                    figures[name].append(asyncio.run(measure(brokers, name, count)))
        report(size, figures)


def report(size: str, figures: dict[str, list[Figures]]) -> None:
    base = figures[next(iter(figures))]
    for name, runs in figures.items():
        speed = statistics.median(each.per_second for each in runs)
        cpu = statistics.median(each.cpu_us for each in runs)
        ratio = statistics.median(each.per_second / first.per_second for each, first in zip(runs, base, strict=True))
        cpu_ratio = statistics.median(each.cpu_us / first.cpu_us for each, first in zip(runs, base, strict=True))
        print(
            f"{size:7} {name:15} {speed:8.0f} articles/s ({ratio:.2f} of the first) {cpu:8.0f} us CPU an article"
            f" ({cpu_ratio:.2f})"
        )


if __name__ == "__main__":
    main()
