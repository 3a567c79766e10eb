"""Another version of a stage while it runs: which handler a record gets, and which version its event names."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from copydesk_shared.messages import Article, Page
from copydesk_shared.renewals import Renewals, beside
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.stage import Emit, Stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLEANED, FETCHED
from copydesk_shared.wire import decode, event_id
from tests.shared.samples import page
from tests.shared.stages import GROUP, article_of, committed, fill, running_stage, until

RECORDS = 60
WORKERS = 2


@dataclass(frozen=True)
class Titled:
    """A handler that writes its version and its process into the article."""

    version: str

    def __call__(self, message: Page) -> Emit[Article]:
        return Emit(article_of(message).message.model_copy(update={"title": f"{self.version} {os.getpid()}"}))


@dataclass(frozen=True)
class Mortal(Titled):
    """Pages that say so end the process."""

    def __call__(self, message: Page) -> Emit[Article]:
        if message.content == "die":
            os._exit(9)
        return super().__call__(message)


@dataclass(frozen=True)
class Deadly:
    """Ends the process that loads it."""

    def __reduce__(self) -> tuple[Callable[[int], Any], tuple[int]]:
        return os._exit, (9,)

    def __call__(self, message: Page) -> Emit[Article]:
        raise NotImplementedError


def _stage(version: str, handle: Any = None) -> Stage[Page, Article]:
    return Stage(GROUP, version, FETCHED, CLEANED, handle or Titled(version))


def _taken(outcome: str) -> float:
    return REGISTRY.get_sample_value("copydesk_stage_renewals_total", {"stage": GROUP, "outcome": outcome}) or 0.0


def _titles(broker: MemoryBroker) -> list[tuple[str, str]]:
    """Version and process of each article; its event's id must be that of this version."""
    out = []
    for record in broker.topics[CLEANED.name]:
        article = decode(CLEANED, record)
        version, process = article.title.split()
        assert record.header("ce_id") == event_id(GROUP, article.article_id, article, version)
        out.append((version, process))
    return out


def _renewals(*stages: Stage[Page, Article], when: asyncio.Event) -> Renewals:
    async def give(service: Service) -> AsyncIterator[Stage[Any, Any]]:
        await when.wait()
        for stage in stages:
            yield stage
        await service.stopping.wait()

    return give


async def test_every_record_gets_one_version_and_its_event_names_it() -> None:
    broker, when, before = MemoryBroker(), asyncio.Event(), _taken("taken")
    fill(broker, *(page(number) for number in range(RECORDS)))
    options: dict[str, Any] = {"workers": WORKERS, "renewals": _renewals(_stage("2"), when=when)}
    async with running_stage(_stage("1"), broker, max_in_flight=8, **options):
        await until(lambda: committed(broker) >= 8)
        when.set()
        await until(lambda: _taken("taken") == before + 1)
        fill(broker, *(page(number) for number in range(RECORDS, 2 * RECORDS)))
        await until(lambda: committed(broker) == 2 * RECORDS)
    titles = _titles(broker)
    versions = [version for version, _ in titles]
    assert versions == sorted(versions)
    assert versions[0] == "1"
    assert versions[RECORDS:] == ["2"] * RECORDS
    # the same processes went on: none was started for the new version
    assert {process for version, process in titles if version == "2"} <= {process for _, process in titles}
    assert len({process for _, process in titles}) <= WORKERS


async def test_the_log_tells_another_version_from_the_same_one() -> None:
    broker, when, taken = MemoryBroker(), asyncio.Event(), _taken("taken")
    when.set()
    with structlog.testing.capture_logs() as logged:
        async with running_stage(_stage("1"), broker, renewals=_renewals(_stage("1"), _stage("2"), when=when)):
            await until(lambda: _taken("taken") == taken + 2)
    told = [
        {key: entry[key] for key in ("event", "stage", "version", "before", "now") if key in entry}
        for entry in logged
        if "version" in entry["event"]
    ]
    assert told == [
        {"event": "renewed: the version stays", "stage": GROUP, "version": "1"},
        {"event": "another version from now on", "stage": GROUP, "before": "1", "now": "2"},
    ]


async def test_a_version_that_no_process_can_load_is_refused_and_the_old_one_goes_on() -> None:
    broker, when, refused, taken = MemoryBroker(), asyncio.Event(), _taken("refused"), _taken("taken")
    renewals = _renewals(_stage("2", Deadly()), _stage("3"), when=when)
    fill(broker, page(1))
    async with running_stage(_stage("1"), broker, renewals=renewals):
        await until(lambda: committed(broker) == 1)
        when.set()
        await until(lambda: _taken("taken") == taken + 1)
        fill(broker, page(2))
        await until(lambda: committed(broker) == 2)
    assert [version for version, _ in _titles(broker)] == ["1", "3"]
    assert _taken("refused") == refused + 1


async def test_a_worker_that_is_lost_while_another_version_comes_holds_nothing_up() -> None:
    broker, when, taken = MemoryBroker(), asyncio.Event(), _taken("taken")
    when.set()
    fill(broker, *(page(number, "die" if number % 4 == 0 else "") for number in range(8)))
    stages = [_stage(str(version), Mortal(str(version))) for version in range(2, 5)]
    options: dict[str, Any] = {"workers": WORKERS, "renewals": _renewals(*stages, when=when)}
    async with running_stage(_stage("1", Mortal("1")), broker, max_in_flight=8, **options):
        await until(lambda: committed(broker) == 8 and _taken("taken") == taken + len(stages))
    assert len(_titles(broker)) == 6


async def test_what_breaks_in_the_renewals_ends_the_stage() -> None:
    async def broken(_service: Service) -> AsyncIterator[Stage[Any, Any]]:
        yield _stage("2")
        raise LookupError("a bug")

    broker = MemoryBroker()
    opener = broker.open_log(GROUP, FETCHED.name)
    with pytest.raises(LookupError, match="a bug"):
        await asyncio.wait_for(run_stage(_stage("1"), service(), open_log=opener, renewals=broken), 60)


async def test_beside_ends_with_the_main_part() -> None:
    ended = []

    async def helper() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("helper")

    async def main() -> None:
        await asyncio.sleep(0)

    await beside(main(), helper())
    assert ended == ["helper"]


async def test_beside_outlives_a_helper_that_is_done() -> None:
    done = asyncio.Event()

    async def helper() -> None:
        asyncio.get_running_loop().call_soon(done.set)

    async def main() -> None:
        await done.wait()

    await asyncio.wait_for(beside(main(), helper()), 60)
