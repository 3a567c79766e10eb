"""The order in which hands send what records became, with a log that takes its time."""

import asyncio
import weakref
from collections.abc import Awaitable, Generator
from unittest.mock import Mock

import pytest

from copydesk_shared.log import LogError, Outgoing
from copydesk_shared.messages import Article, Page
from copydesk_shared.outbox import Outbox
from copydesk_shared.stage import Emit
from copydesk_shared.testing import MemoryBroker, MemoryLog
from copydesk_shared.topics import CLEANED
from copydesk_shared.wire import decode
from tests.shared.samples import page
from tests.shared.stages import article_of, committed, fill, running_stage, stage_of, until


class Busy:
    """Sending waits for some turns of the loop, as it does when a batch of the producer is full. One call may fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails_at: int | None = None) -> None:
        self.sending = self.most = self.calls = 0
        self._fails_at = fails_at
        self._send = MemoryLog.send

        async def send(log: MemoryLog, record: Outgoing) -> Awaitable[None]:
            return await self._busily(log, record)

        monkeypatch.setattr(MemoryLog, "send", send)

    async def _busily(self, log: MemoryLog, record: Outgoing) -> Awaitable[None]:
        self.calls += 1
        call, self.sending = self.calls, self.sending + 1
        self.most = max(self.most, self.sending)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            if call == self._fails_at:
                raise LogError("the broker is away")
            return await self._send(log, record)
        finally:
            self.sending -= 1


async def _handle(message: Page) -> Emit[Article]:
    for _ in range(int(message.article_id.removeprefix("article-")) % 3):
        await asyncio.sleep(0)
    return article_of(message)


def _sent(broker: MemoryBroker) -> list[str]:
    return [decode(CLEANED, record).article_id for record in broker.topics[CLEANED.name]]


async def test_one_hand_at_a_time_sends_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch)
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(100)))
    async with running_stage(stage_of(_handle), broker, max_in_flight=16):
        await until(lambda: committed(broker) == 100)
    assert busy.most == 1
    assert _sent(broker) == [f"article-{number}" for number in range(100)]


@pytest.mark.parametrize("fails_at", [1, 17, 40])
async def test_nothing_overtakes_what_could_not_be_sent(monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    Busy(monkeypatch, fails_at=fails_at)
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(40)))
    async with running_stage(stage_of(_handle), broker, max_in_flight=16):
        await until(lambda: committed(broker) == 40)
    assert list(dict.fromkeys(_sent(broker))) == [f"article-{number}" for number in range(40)]


class Refused:
    """A delivery that fails, or one that nobody comes to wait for."""

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails

    def __await__(self) -> Generator[None, None, None]:
        if self._fails:
            raise LogError("refused")
        yield


async def test_a_failure_holds_no_deliveries() -> None:
    """They look at what became of them when they are let go; in garbage that would come too late."""
    outbox = Outbox(Mock(), Mock())
    deliveries = [Refused(fails=number == 0) for number in range(3)]
    gone = [weakref.ref(each) for each in deliveries]
    for each in deliveries[:2]:
        outbox._sent.put((Mock(), Mock(), None, each))
    settling = asyncio.create_task(outbox.settle(Mock()))
    await asyncio.wait({settling})
    outbox._sent.put((Mock(), Mock(), None, deliveries.pop()))
    del deliveries, each
    outbox.clear()
    assert isinstance(settling.exception(), LogError)
    assert [ref() for ref in gone[1:]] == [None, None]
