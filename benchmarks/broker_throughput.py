"""What the embedded broker costs: CPU per message in and out, memory, and how fast an idle consumer wakes.

Run: ``python benchmarks/broker_throughput.py [--messages 100000] [--bytes 2048]``. Needs the dev dependencies.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from copydesk_standalone.broker.process import BrokerProcess, start

WORDS = [bytes(random.Random(seed).choices(b"abcdefghijklmnopqrstuvwxyz", k=6)) for seed in range(2_000)]


def payloads(count: int, size: int) -> list[bytes]:
    """Texts that compress about as well as news copy."""
    source = random.Random(1)
    return [b" ".join(source.choices(WORDS, k=size // 7))[:size] for _ in range(count)]


def cpu_s(broker: BrokerProcess) -> float:
    times = psutil.Process(broker.process.pid).cpu_times()
    return float(times.user + times.system)


def report(what: str, broker: BrokerProcess, messages: int, size: int, began: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - began[0], cpu_s(broker) - began[1]
    print(
        f"{what:34} {messages / wall:9.0f}/s {messages * size / wall / 1e6:7.1f} MB/s"
        f" {cpu / messages * 1e6:7.2f} us broker CPU per message"
    )


def produce(broker: BrokerProcess, topic: str, count: int, size: int, codec: str) -> None:
    texts = payloads(min(count, 1_000), size)
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "compression.type": codec,
            "linger.ms": 5,
            "batch.size": 131_072,
            "message.max.bytes": 8 << 20,
        }
    )
    began = time.perf_counter(), cpu_s(broker)
    for number in range(count):
        while True:
            try:
                producer.produce(topic, texts[number % len(texts)])
                break
            except BufferError:
                producer.poll(0.01)
    assert producer.flush(60) == 0
    report(f"confluent in, {size} B {codec}", broker, count, size, began)


def consume(broker: BrokerProcess, topic: str, count: int, size: int, codec: str) -> None:
    consumer = Consumer(
        {"bootstrap.servers": broker.address, "group.id": f"bench-{topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    began = time.perf_counter(), cpu_s(broker)
    left = count
    while left > 0:
        left -= len(consumer.consume(500, 1.0))
    report(f"confluent out, {size} B {codec}", broker, count, size, began)
    consumer.close()


async def wake_ups(broker: BrokerProcess, rounds: int) -> None:
    """The time from sending to an idle consumer to its having the record."""
    async with (
        AIOKafkaProducer(bootstrap_servers=broker.address) as producer,
        AIOKafkaConsumer("wake", bootstrap_servers=broker.address, auto_offset_reset="earliest") as consumer,
    ):
        await producer.send_and_wait("wake", b"first")
        await consumer.getone()
        times = []
        for _ in range(rounds):
            await asyncio.sleep(0.01)
            began = time.perf_counter()
            await producer.send("wake", b"x")
            await consumer.getone()
            times.append((time.perf_counter() - began) * 1000)
    times.sort()
    print(f"wake-up p50 {statistics.median(times):.2f} ms, p95 {times[int(0.95 * rounds)]:.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2_048)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with start(Path(folder) / "broker") as broker:
            print(f"ready in {time.perf_counter() - began:.2f} s")
            process = psutil.Process(broker.process.pid)
            print(f"RSS at start {process.memory_info().rss >> 20} MB")
            admin = AdminClient({"bootstrap.servers": broker.address})
            large = options.messages // 20, 60_000
            loads = [
                ("zstd", options.messages, options.bytes),
                ("none", options.messages, options.bytes),
                ("none", *large),
            ]
            for number, (codec, count, size) in enumerate(loads):
                topic = f"t{number}"
                admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
                produce(broker, topic, count, size, codec)
                consume(broker, topic, count, size, codec)
            admin.create_topics([NewTopic("wake", 1, 1)])["wake"].result()
            asyncio.run(wake_ups(broker, 300))
            print(f"RSS at the end {process.memory_info().rss >> 20} MB")
        began = time.perf_counter()
        with start(Path(folder) / "broker") as broker:
            print(f"ready again after recovery in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
