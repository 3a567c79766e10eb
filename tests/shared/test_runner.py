"""The runner on the in-memory log: what is committed, what is sent, what becomes of what cannot be handled."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from copydesk_shared.errors import CopydeskError, DependencyDown, DropReason, Poison, Retryable, RetryClass
from copydesk_shared.ledger import Ledger
from copydesk_shared.log import Outgoing, ProducerLostError
from copydesk_shared.messages import Article, Page
from copydesk_shared.retries import put_off
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import CLEANED, DEAD_LETTER, FETCHED, Tier, retry_topics
from copydesk_shared.wire import decode, encode
from tests.shared.samples import article, page
from tests.shared.stages import GROUP, article_of, committed, fill, running_stage, stage_of, until


def cpu_clean(message: Page) -> Emit[Article] | Drop:
    """Runs in a worker process; what it does depends on the content."""
    match message.content:
        case "drop":
            return Drop(DropReason.NO_ARTICLE)
        case "poison":
            raise Poison("no good")
        case "bug":
            raise KeyError("a bug")
        case "hang":
            time.sleep(60)
        case "die":
            os._exit(9)
    return article_of(message)


def _outputs(broker: MemoryBroker) -> list[str]:
    return [decode(CLEANED, record).article_id for record in broker.topics[CLEANED.name]]


def _reasons(broker: MemoryBroker) -> list[str | None]:
    return [record.header("dead-letter-reason") for record in broker.topics[DEAD_LETTER.name]]


async def test_records_are_handled_in_worker_processes_and_keep_their_order() -> None:
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(40)))
    async with running_stage(stage_of(cpu_clean), broker, workers=2):
        await until(lambda: committed(broker) == 40)
    assert _outputs(broker) == [f"article-{number}" for number in range(40)]


async def test_every_record_ends_in_exactly_one_outcome() -> None:
    def count(outcome: str, reason: str) -> float:
        labels = {"stage": GROUP, "outcome": outcome, "reason": reason}
        return REGISTRY.get_sample_value("copydesk_records_total", labels) or 0.0

    kinds = [
        ("emitted", ""),
        ("dropped", "no-article"),
        ("dead-lettered", "invalid"),
        ("dead-lettered", "bug"),
        ("dead-lettered", "undecodable"),
    ]
    before = [count(*kind) for kind in kinds]
    broker = MemoryBroker()
    fill(broker, page(1), page(2, "drop"), page(3, "poison"), page(4, "bug"))
    broker.append(Outgoing(FETCHED.name, b"k", b"not json"))
    async with running_stage(stage_of(cpu_clean), broker):
        await until(lambda: committed(broker) == 5)
    assert [count(*kind) - earlier for kind, earlier in zip(kinds, before, strict=True)] == [1, 1, 1, 1, 1]
    assert _outputs(broker) == ["article-1"]


async def test_what_cannot_be_handled_goes_whole_to_the_dead_letters() -> None:
    broker = MemoryBroker()
    broker.append(Outgoing(FETCHED.name, b"\xffkey", b"not json", (("h", b"1"),)))
    fill(broker, page(2, "bug"), page(3))
    async with running_stage(stage_of(cpu_clean), broker):
        await until(lambda: committed(broker) == 3)
    undecodable, bug = broker.topics[DEAD_LETTER.name]
    assert (undecodable.key, undecodable.value, undecodable.headers[0]) == (b"\xffkey", b"not json", ("h", b"1"))
    assert _reasons(broker) == ["undecodable", "bug"]
    assert "KeyError" in (bug.header("dead-letter-error") or "")
    assert bug.value == broker.topics[FETCHED.name][1].value


async def test_a_worker_that_hangs_or_dies_costs_one_record() -> None:
    broker = MemoryBroker()
    fill(broker, page(1), page(2, "hang"), page(3, "die"), page(4))
    async with running_stage(stage_of(cpu_clean), broker, deadline_seconds=2):
        await until(lambda: committed(broker) == 4)
    assert _reasons(broker) == ["timed-out", "worker-died"]
    assert _outputs(broker) == ["article-1", "article-4"]


async def test_a_slow_record_holds_back_the_commit_but_not_the_others() -> None:
    release = asyncio.Event()
    broker = MemoryBroker()
    fill(broker, page(0, "slow"), *(page(number) for number in range(1, 10)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        if message.content == "slow":
            await release.wait()
        return article_of(message)

    async with running_stage(stage_of(handle, ordered=False), broker):
        await until(lambda: len(_outputs(broker)) == 9)
        await asyncio.sleep(0.7)
        assert committed(broker) == 0
        release.set()
        await until(lambda: committed(broker) == 10)


async def test_in_flight_records_are_bounded() -> None:
    release = asyncio.Event()
    running = highest = 0
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(30)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await release.wait()
        running -= 1
        return article_of(message)

    async with running_stage(stage_of(handle), broker, max_in_flight=4):
        await asyncio.sleep(0.5)
        assert highest == 4
        release.set()
        await until(lambda: committed(broker) == 30)
    assert highest == 4


async def test_stopping_finishes_and_commits_what_is_in_flight() -> None:
    broker = MemoryBroker()
    fill(broker, page(1), page(2))
    started = asyncio.Event()

    async def handle(message: Page) -> Emit[Article] | Drop:
        started.set()
        await asyncio.sleep(0.3)
        return article_of(message)

    async with running_stage(stage_of(handle), broker):
        await started.wait()
    assert _outputs(broker) == ["article-1", "article-2"]
    assert committed(broker) == 2


async def test_a_broker_that_is_away_loses_nothing() -> None:
    broker = MemoryBroker()
    broker.fail_sends = 3
    fill(broker, *(page(number) for number in range(10)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        return article_of(message)

    async with running_stage(stage_of(handle), broker):
        await until(lambda: committed(broker) == 10)
    assert set(_outputs(broker)) == {f"article-{number}" for number in range(10)}
    assert not broker.topics[DEAD_LETTER.name]


async def test_what_is_to_be_tried_again_when_told_to_stop_is_left_for_the_next_session() -> None:
    broker = MemoryBroker()
    fill(broker, page(1))
    started = asyncio.Event()

    async def handle(message: Page) -> Emit[Article] | Drop:
        started.set()
        raise Retryable("the site is busy")

    async with running_stage(stage_of(handle), broker):
        await started.wait()
    assert committed(broker) == 0
    assert not broker.topics[DEAD_LETTER.name]


def _quick(broker: MemoryBroker) -> Any:
    """Opens the source and the retry topics; a session starts over whenever one of them is read."""
    return broker.open_log(GROUP, FETCHED.name, *(topic.name for topic in retry_topics(GROUP).values()))


def _failing(
    failures: int, error: CopydeskError
) -> tuple[Callable[[Page], Awaitable[Emit[Article] | Drop]], list[int]]:
    calls: list[int] = []

    async def handle(message: Page) -> Emit[Article] | Drop:
        calls.append(1)
        if len(calls) <= failures:
            raise error
        return article_of(message)

    return handle, calls


WAITS = {"retry_short_seconds": 0.02, "retry_medium_seconds": 0.04, "retry_long_seconds": 0.06}


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_shared.attempts.LOCAL_BACKOFF_SECONDS", 0.01)


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    ("failures", "through"),
    [(1, []), (2, ["short"]), (4, ["short", "medium"]), (99, ["short", "medium", "long", "long"])],
)
async def test_what_may_help_later_goes_through_the_tiers(failures: int, through: list[str]) -> None:
    handle, _ = _failing(failures, Retryable("the site is busy"))
    broker = MemoryBroker()
    fill(broker, page(1))
    original = broker.topics[FETCHED.name][0]
    async with running_stage(stage_of(handle), broker, settings=WAITS, open_log=_quick(broker)):
        await until(lambda: bool(_outputs(broker) or _reasons(broker)))
    tiers = {tier: broker.topics[topic.name] for tier, topic in retry_topics(GROUP).items()}
    waited = sorted(
        (int(each.header("retry-attempt") or 0), tier) for tier, records in tiers.items() for each in records
    )
    assert [tier for _, tier in waited] == through
    assert all((each.key, each.value) == (original.key, original.value) for tier in tiers.values() for each in tier)
    assert _reasons(broker) == (["retries-exhausted"] if failures == 99 else [])
    for letter in broker.topics[DEAD_LETTER.name]:
        assert letter.headers[: len(original.headers)] == original.headers
        assert (letter.header("dead-letter-topic"), letter.header("dead-letter-attempts")) == (FETCHED.name, "5")


@pytest.mark.usefixtures("no_backoff")
async def test_a_record_that_waits_for_its_time_holds_nobody_up() -> None:
    broker = MemoryBroker()
    later = put_off(
        broker.append(encode(FETCHED, page(1), stage="fetcher", version="1")), Retryable("busy"),
        group=GROUP, waits=dict.fromkeys(Tier, 3600.0), now=datetime.now(UTC),
    )  # fmt: skip
    assert later is not None
    broker.topics.clear()
    broker.append(later)
    fill(broker, *(page(number) for number in range(2, 40)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        return article_of(message)

    async with running_stage(stage_of(handle), broker, open_log=_quick(broker)):
        await until(lambda: committed(broker) == 38)
    assert "article-1" not in _outputs(broker)
    assert (GROUP, ("cleaner.retry.short", 0)) not in broker.committed


@pytest.mark.usefixtures("no_backoff")
async def test_while_what_every_record_needs_is_away_the_stage_waits_and_burns_no_attempts() -> None:
    handle, calls = _failing(12, DependencyDown("the store is away"))
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(10)))
    stage = stage_of(handle)
    async with running_stage(stage, broker, max_in_flight=2) as running:
        await until(lambda: running.health.why_not() == {GROUP: "the store is away"})
        assert not running.health.ready_report()[0]
        await until(lambda: committed(broker) == 10)
        assert running.health.ready_report()[0]
    assert len(calls) == 22
    assert not broker.topics[DEAD_LETTER.name]


async def test_a_refused_producer_is_renewed_and_what_is_not_stored_is_sent_again_in_order() -> None:
    broker = MemoryBroker()
    broker.failure = ProducerLostError
    fill(broker, *(page(number) for number in range(30)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        if message.article_id == "article-12" and broker.producers == 1:
            broker.fail_sends = 1
        return article_of(message)

    async with running_stage(stage_of(handle), broker) as running:
        await until(lambda: committed(broker) == 30)
        assert running.health.ready_report()[0]
    assert broker.producers == 2
    first_seen = list(dict.fromkeys(_outputs(broker)))
    assert first_seen == [f"article-{number}" for number in range(30)]


async def test_a_record_left_behind_keeps_those_behind_it_from_going_out() -> None:
    """Told to stop while one is to be tried again: nothing later of its partition may overtake it."""
    broker = MemoryBroker()
    fill(broker, page(0, "busy"), *(page(number) for number in range(1, 6)))
    started = asyncio.Event()

    async def handle(message: Page) -> Emit[Article] | Drop:
        if message.content == "busy":
            started.set()
            raise Retryable("busy")
        return article_of(message)

    async with running_stage(stage_of(handle), broker):
        await started.wait()
    assert _outputs(broker) == []
    assert committed(broker) == 0


async def test_an_older_revision_does_not_follow_a_newer_one_to_a_compacted_topic() -> None:
    """Compaction keeps the last record of a key, whatever its revision."""
    broker = MemoryBroker()

    async def handle(message: Page) -> Emit[Article] | Drop:
        return Emit(article(1, revision=message.revision))

    stage: Any = replace(stage_of(handle), sink=replace(CLEANED, cleanup="compact,delete"))
    fill(broker, *(page(1).model_copy(update={"revision": revision}) for revision in (1, 3, 2, 3)))
    async with running_stage(stage, broker):
        await until(lambda: committed(broker) == 4)
    assert [decode(CLEANED, record).revision for record in broker.topics[CLEANED.name]] == [1, 3, 3]


async def test_what_fails_while_the_service_stops_is_left_for_the_next_session() -> None:
    broker = MemoryBroker()
    fill(broker, page(1))
    started, stopping = asyncio.Event(), asyncio.Event()

    async def handle(message: Page) -> Emit[Article] | Drop:
        started.set()
        await stopping.wait()
        raise Retryable("the site wants to be left alone", RetryClass.THROTTLED)

    async with running_stage(stage_of(handle), broker) as running:
        await started.wait()
        running.stopping.set()
        stopping.set()
    assert committed(broker) == 0
    assert [name for name, records in broker.topics.items() if records] == [FETCHED.name]


@pytest.mark.usefixtures("no_backoff")
async def test_a_stage_that_waits_for_what_it_needs_goes_on_after_its_session_was_given_up() -> None:
    """A network that is away takes the brokers with it: who waited is gone with the session, the waiting must be too."""
    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(4)))
    is_away = True

    async def handle(message: Page) -> Emit[Article] | Drop:
        if is_away:
            raise DependencyDown("the network is away")
        return article_of(message)

    async with running_stage(stage_of(handle), broker) as running:
        await until(lambda: running.health.why_not() == {GROUP: "the network is away"})
        sessions = broker.sessions
        broker.fail_polls = 1
        await until(lambda: broker.sessions > sessions)
        is_away = False
        await until(lambda: committed(broker) == 4)
        assert running.health.ready_report()[0]


@pytest.mark.parametrize("ordered", [True, False])
async def test_what_is_finished_leaves_nothing_behind(ordered: bool) -> None:
    ledgers: list[Ledger] = []

    class Kept(Ledger):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            ledgers.append(self)

    broker = MemoryBroker()
    fill(broker, *(page(number) for number in range(50)))

    async def handle(message: Page) -> Emit[Article] | Drop:
        return article_of(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copydesk_shared.runner.Ledger", Kept)
        async with running_stage(stage_of(handle, ordered=ordered), broker):
            await until(lambda: committed(broker) == 50)
            (window,) = [window for window in ledgers[0]._windows.values() if window.committable() or window._committed]
            held = [value for value in vars(window).values() if isinstance(value, (deque, dict, set))]
            assert held
            assert not any(held)
