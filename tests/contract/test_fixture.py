"""The fixture itself."""

import pytest

from tests.brokers import Broker


@pytest.mark.parametrize("n", range(4))
def test_topics_can_be_created(any_broker: Broker, name: str, n: int) -> None:
    any_broker.create_topics(name, partitions=3)
