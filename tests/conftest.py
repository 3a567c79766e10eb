"""Brokers for all tests; both kinds start only when a selected test asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import brokers
from tests.brokers import Broker

# A machine that is busy is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that are given the most time come first: where several processes share them, what is left at the end is short."""

    def seconds(item: pytest.Item) -> float:
        limit = item.get_closest_marker("timeout")
        return float(limit.args[0]) if limit else 0

    items.sort(key=seconds, reverse=True)


def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with brokers.embedded_broker(tmp_path_factory.mktemp("embedded")) as running:
        yield running


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One node of Apache Kafka, shared by all workers; skipped, or failed when required, without Java or Maven."""
    with brokers.shared_apache_kafka(run_folder(tmp_path_factory) / "apache-kafka") as running:
        yield running


BOTH_KINDS = [
    pytest.param(brokers.EMBEDDED, marks=pytest.mark.kafka),
    pytest.param(brokers.APACHE, marks=[pytest.mark.kafka, pytest.mark.apache]),
]


@pytest.fixture(params=BOTH_KINDS)
def own_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """The test runs on both brokers, each time on an empty one of its own."""
    with brokers.own_broker(request.param, tmp_path) as running:
        yield running


@pytest.fixture(params=BOTH_KINDS)
def any_broker(request: pytest.FixtureRequest) -> Broker:
    """The test runs on both brokers."""
    fixture = {brokers.EMBEDDED: "embedded_broker", brokers.APACHE: "apache_kafka"}[request.param]
    broker = request.getfixturevalue(fixture)
    assert isinstance(broker, Broker)
    return broker
