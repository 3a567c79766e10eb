"""Debian's kcat, whose librdkafka is old: what it prints is the same on both."""

import subprocess
from typing import Any

import pytest

from tests.broker.batches import batch
from tests.contract.both import Both, Site

pytestmark = [pytest.mark.kafka, pytest.mark.apache, pytest.mark.kcat]


def run(kcat: str, site: Site, *arguments: str, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [kcat, "-b", site.address, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


async def test_listing(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(partitions=2)
        status, listed = run(kcat, site, "-L", "-t", topic)
        node = listed.partition("\n  broker ")[2].partition(" ")[0]
        lines = [line.strip() for line in listed.splitlines() if "topic" in line or "partition " in line]
        return status, [line.replace(f"leader {node}, replicas: {node}, isrs: {node}", "*") for line in lines]

    status, lines = await both(scenario)
    assert status == 0
    assert lines == [
        "1 topics:", f'topic "{both.apache.name}" with 2 partitions:', "partition 0, *", "partition 1, *",
    ]  # fmt: skip


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_producing_and_consuming(both: Both, kcat: str, codec: str) -> None:
    lines = "".join(f"key{number}:value{number}\n" for number in range(100))

    def scenario(site: Site) -> Any:
        topic = site.topic()
        written = run(kcat, site, "-P", "-t", topic, "-K:", "-z", codec, "-X", "enable.idempotence=true", given=lines)
        return written, run(kcat, site, "-C", "-t", topic, "-e", "-q", "-f", "%k:%s\n")

    assert await both(scenario) == ((0, ""), (0, lines))


async def test_where_to_start(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        run(kcat, site, "-P", "-t", topic, given="a\nb\nc\nd\n")
        places = [("-o", "-3"), ("-o", "beginning", "-c", "2"), ("-o", "3"), ("-o", "end"), ("-o", "s@0", "-c", "1")]
        return [run(kcat, site, "-C", "-t", topic, "-e", "-q", "-f", "%o%s ", *place) for place in places]

    assert await both(scenario) == [(0, "1b 2c 3d "), (0, "0a 1b "), (0, "3d "), (0, ""), (0, "0a ")]


async def test_headers_and_tombstones(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        run(
            kcat, site, "-P", "-t", topic, "-K:", "-Z", "-H", "a=1", "-H", "a=2", "-H", "b=", given="gone:\nkey:value\n"
        )
        return run(kcat, site, "-C", "-t", topic, "-e", "-q", "-f", "%o|%k|%S|%s|%h\n")

    assert await both(scenario) == (0, "0|gone|-1||a=1,a=2,b=\n1|key|5|value|a=1,a=2,b=\n")


async def test_a_group_goes_on_where_it_was(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        read = ("-G", f"{topic}-group", "-X", "auto.offset.reset=earliest", "-e", "-q", topic)
        run(kcat, site, "-P", "-t", topic, given="a\nb\n")
        first = run(kcat, site, *read)
        run(kcat, site, "-P", "-t", topic, given="c\n")
        return first, run(kcat, site, *read)

    assert await both(scenario) == ((0, "a\nb\n"), (0, "c\n"))


async def test_queries(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            client.produce(topic, batch([b"a", b"b", b"c"], timestamps=[1_000, 2_000, 3_000], codec="zstd"))
        return [run(kcat, site, "-Q", "-t", f"{topic}:0:{time}") for time in (-1, -2, 0, 1500, 3000, 9999)]

    name = both.apache.name
    assert await both(scenario) == [(0, f"{name} [0] offset {offset}\n") for offset in (3, 0, 0, 1, 2, -1)]


async def test_an_unknown_topic(both: Both, kcat: str) -> None:
    def scenario(site: Site) -> Any:
        status, errors = run(kcat, site, "-C", "-t", site.name, "-e")
        return status, "Unknown topic" in errors

    assert await both(scenario) == (1, True)
