"""Broker processes for tests: each on a free port with a data folder of its own."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from copydesk_standalone.broker.process import BrokerProcess, start
from tests.tiers import unavailable

from .client import WireClient
from .members import Party

_NUMBERS = itertools.count()

StartBroker = Callable[..., BrokerProcess]


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Starts brokers, by default on one data folder, and stops those that still run at the end."""
    started: list[BrokerProcess] = []

    def begin(*options: str, port: int = 0, data_dir: Path = tmp_path / "broker") -> BrokerProcess:
        broker = start(data_dir, port=port, options=options)
        started.append(broker)
        return broker

    yield begin
    for broker in started:
        broker.stop()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One broker for all tests that need not restart it; they keep apart by the names of topics and groups."""
    # Tests write records of long ago, which have to stay.
    with start(tmp_path_factory.mktemp("shared") / "broker", options=("--cleanup-interval-s", "3600")) as running:
        yield running


@pytest.fixture
def client(broker: BrokerProcess) -> Iterator[WireClient]:
    with WireClient(broker.address) as connected:
        yield connected


@pytest.fixture
def name() -> str:
    """A name no other test uses, for a topic or a group."""
    return f"n{next(_NUMBERS)}"


@pytest.fixture
def topic(client: WireClient, name: str) -> str:
    """A topic of one partition."""
    assert client.create_topic(name)["error_code"] == 0
    return name


@pytest.fixture
def party(broker: BrokerProcess, name: str) -> Iterator[Party]:
    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        yield Party(broker.address, f"{name}-group", stack, pool)


@pytest.fixture(scope="session")
def kcat() -> str:
    """The kcat command; without it the test is skipped, or fails when everything is required."""
    found = shutil.which("kcat")
    return found or unavailable("kcat", "kcat is not installed (Debian: apt install kcat)")
