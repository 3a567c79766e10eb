"""``copydesk capacity``: the arithmetic, that its figures say where they come from and are those of the manifests, the command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.topics import ALL_TOPICS, CLASSIFIED, FETCHED, PAGES_KNOWN
from copydesk_standalone.capacity.costs import costs
from copydesk_standalone.capacity.estimate import LEAST_REPLICAS, SEGMENT_BYTES, Load, Need, estimate
from copydesk_standalone.cli import copydesk

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = Load(feeds=100, articles_per_day=2_000)
loads = st.builds(
    Load,
    feeds=st.integers(1, 1_000_000),
    articles_per_day=st.integers(1, 100_000_000),
    interval_seconds=st.integers(10, 86_400),
    peak=st.floats(1, 20),
    copies=st.integers(1, 5),
    keep_days=st.integers(1, 3_650),
)


def need(load: Load) -> Need:
    return estimate(load, costs())


def service(load: Load, name: str) -> Any:
    return next(each for each in need(load).services if each.name == name)


def topic(load: Load, name: str) -> Any:
    return next(each for each in need(load).topics if each.name == name)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(copydesk, ["capacity", *arguments])


def test_a_million_pages_take_as_many_cleaners_as_their_processor_time_asks_for() -> None:
    load = Load(feeds=1, articles_per_day=1_000_000, peak=6.0)
    milliseconds = next(each.milliseconds for each in costs().work if each.service == "cleaner")
    processors = 1_000_000 * milliseconds / 86_400_000
    cleaner = service(load, "cleaner")
    assert cleaner.processors == pytest.approx(processors)
    assert cleaner.busiest == pytest.approx(6 * processors)
    assert (cleaner.replicas - 1) * 0.6 < 6 * processors <= cleaner.replicas * 0.6
    assert topic(load, FETCHED.name).partitions >= cleaner.replicas > 2


def test_polls_cost_whether_or_not_there_is_news_and_come_evenly() -> None:
    quiet = Load(feeds=50_000, articles_per_day=1)
    fetcher = service(quiet, "fetcher")
    assert fetcher.processors == pytest.approx(fetcher.busiest, rel=1e-3)
    assert service(replace(quiet, interval_seconds=450), "fetcher").processors == pytest.approx(
        2 * fetcher.processors, rel=1e-3
    )


def test_a_topic_keeps_what_its_retention_says_and_the_segments_that_are_written_to() -> None:
    little, much = Load(1, 1_000), Load(1, 50_000_000)
    size = costs().topic[CLASSIFIED.name].bytes
    assert topic(little, CLASSIFIED.name).disk_bytes == pytest.approx(3 * 1_000 * size * (90 + 1))
    short = costs().topic[FETCHED.name].bytes
    assert topic(little, FETCHED.name).disk_bytes == pytest.approx(3 * 1_000 * short * (3 + 0.25))
    found = topic(much, CLASSIFIED.name)
    assert found.disk_bytes == pytest.approx(3 * (50_000_000 * size * 90 + found.partitions * SEGMENT_BYTES))


@given(loads)
def test_more_work_never_takes_less(load: Load) -> None:
    less, more = need(load), need(replace(load, feeds=2 * load.feeds, articles_per_day=2 * load.articles_per_day))
    for before, after in zip(less.services, more.services, strict=True):
        assert after.processors >= before.processors
        assert after.replicas is None or after.replicas >= (before.replicas or 0) >= LEAST_REPLICAS
    for before_topic, after_topic in zip(less.topics, more.topics, strict=True):
        assert after_topic.disk_bytes >= before_topic.disk_bytes > 0
        assert after_topic.partitions >= before_topic.partitions
    assert more.database_bytes > less.database_bytes


@given(loads)
def test_topics_beside_one_another_have_as_many_partitions(load: Load) -> None:
    beside = {each.name: each.beside for each in ALL_TOPICS}
    partitions = {each.name: each.partitions for each in need(load).topics}
    for name, other in beside.items():
        if name in partitions and other in partitions:
            assert partitions[name] == partitions[other]
    assert PAGES_KNOWN.name in partitions


def test_every_figure_says_where_it_comes_from() -> None:
    figures = costs()
    everything = (*figures.work, *figures.topic.values(), figures.database, *figures.replica.values())
    assert {each.source.partition(":")[0].split(" --")[0] for each in everything} >= {
        "python -m benchmarks.costs", "python -m benchmarks.fetch"
    }  # fmt: skip
    for each in everything:
        command = each.source.partition(":")[0]
        place = (
            command.removeprefix("python -m ").split()[0].replace(".", "/") + ".py"
            if command.startswith("python")
            else command
        )
        assert (ROOT / place).exists(), place


@pytest.mark.parametrize("name", ["fetcher", "cleaner", "classifier", "api"])
def test_memory_is_what_the_manifests_request(name: str) -> None:
    deployment = yaml.safe_load((ROOT / "deploy/k8s/base" / name / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"]["memory"] == f"{costs().replica[name].memory_mib}Mi"


def test_the_command_prints_for_people_and_for_programs() -> None:
    answer = run("--feeds", "100", "--articles-per-day", "2000", "--sources")
    assert answer.exit_code == 0, answer.output
    rows = {line.split()[0]: line.split()[1:] for line in answer.output.splitlines() if line}
    assert rows["cleaner"][2:] == ["2", "1,024", "MiB"]
    assert rows["articles.fetched"][:2] == ["6", "2,000"]
    assert "articles.fetched: 63591 bytes each article; python -m benchmarks.costs" in answer.output
    told = json.loads(run("--feeds", "100", "--articles-per-day", "2000", "--format", "json").output)
    assert told["load"]["articles_per_day"] == SMALL.articles_per_day
    assert told["database_bytes"] == need(SMALL).database_bytes


@pytest.mark.parametrize(
    "wrong", [["--feeds", "0"], ["--articles-per-day", "-1"], ["--peak", "0.5"], ["--interval", "x"]]
)
def test_what_cannot_be_is_refused(wrong: list[str]) -> None:
    answer = run("--feeds", "1", "--articles-per-day", "1", *wrong)
    assert answer.exit_code == 2
    assert wrong[0] in answer.output
