"""Debian's kcat, whose librdkafka is old, as a client nobody here wrote."""

import subprocess

import pytest

from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch
from .client import WireClient

pytestmark = [pytest.mark.kafka, pytest.mark.kcat]


def run(kcat: str, broker: BrokerProcess, *arguments: str, given: str = "") -> str:
    result = subprocess.run(
        [kcat, "-b", broker.address, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_list(kcat: str, broker: BrokerProcess, topic: str) -> None:
    listed = run(kcat, broker, "-L", "-t", topic)
    assert f"broker 1 at {broker.address}" in listed
    assert f'topic "{topic}" with 1 partitions' in listed


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_produce_and_consume(kcat: str, broker: BrokerProcess, topic: str, codec: str) -> None:
    lines = "".join(f"key{number}:value{number}\n" for number in range(100))
    run(kcat, broker, "-P", "-t", topic, "-K:", "-z", codec, "-X", "enable.idempotence=true", given=lines)
    assert run(kcat, broker, "-C", "-t", topic, "-e", "-q", "-f", "%k:%s\n") == lines
    assert run(kcat, broker, "-C", "-t", topic, "-o", "-3", "-e", "-q", "-f", "%o ") == "97 98 99 "
    assert run(kcat, broker, "-C", "-t", topic, "-o", "beginning", "-c", "2", "-q", "-f", "%o ") == "0 1 "


def test_group(kcat: str, broker: BrokerProcess, topic: str) -> None:
    run(kcat, broker, "-P", "-t", topic, given="a\nb\n")
    options = ("-X", "auto.offset.reset=earliest", "-e", "-q")
    assert run(kcat, broker, "-G", f"{topic}-group", *options, topic) == "a\nb\n"
    run(kcat, broker, "-P", "-t", topic, given="c\n")
    assert run(kcat, broker, "-G", f"{topic}-group", *options, topic) == "c\n"


def test_query(kcat: str, broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a", b"b", b"c"], timestamps=[1_000, 2_000, 3_000], codec="zstd"))
    assert run(kcat, broker, "-Q", "-t", f"{topic}:0:-1").split() == [topic, "[0]", "offset", "3"]
    assert run(kcat, broker, "-Q", "-t", f"{topic}:0:-2").split() == [topic, "[0]", "offset", "0"]
    assert run(kcat, broker, "-Q", "-t", f"{topic}:0:1500").split() == [topic, "[0]", "offset", "1"]


def test_an_unknown_topic_is_an_error(kcat: str, broker: BrokerProcess, name: str) -> None:
    result = subprocess.run(
        [kcat, "-b", broker.address, "-C", "-t", name, "-e"], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode != 0
    assert "Unknown topic" in result.stderr
