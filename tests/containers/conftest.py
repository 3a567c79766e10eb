"""One engine, one build and one run of docker-compose.yml for all tests here; workers of a run wait for one another."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import Engine, running_engine
from tests.containers.images import build_all
from tests.containers.stack import Stack, running_stack


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with (Path(tempfile.gettempdir()) / "copydesk-docker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two engines would give the same addresses to their networks
        with running_engine() as running:
            yield running


@pytest.fixture(scope="session")
def index_pages(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """All images are built; these are the packages that the index of the tests was asked for."""
    return build_all(engine, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def built(engine: Engine, index_pages: set[str]) -> Engine:
    """The engine, with all images."""
    return engine


@pytest.fixture(scope="session")
def stack(built: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(built, tmp_path_factory.mktemp("stack")) as running:
        yield running
