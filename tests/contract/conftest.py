"""Both brokers at once, for scenarios whose answers are compared."""

import shutil
import time

import pytest

from tests.brokers import Broker, unique
from tests.contract.both import BUSY, Both, Site
from tests.tiers import unavailable


@pytest.fixture(scope="session")
def coordinated(embedded_broker: Broker, apache_kafka: Broker) -> tuple[Broker, Broker]:
    """Both brokers, once they coordinate groups and transactions: Apache Kafka makes the topics for it on first use."""
    for broker in (embedded_broker, apache_kafka):
        with Site(broker, "").client() as client:
            for key_type, name in ((0, "OffsetFetch"), (1, "")):
                while client.call("FindCoordinator", 2, key="warm", key_type=key_type)["error_code"] in BUSY:
                    time.sleep(0.02)
                for number in range(16 if name else 0):
                    message = {"group_id": f"warm-{number}", "topics": None}
                    while client.call(name, 7, **message)["error_code"] in BUSY:
                        time.sleep(0.02)
    return embedded_broker, apache_kafka


@pytest.fixture
def both(coordinated: tuple[Broker, Broker]) -> Both:
    name = unique()
    return Both(*(Site(broker, name) for broker in coordinated))


@pytest.fixture(scope="session")
def kcat() -> str:
    """The kcat command; without it the test is skipped, or fails when everything is required."""
    return shutil.which("kcat") or unavailable("kcat", "kcat is not installed (Debian: apt install kcat)")
