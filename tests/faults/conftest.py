"""Brokers for the faults of services: each test has an empty one to itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import brokers
from tests.faults.cluster import ApachePower, Cluster, embedded_cluster, own_apache_kafka
from tools.apache_kafka import ApacheKafka


@pytest.fixture(scope="session")
def faults_apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Apache Kafka for the tests of this worker, one after another."""
    with own_apache_kafka(tmp_path_factory.mktemp("faults-apache")) as kafka:
        yield kafka


@pytest.fixture(
    params=[
        pytest.param(brokers.EMBEDDED, marks=pytest.mark.kafka),
        pytest.param(brokers.APACHE, marks=[pytest.mark.kafka, pytest.mark.apache]),
    ]
)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """The test runs on both brokers, each empty but for the topics."""
    if request.param == brokers.EMBEDDED:
        with embedded_cluster(tmp_path) as running:
            running.make_topics()
            yield running
        return
    kafka = request.getfixturevalue("faults_apache")
    running = Cluster(brokers.APACHE, kafka.bootstrap_servers, ApachePower(kafka))
    running.clear()
    running.make_topics()
    yield running
    if not kafka.members[0].is_running():
        kafka.restart(0)
