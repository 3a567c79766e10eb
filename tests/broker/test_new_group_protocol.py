"""KIP-848 is not here, and whoever asks for it learns so at once instead of waiting."""

import time

import pytest
from confluent_kafka import Consumer, KafkaError

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .client import WireClient

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("version", [0, 1])
def test_the_answer_says_what_to_use_instead(client: WireClient, name: str, version: int) -> None:
    answer = client.call("ConsumerGroupHeartbeat", version, group_id=name, member_id="m", member_epoch=0)
    assert answer["error_code"] == Code.UNSUPPORTED_VERSION
    assert "group.protocol=classic" in answer["error_message"]


def test_confluent_ends_with_a_fatal_error(broker: BrokerProcess, topic: str) -> None:
    settings = {"bootstrap.servers": broker.address, "group.id": topic, "group.protocol": "consumer", "log_level": 0}
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    deadline = time.monotonic() + 60
    message = None
    while message is None:
        assert time.monotonic() < deadline
        message = consumer.poll(0.5)
    error = message.error()
    assert error is not None
    assert error.code() == KafkaError._FATAL
    assert "API version not supported" in str(error)
    consumer.close()
