"""The examples of the AsyncAPI document: one story through all topics, made into records as the services do it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copydesk_shared.dead_letters import dead_letter, parse, replayed
from copydesk_shared.errors import DeadLetterReason, Retryable, RetryClass
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.message import Message
from copydesk_shared.retries import put_off
from copydesk_shared.topics import DISCOVERED, Tier, Topic
from copydesk_shared.wire import encode, tombstone
from tools.contract.schemas import models

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WAITS = {Tier.SHORT: 30.0, Tier.MEDIUM: 300.0, Tier.LONG: 3_600.0}
VERSION = "1"
# What differs from one run to the next.
FIXED = {"ce_time": "2026-11-22T12:00:30Z", "dead-letter-at": "2026-11-22T12:00:30Z"}
TOMBSTONE_ID = "k0oFQ2qVtCz1yXw8Zr5J"


def _messages() -> dict[type[Message], Message]:
    told = json.loads(Path(__file__).with_name("samples.json").read_text(encoding="utf-8"))
    return {model: model.model_validate(told[model.__name__]) for model in models()}


MESSAGES = _messages()


def message(topic: Topic[Any], stage: str) -> Outgoing:
    """A record of the topic."""
    return encode(topic, MESSAGES[topic.model], stage=stage, version=VERSION, trace=TRACE)


def gone(topic: Topic[Any], stage: str) -> Outgoing:
    """A tombstone of the topic."""
    return tombstone(topic, topic.key(MESSAGES[topic.model]), stage=stage, trace=TRACE)


def as_read(record: Outgoing, partition: int = 2, offset: int = 4711) -> Record:
    """A record as it lies in its topic."""
    return Record(record.topic, partition, offset, record.key, record.value, record.headers)


def waiting(source: Topic[Any], writer: str, group: str) -> Outgoing:
    """A record of the source that the stage put off."""
    error = Retryable("courier.example answered 503", RetryClass.SERVER_ERROR)
    found = put_off(as_read(message(source, writer)), error, group=group, waits=WAITS, now=NOW)
    if found is None:
        raise ValueError("the first attempt is never the last")
    return found


def given_up(source: Topic[Any] = DISCOVERED, writer: str = "fetcher-poll", group: str = "fetcher") -> Outgoing:
    """A dead letter."""
    return dead_letter(
        as_read(message(source, writer)),
        stage=group,
        reason=DeadLetterReason.RETRIES_EXHAUSTED,
        error="courier.example answered 503",
    )


def brought_back(source: Topic[Any], writer: str, group: str) -> Outgoing:
    """A dead letter on its way back."""
    return replayed(parse(as_read(given_up(source, writer, group), offset=17)), NOW)


def headers(record: Outgoing) -> dict[str, str]:
    """The headers of a record, the same in every run."""
    read = {name: value.decode() for name, value in record.headers}
    fixed = FIXED if record.value is not None else {**FIXED, "ce_id": TOMBSTONE_ID}
    return read | {name: value for name, value in fixed.items() if name in read}
