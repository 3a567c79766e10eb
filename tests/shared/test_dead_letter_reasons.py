"""A reason is one word everywhere: the header of the dead letter, the label of the metric, the field of the log."""

import asyncio

import pytest
import structlog
from prometheus_client import REGISTRY

from copydesk_shared.dead_letters import PREFIX, parse
from copydesk_shared.errors import DeadLetterReason, Poison, Retryable, RetryClass
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.messages import Article, Page
from copydesk_shared.retries import put_off
from copydesk_shared.runner import run_stage
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLEANED, DEAD_LETTER, FETCHED
from copydesk_shared.wire import encode
from tests.shared.samples import page

GROUP = "cleaner"


async def _fail(message: Page) -> Emit[Article] | Drop:
    match message.content:
        case DeadLetterReason.BUG:
            raise KeyError("a bug")
        case DeadLetterReason.RETRIES_EXHAUSTED:
            raise Retryable("away", RetryClass.TIMED_OUT)
        case reason:
            raise Poison("no good", DeadLetterReason(reason))


def _record(reason: DeadLetterReason) -> Outgoing:
    """A record that fails for this reason."""
    sent = encode(FETCHED, page(content=reason.value), stage="fetcher", version="1")
    if reason is DeadLetterReason.UNDECODABLE:
        return Outgoing(sent.topic, sent.key, b"\xff", sent.headers)
    return _tried_often(sent) if reason is DeadLetterReason.RETRIES_EXHAUSTED else sent


def _tried_often(sent: Outgoing) -> Outgoing:
    """The record after all its retries, as the source's, so that a session on the source alone reads it."""
    waits, now = service().settings.waits, page().fetched_at
    while True:
        record = Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers)
        later = put_off(record, Retryable("away", RetryClass.TIMED_OUT), group=GROUP, waits=waits, now=now)
        if later is None:
            return Outgoing(FETCHED.name, sent.key, sent.value, sent.headers)
        sent = later


def _counted(reason: DeadLetterReason) -> float:
    labels = {"stage": GROUP, "outcome": "dead-lettered", "reason": reason.value}
    return REGISTRY.get_sample_value("copydesk_records_total", labels) or 0


@pytest.mark.parametrize("reason", DeadLetterReason)
async def test_header_metric_and_log_agree(reason: DeadLetterReason) -> None:
    broker, running, before = MemoryBroker(), service(), _counted(reason)
    broker.append(_record(reason))
    opener = broker.open_log(GROUP, FETCHED.name)
    with structlog.testing.capture_logs() as logged:
        task = asyncio.create_task(run_stage(Stage(GROUP, "1", FETCHED, CLEANED, _fail), running, open_log=opener))
        async with asyncio.timeout(60):
            while _counted(reason) == before:
                assert not task.done()
                await asyncio.sleep(0.01)
        running.stopping.set()
        await task
    [letter] = broker.topics[DEAD_LETTER.name]
    assert letter.header(f"{PREFIX}reason") == parse(letter).reason == reason.value
    assert [line["reason"] for line in logged if line["event"] == "dead letter"] == [reason.value]
    assert _counted(reason) == before + 1
