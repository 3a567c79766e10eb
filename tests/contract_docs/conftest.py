"""Programs that the contract is checked with."""

from pathlib import Path

import pytest

from tests import npm

JS = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def parser_packages() -> Path:
    """The folder with the AsyncAPI parser."""
    return npm.install(JS)
