"""Both brokers at once, for scenarios whose answers are compared."""

import shutil

import pytest

from tests.brokers import Broker, unique
from tests.contract.both import Both, Site, insist
from tests.tiers import unavailable


@pytest.fixture(scope="session")
def coordinated(embedded_broker: Broker, apache_kafka: Broker) -> tuple[Broker, Broker]:
    """Both brokers, once they coordinate groups and transactions: Apache Kafka makes the topics for it on first use."""
    for broker in (embedded_broker, apache_kafka):
        with Site(broker, "").client() as client:
            for key_type in (0, 1):
                insist(client, "FindCoordinator", 2, key="warm", key_type=key_type)
            for number in range(16):
                insist(client, "OffsetFetch", 7, group_id=f"warm-{number}", topics=None)
    return embedded_broker, apache_kafka


@pytest.fixture
def both(coordinated: tuple[Broker, Broker]) -> Both:
    name = unique()
    return Both(*(Site(broker, name) for broker in coordinated))


@pytest.fixture(scope="session")
def kcat() -> str:
    """The kcat command; without it the test is skipped, or fails when everything is required."""
    return shutil.which("kcat") or unavailable("kcat", "kcat is not installed (Debian: apt install kcat)")
