"""Names that keep the scenarios apart."""

import pytest

from tests import brokers


@pytest.fixture
def name() -> str:
    """A name for topics and groups that no other test of this run has."""
    return brokers.unique()
