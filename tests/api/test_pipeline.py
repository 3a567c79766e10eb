"""How the pipeline goes: samples of offsets and arrivals, what is said of them, and the page with its plots."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.app import create_app
from copydesk_api.operating import latencies, pipeline
from copydesk_api.operating.latencies import Arrival, Latency, latency, latest, recent
from copydesk_api.operating.parts import Operating
from copydesk_api.operating.pipeline import Pipeline, Sample, StageSample, rates, sampled
from copydesk_api.operating.pipeline_bodies import PipelineAnswer, pipeline_answer
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.web import plots
from copydesk_shared.kafka.offsets import Offsets
from copydesk_shared.log import LogError
from copydesk_shared.testing import service
from copydesk_shared.topics import CLASSIFIED, DEAD_LETTER, DISCOVERED
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.test_pages import get, words

NOW = datetime.now(UTC)


def offsets(passed: int, end: int, letters: int = 0, waiting: int = 0) -> Offsets:
    """The fetcher has passed so many of the entries, the others have read nothing yet."""
    ends = {(DISCOVERED.name, 0): end, ("fetcher.retry.short", 0): 3, (DEAD_LETTER.name, 0): letters}
    committed = {(DISCOVERED.name, 0): passed, ("fetcher.retry.short", 0): 3 - waiting}
    return Offsets(dict.fromkeys(ends, 0), ends, {"fetcher": committed, "api": {}})


class Brokers:
    """What a reader of offsets is told, one after another; the brokers are away at a ``None``, and in the end."""

    def __init__(self, *answers: Offsets | None) -> None:
        self._answers = list(answers)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Brokers"]:
        yield self

    async def read(self, topics: Sequence[str], groups: Sequence[str]) -> Offsets:
        assert {CLASSIFIED.name, DEAD_LETTER.name, "cleaner.retry.long"} <= set(topics)
        assert set(groups) == {"fetcher", "cleaner", "classifier", "api"}
        found = self._answers.pop(0) if self._answers else None
        if found is None:
            raise LogError("away")
        return found


def arrivals(*seconds: float) -> list[Arrival]:
    return [Arrival(number, NOW, each) for number, each in enumerate(seconds)]


async def watched(store: Store, brokers: Brokers, samples: int) -> Pipeline:
    """The pipeline once it has so many samples and the brokers are away."""
    watching, running = Pipeline(), service()
    task = asyncio.create_task(watching.watch(running, store, brokers.open))
    async with asyncio.timeout(60):
        while len(watching.samples) < samples or watching.away_since is None:
            await asyncio.sleep(0.005)
    running.stopping.set()
    await asyncio.wait_for(task, 60)
    return watching


async def test_samples_are_taken_and_the_brokers_may_be_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SAMPLE_SECONDS", 0.01)
    at = datetime.now(UTC)
    fresh = article("a").model_copy(update={"fetched_at": at - timedelta(seconds=20)})
    store.write([("a", fresh), ("b", article("b")), ("b", None)], {})
    found = await watched(store, Brokers(offsets(2, 10), None, offsets(6, 11, letters=4, waiting=2)), 2)
    assert [each.stages["fetcher"] for each in found.samples] == [StageSample(8, 0, 2), StageSample(5, 2, 6)]
    assert found.samples[1].stages["api"].lag is None
    assert [each.dead_letters for each in found.samples] == [0, 4]
    assert found.latency is not None
    assert found.latency.articles == 1
    assert 20 <= found.latency.p50 < 120
    answer = pipeline_answer(found)
    assert (answer.state, answer.dead_letters, answer.stages[0].lag, answer.stages[0].waiting) == ("away", 4, 5, 2)
    assert answer.stages[0].per_second is not None
    assert answer.stages[0].per_second > 0


def test_a_latency_is_of_what_arrived_since(store: Store) -> None:
    watching = Pipeline()
    store.write([("a", article("a"))], {})
    assert watching._arrivals(store) == [], "nobody knows when they came"
    store.write([("b", article("b")), ("c", article("c"))], {})
    assert len(watching._arrivals(store)) == 2
    store.write([("a", article("a", classifier_version="2")), ("b", None)], {})
    assert watching._arrivals(store) == [], "a new tag and a tombstone are no arrivals"
    assert {each.position for each in latest(store.engine)} == {3}


def test_percentiles() -> None:
    assert latency([]) is None
    assert latency(arrivals(7)) == Latency(1, 7, 7)
    assert latency(arrivals(*range(1, 101))) == Latency(100, 50, 95)
    assert latencies.LATEST >= 20, "the 19th of 20 says nothing otherwise"


def test_what_is_said_of_now_is_of_the_last_minute_or_the_last_article() -> None:
    came = [Arrival(number, NOW - timedelta(seconds=25 * number), 1) for number in range(5)]
    assert recent(came, NOW) == came[:3]
    assert recent(came, NOW + timedelta(hours=1)) == came[:1]
    assert recent([], NOW) == []


def test_a_group_that_was_set_back_has_no_rate() -> None:
    samples = [
        sampled(offsets(passed, 100), [], NOW + number * timedelta(seconds=5))
        for number, passed in enumerate((10, 20, 0))
    ]
    assert [rate for _, rate in rates(samples, "fetcher")] == [2.0, None]


@given(st.floats(0, 1e12))
def test_the_end_of_an_axis(highest: float) -> None:
    top = plots.nice_top(highest)
    assert top >= highest
    assert highest <= 0 or top <= 5 * highest or highest < 1e-300


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 50)), max_size=8))
def test_a_line_stays_within_its_plot(points: list[tuple[float, float | None]]) -> None:
    path = plots.line(points, 0, 100, 20)
    numbers = [float(each.lstrip("ML")) for each in path.split()]
    assert all(0 <= x <= plots.WIDTH for x in numbers[::2])
    assert all(0 <= y <= plots.HEIGHT for y in numbers[1::2])
    assert path.startswith("M") or not path


def filled() -> Pipeline:
    """Half a minute of it."""
    found = Pipeline()
    for number in range(6):
        at = datetime.now(UTC) - timedelta(seconds=5 * (6 - number))
        found.samples.append(sampled(offsets(10 * number, 100, letters=3), arrivals(0.5, number), at))
    found.latency = Latency(12, 0.5, 4)
    return found


def test_the_call_and_the_page(store: Store) -> None:
    with (
        serving(create_app(store, ApiSettings(), operating=Operating(pipeline=filled()))) as url,
        httpx.Client(base_url=url) as client,
    ):
        answer = PipelineAnswer.model_validate_json(client.get("/v1/pipeline").content)
        page = get(client, "/pipeline")
    assert (answer.state, len(answer.samples), answer.dead_letters) == ("ok", 6, 3)
    assert answer.samples[0].stages["fetcher"].per_second is None
    assert answer.samples[-1].stages["fetcher"].per_second == pytest.approx(2, rel=0.05)
    cells = words(page, "td")
    assert {"articles.discovered", "50", "has not read yet"} <= set(cells)
    assert any("L" in (each["d"] or "") for each in page.all("path"))
    assert not any("style" in attributes for _, attributes in page.elements)


def test_the_page_before_anything_is_known(client: httpx.Client) -> None:
    assert words(get(client, "/pipeline"), "h2") == ["No figures yet"]
    assert client.get("/v1/pipeline").json()["state"] == "starting"


def test_the_page_while_the_brokers_are_away(store: Store) -> None:
    away = filled()
    away.away_since = NOW
    with (
        serving(create_app(store, ApiSettings(), operating=Operating(pipeline=away))) as url,
        httpx.Client(base_url=url) as client,
    ):
        assert any("no answer since" in text for text in words(get(client, "/pipeline"), "p"))


def test_the_oldest_sample_goes() -> None:
    found = Pipeline()
    found.samples.extend(Sample(NOW, {}, number, None) for number in range(pipeline.SAMPLES + 3))
    assert (len(found.samples), found.samples[0].dead_letters) == (pipeline.SAMPLES, 3)
