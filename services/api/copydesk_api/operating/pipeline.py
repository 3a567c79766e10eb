"""How the pipeline goes: a sample of the topics and the groups every few seconds, kept for half an hour.

Every replica samples for itself, so nothing has to be shared and nothing is left of it after a restart. Lag and
throughput come from the offsets of topics and groups, so a stage is seen whether or not it can still be asked itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Protocol

from copydesk_api.operating.latencies import Arrival, Latency, latency, latest, recent
from copydesk_api.store import GROUP, Store
from copydesk_shared.errors import Retryable
from copydesk_shared.kafka.offsets import Offsets, open_offsets
from copydesk_shared.log import LogError
from copydesk_shared.service import Service
from copydesk_shared.sessions import keep_session
from copydesk_shared.topics import CLASSIFIED, DEAD_LETTER, STAGE_SOURCES, Topic, retry_topics

NAME = "pipeline"
SAMPLE_SECONDS = 5.0
SAMPLES = 360
STAGES: Mapping[str, Topic[Any]] = {**STAGE_SOURCES, GROUP: CLASSIFIED}
RETRIES = {stage: tuple(topic.name for topic in retry_topics(stage).values()) for stage in STAGE_SOURCES}
TOPICS = (*(topic.name for topic in STAGES.values()), *(name for names in RETRIES.values() for name in names),
          DEAD_LETTER.name)  # fmt: skip


class Reader(Protocol):
    """Asks for offsets, see :class:`copydesk_shared.kafka.offsets.OffsetReader`."""

    async def read(self, topics: Sequence[str], groups: Sequence[str]) -> Offsets:
        """The offsets now. Raises :class:`LogError`."""


OpenReader = Callable[[], AbstractAsyncContextManager[Reader]]


@dataclass(frozen=True, slots=True)
class StageSample:
    """A stage at a moment; ``lag`` is ``None`` where its group has never read, ``waiting`` are to be tried again."""

    lag: int | None
    waiting: int
    passed: int


@dataclass(frozen=True, slots=True)
class Sample:
    """All stages at a moment, dead letters that are kept, and the latency of what arrived since the sample before."""

    at: datetime
    stages: Mapping[str, StageSample]
    dead_letters: int
    latency: Latency | None


def sampled(offsets: Offsets, arrivals: Sequence[Arrival], at: datetime) -> Sample:
    """What the offsets say."""
    return Sample(at, {stage: _stage(offsets, stage) for stage in STAGES}, offsets.size(DEAD_LETTER.name),
                  latency(arrivals))  # fmt: skip


def _stage(offsets: Offsets, stage: str) -> StageSample:
    waiting = sum(offsets.lag(stage, topic) or 0 for topic in RETRIES.get(stage, ()))
    source = STAGES[stage].name
    return StageSample(offsets.lag(stage, source), waiting, offsets.read(stage, source))


def rates(samples: Sequence[Sample], stage: str) -> list[tuple[datetime, float | None]]:
    """Records a second that a stage has passed, sample by sample; ``None`` where it was set back."""
    return [(later.at, _rate(earlier, later, stage)) for earlier, later in pairwise(samples)]


def _rate(earlier: Sample, later: Sample, stage: str) -> float | None:
    seconds = (later.at - earlier.at).total_seconds()
    passed = later.stages[stage].passed - earlier.stages[stage].passed
    return round(passed / seconds, 3) if seconds > 0 and passed >= 0 else None


class Pipeline:
    """The samples of the last half hour. ``away_since`` is since when the brokers give no answer."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.latency: Latency | None = None
        self.away_since: datetime | None = None
        self._position: int | None = None

    async def watch(self, service: Service, store: Store, open_reader: OpenReader | None = None) -> None:
        """Take samples until the service stops."""

        async def session() -> None:
            try:
                async with (open_reader or (lambda: open_offsets(service.settings.brokers)))() as reader:
                    await self._session(service, store, reader)
            except LogError:
                self.away_since = self.away_since or datetime.now(UTC)
                raise

        await keep_session(service, NAME, session)

    async def _session(self, service: Service, store: Store, reader: Reader) -> None:
        while not service.stopping.is_set():
            offsets = await reader.read(TOPICS, tuple(STAGES))
            arrivals = await asyncio.to_thread(self._arrivals, store)
            self.samples.append(sampled(offsets, arrivals, datetime.now(UTC)))
            self.away_since = None
            service.health.ready(NAME, value=True)
            service.health.progressed(NAME)
            await service.pause(SAMPLE_SECONDS)
        service.health.finished(NAME)

    def _arrivals(self, store: Store) -> list[Arrival]:
        """What has arrived since it was asked before. While the database is away nothing arrives."""
        try:
            found = latest(store.engine)
        except Retryable:
            return []
        self.latency = latency(recent(found, datetime.now(UTC)))
        before, self._position = self._position, found[0].position if found else 0
        return [each for each in found if before is not None and each.position > before]
