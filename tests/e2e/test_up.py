"""``copydesk up`` from a feed on a local site to the REST feed and the topic, with everything that can be killed killed."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import brokers
from tests.api.servers import running_postgres
from tests.e2e.pipeline import Pipeline, until
from tests.e2e.site import Site, paragraphs, title
from tests.tiers import unavailable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]

LOOPBACK_ALLOWED = {
    "COPYDESK_FETCHER_ALLOW_NETWORKS": "127.0.0.0/8",
    "COPYDESK_FETCHER_PER_HOST_DELAY_SECONDS": "0",
    "COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (+http://localhost/)",
}
SERVICES = ("copydesk_standalone.broker", "copydesk_fetcher", "copydesk_cleaner", "copydesk_classifier", "copydesk_api")


def _pipeline(site: Site, folder: Path, *options: str) -> Pipeline:
    feeds = folder / "feeds.yaml"
    feeds.write_text(f"feeds:\n  - url: {site.url}/feed.xml\n    name: Marrow Bay\n    interval: 1s\n")
    return Pipeline("up", "--feeds", str(feeds), *options, data_dir=folder / "data", env=LOOPBACK_ALLOWED)


def _count_reaches(pipeline: Pipeline, count: int, seconds: float = 60) -> None:
    until(lambda: len(pipeline.articles()) == count, seconds, f"{count} articles on the REST feed")


def _assert_each_once(pipeline: Pipeline, site: Site) -> None:
    changes = pipeline.changes()
    urls = [change["article"]["canonical_url"] for change in changes]
    assert sorted(urls) == sorted(site.story_url(number) for number in range(site.published))
    positions = [change["position"] for change in changes]
    assert positions == sorted(set(positions))


@pytest.fixture(params=[brokers.EMBEDDED, pytest.param(brokers.APACHE, marks=pytest.mark.apache)])
def kafka(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """The address of an Apache Kafka to use; ``None`` for the broker that ``up`` brings along."""
    if request.param == brokers.EMBEDDED:
        yield None
        return
    with brokers.own_broker(request.param, tmp_path) as running:
        yield running.bootstrap_servers


def test_articles_arrive_clean_on_rest_and_on_the_topic(tmp_path: Path, kafka: str | None) -> None:
    with Site() as site, _pipeline(site, tmp_path, *_on(kafka)) as pipeline:
        site.published = 12
        pipeline.wait_ready()
        _count_reaches(pipeline, 12)
        newest = pipeline.articles()[0]
        assert newest["title"] == title(11)
        assert newest["paragraphs"] == paragraphs(11)
        assert newest["source"]["name"] == "Marrow Bay"
        assert newest["published_at"] == "2026-11-22T09:11:00Z"
        assert newest["language"] == "en"
        _assert_each_once(pipeline, site)
        _assert_kcat_reads_the_same(pipeline, kafka)
        assert sorted(site.asked.count(f"/story/{number}") for number in range(12)) == [1] * 12
        assert pipeline.interrupt() == 0
        until(lambda: not pipeline.children(), 1, "all children gone")
        assert "Traceback" not in pipeline.output()


@pytest.mark.postgres
def test_on_postgresql(tmp_path: Path) -> None:
    with running_postgres() as database, Site() as site:
        site.published = 6
        with _pipeline(site, tmp_path, "--database-url", database) as pipeline:
            pipeline.wait_ready()
            _count_reaches(pipeline, 6)
            _assert_each_once(pipeline, site)
            assert len(pipeline.articles(q='"story number 3"')) == 1
            assert pipeline.interrupt() == 0
        assert not list((tmp_path / "data").glob("*.db"))


def _on(kafka: str | None) -> tuple[str, ...]:
    return ("--bootstrap-servers", kafka) if kafka else ()


def _assert_kcat_reads_the_same(pipeline: Pipeline, kafka: str | None) -> None:
    if shutil.which("kcat") is None:
        unavailable("kcat", "kcat is not installed")
    answer = subprocess.run(
        ["kcat", "-b", kafka or f"127.0.0.1:{pipeline.kafka_port}", "-t", "articles.classified", "-C", "-e", "-q", "-o", "beginning"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    on_topic = {message["article_id"]: message for message in map(json.loads, answer.stdout.splitlines())}
    assert on_topic == {article["article_id"]: article for article in pipeline.articles()}


def test_a_kill_of_any_process_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    with Site() as site, _pipeline(site, tmp_path) as pipeline:
        site.published = 5
        pipeline.wait_ready()
        _count_reaches(pipeline, 5)
        for turn, module in enumerate(SERVICES, 1):
            site.published += 20
            time.sleep(1.1)
            victim = pipeline.child(module)
            assert victim is not None
            victim.kill()
            site.published += 15
            _count_reaches(pipeline, site.published)
            _assert_each_once(pipeline, site)
            assert pipeline.output().count("was killed by SIGKILL; starting it again") == turn
        assert pipeline.interrupt() == 0


def test_a_kill_of_worker_processes_and_of_the_supervisor(tmp_path: Path) -> None:
    with Site() as site, _pipeline(site, tmp_path) as pipeline:
        site.published = 5
        pipeline.wait_ready()
        _count_reaches(pipeline, 5)
        site.published = 15
        time.sleep(1.1)
        for process in pipeline.children():
            if "anyio.to_process" in process.cmdline():
                process.kill()
        _count_reaches(pipeline, 15)
        site.published = 20
        time.sleep(1)
        left = pipeline.children()
        assert pipeline.process is not None
        pipeline.process.kill()
        pipeline.process.wait()
        site.published = 30
        with _pipeline(site, tmp_path) as again:
            again.wait_ready()
            assert not [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
            _count_reaches(again, 30)
            _assert_each_once(again, site)
            assert again.interrupt() == 0


def test_a_restart_goes_on_where_it_stopped(tmp_path: Path, kafka: str | None) -> None:
    with Site() as site:
        site.published = 8
        with _pipeline(site, tmp_path, *_on(kafka)) as first:
            first.wait_ready()
            _count_reaches(first, 8)
            before = first.changes()
            assert first.interrupt() == 0
        site.published = 11
        with _pipeline(site, tmp_path, *_on(kafka)) as second:
            second.wait_ready()
            _count_reaches(second, 11)
            assert second.changes()[:8] == before
            _assert_each_once(second, site)
            assert second.interrupt() == 0
        assert sorted(site.asked.count(f"/story/{number}") for number in range(11)) == [1] * 11


def test_a_second_run_on_the_same_data_dir_is_refused(tmp_path: Path) -> None:
    with Site() as site, _pipeline(site, tmp_path) as pipeline:
        pipeline.wait_ready()
        second = _pipeline(site, tmp_path)
        with second:
            assert second.process is not None
            assert second.process.wait(60) == 2
        assert "is in use by another copydesk (process" in second.output()
