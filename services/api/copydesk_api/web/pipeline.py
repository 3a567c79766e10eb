"""The page of the pipeline: figures and plots, drawn here; a script loads them anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from copydesk_api.operating.pipeline import SAMPLE_SECONDS, SAMPLES, STAGES, Pipeline, Sample, rates
from copydesk_api.operating.pipeline_bodies import pipeline_answer
from copydesk_api.web import plots
from copydesk_api.web.pages import render, span

LABELS = {"fetcher": "Fetcher", "cleaner": "Cleaner", "classifier": "Classifier", "api": "Index"}
UNKNOWN = "?"
LEAST_SECONDS = 120.0
WINDOW_SECONDS = SAMPLES * SAMPLE_SECONDS

Points = Sequence[tuple[datetime, float | None]]


@dataclass(frozen=True)
class Series:
    """A line with its name and its last value, in words."""

    label: str
    path: str
    last: str


@dataclass(frozen=True)
class Plot:
    """Lines over the same time, up to a common top."""

    title: str
    unit: str
    top: str
    series: tuple[Series, ...]


def number(value: float) -> str:
    """A figure with as many digits as say something."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"  # noqa: PLR2004


def pipeline_page(pipeline: Pipeline) -> str:
    """The page at ``/pipeline``."""
    samples = list(pipeline.samples)
    end = datetime.now(UTC).timestamp()
    seconds = min(WINDOW_SECONDS, max(LEAST_SECONDS, end - samples[0].at.timestamp() if samples else 0))
    return render(
        "pipeline.html",
        now=pipeline_answer(pipeline),
        labels=LABELS,
        plots=_plots(samples, end - seconds, end),
        width=plots.WIDTH,
        height=plots.HEIGHT,
        window=span(seconds),
        seconds=SAMPLE_SECONDS,
        number=number,
    )


def _plots(samples: Sequence[Sample], start: float, end: float) -> list[Plot]:
    def each_stage(points: dict[str, Points], unit: str) -> Iterable[tuple[str, Points, str]]:
        return [(LABELS[stage], points[stage], unit) for stage in STAGES]

    speeds: dict[str, Points] = {stage: rates(samples, stage) for stage in STAGES}
    lags: dict[str, Points] = {stage: [(each.at, each.stages[stage].lag) for each in samples] for stage in STAGES}
    p50: Points = [(each.at, each.latency.p50) for each in samples if each.latency]
    p95: Points = [(each.at, each.latency.p95) for each in samples if each.latency]
    letters: Points = [(each.at, each.dead_letters) for each in samples]
    drawn = (
        ("Throughput", "records a second", each_stage(speeds, "/s")),
        ("Lag", "records", each_stage(lags, "")),
        ("Latency", "seconds from fetched to shown", [("Half of them", p50, " s"), ("19 of 20", p95, " s")]),
        ("Dead letters", "kept", [("Dead letters", letters, "")]),
    )
    return [_plot(*each, start, end) for each in drawn]


def _plot(title: str, unit: str, lines: Iterable[tuple[str, Points, str]], start: float, end: float) -> Plot:
    lines = list(lines)
    top = plots.nice_top(max((value for _, points, _ in lines for _, value in points if value is not None), default=0))
    placed = [[(at.timestamp(), value) for at, value in points] for _, points, _ in lines]
    series = [
        Series(label, plots.line(place, start, end, top), _last(points, unit))
        for (label, points, unit), place in zip(lines, placed, strict=True)
    ]
    return Plot(title, unit, number(top), tuple(series))


def _last(points: Points, unit: str) -> str:
    value = next((value for _, value in reversed(points) if value is not None), None)
    return UNKNOWN if value is None else f"{number(value)}{unit}"
