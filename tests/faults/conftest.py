"""Brokers for the faults of services: each test has an empty one to itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import brokers
from tests.faults.cluster import BOTH, PROXIED, ApachePower, Cluster, embedded_cluster, own_apache_kafka
from tests.faults.proxy import Proxy
from tools.apache_kafka import ApacheKafka


@pytest.fixture(scope="session")
def faults_proxy() -> Iterator[Proxy]:
    """The network before Apache Kafka, for those who go through it."""
    with Proxy() as proxy:
        yield proxy


@pytest.fixture(scope="session")
def faults_apache(tmp_path_factory: pytest.TempPathFactory, faults_proxy: Proxy) -> Iterator[ApacheKafka]:
    """Apache Kafka for the tests of this worker, one after another."""
    folder = tmp_path_factory.mktemp("faults-apache")
    proxied = {"listeners": {PROXIED: "PLAINTEXT"}, "advertised": {PROXIED: [faults_proxy.port]}}
    with own_apache_kafka(folder, **proxied) as kafka:
        faults_proxy.target = kafka.members[0].ports[PROXIED]
        yield kafka


@pytest.fixture(params=BOTH)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """The test runs on both brokers, each empty but for the topics."""
    if request.param == brokers.EMBEDDED:
        with embedded_cluster(tmp_path) as running:
            running.make_topics()
            yield running
        return
    yield from _apache_cluster(request.getfixturevalue("faults_apache"))


@pytest.fixture(params=BOTH)
def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Cluster, Proxy]]:
    """The same with a proxy before it: whoever starts there is led there for everything."""
    if request.param == brokers.EMBEDDED:
        with Proxy() as proxy, embedded_cluster(tmp_path, "--advertised-port", str(proxy.port)) as running:
            proxy.target = int(running.servers.rpartition(":")[2])
            running.make_topics()
            yield running, proxy
        return
    proxy = request.getfixturevalue("faults_proxy")
    for running in _apache_cluster(request.getfixturevalue("faults_apache")):
        yield running, proxy
        proxy.heal()


def _apache_cluster(kafka: ApacheKafka) -> Iterator[Cluster]:
    running = Cluster(brokers.APACHE, kafka.bootstrap_servers, ApachePower(kafka))
    running.clear()
    running.make_topics()
    yield running
    if not kafka.members[0].is_running():
        kafka.restart(0)
