"""What lives beside a stage: told of the partitions in time, and never left running beside another owner."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from copydesk_shared.errors import Retryable, RetryClass
from copydesk_shared.log import Log, LogError, Outgoing, ProducerLostError, RebalanceListener
from copydesk_shared.messages import Article, Page
from copydesk_shared.runner import GIVEN_UP
from copydesk_shared.stage import Drop, Emit, Forward
from copydesk_shared.testing import MemoryBroker, MemoryLog
from copydesk_shared.topics import CLEANED, FETCHED, Tier, retry_topic
from copydesk_shared.wire import decode
from tests.shared.samples import page
from tests.shared.stages import GROUP, article_of, committed, fill, running_stage, stage_of, until

NOTES = "notes"


class Noting:
    """Keeps what it is told; ``may_go_on`` lets an assignment end."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.failure: LogError | None = None

    async def on_assigned(self, numbers: frozenset[int]) -> None:
        self.said.append(set(numbers))
        await self.may_go_on.wait()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        self.said.append("ready")

    def on_closing(self) -> None:
        self.said.append("closing")

    async def on_revoked(self) -> None:
        self.said.append("revoked")


async def emit(message: Page) -> Emit[Article] | Forward[Page] | Drop:
    return article_of(message)


async def test_no_record_is_handled_before_the_companion_is_ready() -> None:
    broker, companion = MemoryBroker(partitions=3), Noting()
    companion.may_go_on.clear()
    fill(broker, page(1))
    opener = broker.open_log(GROUP, FETCHED.name, retry_topic(GROUP, Tier.SHORT).name)
    async with running_stage(stage_of(emit), broker, companion=companion, open_log=opener):
        await until(lambda: companion.said == [{0, 1, 2}])
        await asyncio.sleep(0.1)
        assert not broker.topics[CLEANED.name]
        companion.may_go_on.set()
        await until(lambda: bool(broker.topics[CLEANED.name]))
    assert companion.said[:4] == [{0, 1, 2}, "ready", "closing", "revoked"]


async def test_a_companion_that_cannot_read_the_log_ends_the_session() -> None:
    broker, companion = MemoryBroker(), Noting()
    companion.failure = LogError("the broker is away")
    fill(broker, page(1))
    async with running_stage(stage_of(emit), broker, companion=companion):
        await until(lambda: committed(broker) == 1)
    assert companion.said[:2] == [{0}, "revoked"]
    assert companion.said[-4:-1] == ["ready", "closing", "revoked"]
    assert broker.sessions == 2


class Rebalancing:
    """Sessions whose partitions the test takes away."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self.listener: RebalanceListener | None = None

    @asynccontextmanager
    async def open(self, listener: RebalanceListener) -> AsyncIterator[Log]:
        self.listener = listener
        async with self._broker.open_log(GROUP, FETCHED.name)(listener) as log:
            yield log


async def test_a_handler_that_outlives_its_partition_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_shared.runner.REVOKE_SECONDS", 0.1)
    broker, companion = MemoryBroker(), Noting()
    started: list[str] = []
    ended: list[str] = []

    async def handle(message: Page) -> Emit[Article] | Drop:
        started.append(message.article_id)
        try:
            if len(started) == 1:
                await asyncio.Event().wait()
        finally:
            ended.append(message.article_id)
        return article_of(message)

    fill(broker, page(1))
    sessions = Rebalancing(broker)
    async with running_stage(stage_of(handle), broker, companion=companion, open_log=sessions.open):
        await until(lambda: bool(started))
        assert sessions.listener is not None
        mine = frozenset({(FETCHED.name, 0)})
        with structlog.testing.capture_logs() as logged:
            await sessions.listener.on_revoked(mine)
        assert ended == ["article-1"], "it was cancelled before the partitions went"
        assert [(line["event"], line["records"]) for line in logged] == [(GIVEN_UP, 1)]
        assert companion.said == [{0}, "ready", "closing", "revoked"]
        assert committed(broker) == 0
        await sessions.listener.on_assigned(mine)
        fill(broker, page(2))
        await until(lambda: len(broker.topics[CLEANED.name]) == 1)
    assert companion.said[4:6] == [{0}, "ready"]


async def test_partitions_that_go_while_the_producer_is_renewed_wait_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("copydesk_shared.runner.REVOKE_SECONDS", 1000.0)
    broker = MemoryBroker()
    broker.failure, broker.fail_sends = ProducerLostError, 1
    sessions = Rebalancing(broker)
    renew = MemoryLog.renew_producer

    async def rebalanced_meanwhile(log: MemoryLog) -> None:
        assert sessions.listener is not None
        mine = frozenset({(FETCHED.name, 0)})
        await sessions.listener.on_revoked(mine)
        await sessions.listener.on_assigned(mine)
        await renew(log)

    monkeypatch.setattr(MemoryLog, "renew_producer", rebalanced_meanwhile)
    fill(broker, page(1))
    async with running_stage(stage_of(emit), broker, open_log=sessions.open):
        await until(lambda: committed(broker) == 1)
    assert broker.producers == 2


async def test_what_would_be_tried_again_is_left_for_the_next_owner() -> None:
    broker, companion = MemoryBroker(), Noting()
    started, going = asyncio.Event(), asyncio.Event()
    calls: list[int] = []

    async def handle(message: Page) -> Emit[Article] | Drop:
        calls.append(1)
        if len(calls) > 1:
            return article_of(message)
        started.set()
        await going.wait()
        raise Retryable("the host is somebody else's")

    fill(broker, page(1))
    sessions = Rebalancing(broker)
    retries = retry_topic(GROUP, Tier.SHORT).name
    async with running_stage(stage_of(handle), broker, companion=companion, open_log=sessions.open):
        await started.wait()
        assert sessions.listener is not None
        mine = frozenset({(FETCHED.name, 0)})
        revoking = asyncio.create_task(sessions.listener.on_revoked(mine))
        await until(lambda: companion.said[-1] == "closing")
        going.set()
        await revoking
        assert (len(calls), broker.topics[retries], committed(broker)) == (1, [], 0)


async def test_what_is_done_beside_what_is_left_is_not_done_again() -> None:
    broker, companion = MemoryBroker(), Noting()
    going = {1: asyncio.Event(), 2: asyncio.Event()}
    started: list[str] = []

    async def handle(message: Page) -> Emit[Article] | Drop:
        started.append(message.article_id)
        number = int(message.article_id.removeprefix("article-"))
        await going[number].wait()
        if number == 1:
            raise Retryable("the host is somebody else's", RetryClass.QUEUED)
        return article_of(message)

    fill(broker, page(1), page(2))
    sessions = Rebalancing(broker)
    stage = stage_of(handle, ordered=False)
    async with running_stage(stage, broker, companion=companion, open_log=sessions.open):
        await until(lambda: len(started) == 2)
        assert sessions.listener is not None
        revoking = asyncio.create_task(sessions.listener.on_revoked(frozenset({(FETCHED.name, 0)})))
        await until(lambda: companion.said[-1] == "closing")
        going[1].set()
        for _ in range(20):
            await asyncio.sleep(0)
        going[2].set()
        await revoking
        assert [decode(CLEANED, record).article_id for record in broker.topics[CLEANED.name]] == ["article-2"]
        assert committed(broker) == 0


async def test_what_belongs_to_another_partition_is_forwarded_and_counted_once() -> None:
    def count() -> float:
        labels = {"stage": GROUP, "outcome": "forwarded", "reason": ""}
        return REGISTRY.get_sample_value("copydesk_records_total", labels) or 0.0

    async def handle(message: Page) -> Emit[Article] | Forward[Page] | Drop:
        if message.content == "elsewhere":
            return Forward(message.model_copy(update={"article_id": "article-9", "content": "here"}))
        return article_of(message)

    before, broker = count(), MemoryBroker(partitions=4)
    fill(broker, page(1, "elsewhere"), page(2))
    async with running_stage(stage_of(handle), broker):
        await until(lambda: len(broker.topics[CLEANED.name]) == 2)
        await until(lambda: sum(offset for _, offset in broker.committed.items()) == 3)
    assert count() - before == 1
    forwarded = broker.topics[FETCHED.name][-1]
    assert forwarded.key == b"article-9"
    assert {record.key for record in broker.topics[CLEANED.name]} == {b"article-9", b"article-2"}


def _then(order: list[str], *notes: bytes) -> Callable[[], Iterable[Outgoing]]:
    def ask() -> Iterable[Outgoing]:
        order.append("asked")
        return [Outgoing(NOTES, b"k", note) for note in notes]

    return ask


@pytest.mark.parametrize("notes", [(), (b"one", b"two")])
async def test_what_follows_is_sent_once_the_message_is_stored_and_before_the_commit(notes: tuple[bytes, ...]) -> None:
    broker = MemoryBroker()
    order: list[str] = []
    append = broker.append

    def noted(record: Outgoing) -> Any:
        order.append(record.topic)
        return append(record)

    async def handle(message: Page) -> Emit[Article] | Drop:
        return Emit(article_of(message).message, _then(order, *notes))

    fill(broker, page(1))
    broker.append = noted  # type: ignore[method-assign]
    async with running_stage(stage_of(handle), broker):
        await until(lambda: committed(broker) == 1)
    assert order == [CLEANED.name, "asked", *[NOTES] * len(notes)]


async def test_nothing_follows_what_was_not_stored() -> None:
    broker = MemoryBroker()
    broker.failure, broker.fail_sends = ProducerLostError, 1
    order: list[str] = []

    async def handle(message: Page) -> Emit[Article] | Drop:
        return Emit(article_of(message).message, _then(order, b"note"))

    fill(broker, page(1))
    async with running_stage(stage_of(handle), broker):
        await until(lambda: committed(broker) == 1)
    assert broker.producers == 2
    assert (order, len(broker.topics[NOTES])) == (["asked"], 1)
