from collections.abc import Iterator

import pytest

from tests.security.cluster import SecuredKafka, prepare
from tests.tiers import unavailable
from tools import kafka_jars


@pytest.fixture(scope="session")
def needs_apache_kafka() -> None:
    try:
        kafka_jars.java()
        kafka_jars.class_path()
    except kafka_jars.Unavailable as error:
        unavailable("apache-kafka", str(error))


@pytest.fixture(scope="session")
def secured(needs_apache_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """One cluster for all tests that need not restart it."""
    prepared = prepare(tmp_path_factory.mktemp("secured"))
    with prepared.kafka:
        yield prepared
