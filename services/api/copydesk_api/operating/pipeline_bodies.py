"""The answer about the pipeline."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.operating.latencies import Latency
from copydesk_api.operating.pipeline import SAMPLE_SECONDS, STAGES, Pipeline, Sample, rates

Speeds = Mapping[str, Mapping[datetime, float | None]]
StageName = Literal["fetcher", "cleaner", "classifier", "api"]


class StageFigures(BaseModel):
    """A stage at a moment."""

    lag: int | None = Field(description="At most so many records are before it; null where it has never read.")
    per_second: float | None = Field(description="Records that it passed, since the sample before.")


class StageNow(StageFigures):
    """A stage now."""

    name: StageName
    topic: str = Field(description="What it reads.")
    waiting: int = Field(description="Records that wait to be tried again.")


class LatencyFigures(BaseModel):
    """From the fetching of articles until they were to be seen here."""

    articles: int
    p50_seconds: float
    p95_seconds: float


class SampleItem(BaseModel):
    """All of it at a moment."""

    at: AwareDatetime
    stages: dict[StageName, StageFigures]
    latency: LatencyFigures | None = Field(description="Of the articles that arrived since the sample before.")
    dead_letters: int


class PipelineAnswer(BaseModel):
    """How the pipeline goes, and how it went in the last half hour, as this replica has seen it."""

    state: Literal["starting", "ok", "away"] = Field(
        description="starting: nothing is known yet; away: the brokers give no answer, the figures are the last ones."
    )
    away_since: AwareDatetime | None
    at: AwareDatetime | None
    sample_seconds: float
    stages: list[StageNow]
    latency: LatencyFigures | None = Field(
        description="Of the articles of the last minute, 200 at most; or of the last one."
    )
    dead_letters: int | None = Field(description="At most so many are kept.")
    samples: list[SampleItem]


def pipeline_answer(pipeline: Pipeline) -> PipelineAnswer:
    """The answer for what is known now."""
    samples = list(pipeline.samples)
    speeds = {stage: dict(rates(samples, stage)) for stage in STAGES}
    last = samples[-1] if samples else None
    return PipelineAnswer(
        state="away" if pipeline.away_since else "ok" if last else "starting",
        away_since=pipeline.away_since,
        at=last and last.at,
        sample_seconds=SAMPLE_SECONDS,
        stages=[] if last is None else _now(last, speeds),
        latency=_latency(pipeline.latency),
        dead_letters=last and last.dead_letters,
        samples=[_sample(each, speeds) for each in samples],
    )


def _now(last: Sample, speeds: Speeds) -> list[StageNow]:
    return [
        StageNow.model_validate(
            {
                "name": stage,
                "topic": topic.name,
                "lag": last.stages[stage].lag,
                "waiting": last.stages[stage].waiting,
                "per_second": speeds[stage].get(last.at),
            }
        )
        for stage, topic in STAGES.items()
    ]


def _sample(sample: Sample, speeds: Speeds) -> SampleItem:
    figures = {
        stage: StageFigures(lag=each.lag, per_second=speeds[stage].get(sample.at))
        for stage, each in sample.stages.items()
    }
    return SampleItem.model_validate(
        {
            "at": sample.at,
            "stages": figures,
            "latency": _latency(sample.latency),
            "dead_letters": sample.dead_letters,
        }
    )


def _latency(found: Latency | None) -> LatencyFigures | None:
    if found is None:
        return None
    return LatencyFigures(articles=found.articles, p50_seconds=found.p50, p95_seconds=found.p95)
