"""One of three brokers dies under load and comes back; ``COPYDESK_FAULT_BROKERS=long``: each of them, twice."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.faults.broker_faults import BY_HAND, Chain, moving, running
from tests.faults.cluster import ApachePower, Cluster, own_apache_kafka
from tools.apache_kafka import ApacheKafka

pytestmark = [pytest.mark.kafka, pytest.mark.apache, pytest.mark.timeout(600)]
NODES = 3


def _coordinator(cluster: Cluster) -> int:
    """The node that coordinates the cleaner's group."""
    admin = AdminClient({"bootstrap.servers": cluster.servers, "log_level": 0})
    described: Any = admin.describe_consumer_groups(["cleaner"])["cleaner"].result(30)
    return int(described.coordinator.id)


def _victims(cluster: Cluster) -> Iterator[int]:
    """The coordinator; by hand each node, so that the controller and every leader is among them."""
    if not BY_HAND:
        yield _coordinator(cluster)
        return
    for _ in range(2):
        yield _coordinator(cluster)
        yield from range(NODES)


def _lose(kafka: ApacheKafka, chain: Chain, node: int) -> None:
    kafka.kill(node)
    killed_at = time.monotonic()
    moving(chain, 200)
    logging.getLogger(__name__).info("node %d killed, works after %.1f s", node, time.monotonic() - killed_at)
    kafka.restart(node)
    moving(chain)


def test_one_of_three_brokers_dies_under_load(tmp_path: Path) -> None:
    with own_apache_kafka(tmp_path / "kafka", nodes=NODES) as kafka:
        cluster = Cluster("apache", kafka.bootstrap_servers, ApachePower(kafka))
        cluster.make_topics()
        with running(cluster, tmp_path) as (chain, feed):
            pod = chain.start_all()
            moving(chain)
            for node in _victims(cluster):
                _lose(kafka, chain, node)
            chain.account(feed).check()
            assert pod.is_running()
