"""The command that makes the index anew, as a process on a real broker: killed, started again, and what it says."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from copydesk_api.drafts import Draft
from copydesk_api.store import Keep, Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import follow
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import encode
from copydesk_standalone.probes import free_port
from tests import brokers
from tests.api.samples import article
from tests.brokers import Broker

COUNT = 3_000
PARTITIONS = 2
STANDALONE = (sys.executable, "-m", "copydesk_standalone", "index", "rebuild")
SERVICE = (sys.executable, "-m", "copydesk_api", "index", "rebuild")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with brokers.embedded_broker(tmp_path) as running:
        running.create_topics(CLASSIFIED.name, partitions=PARTITIONS)
        yield running


def start(command: tuple[str, ...], database: str, servers: str) -> "subprocess.Popen[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
    for program in ("API", "STANDALONE"):
        env |= {f"COPYDESK_{program}_DATABASE_URL": database, f"COPYDESK_{program}_BOOTSTRAP_SERVERS": servers}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def published(broker: Broker) -> Mapping[int, int]:
    """The ends of the partitions, with articles in them."""
    messages = [encode(CLASSIFIED, article(f"a{number}"), stage="classifier", version="1") for number in range(COUNT)]
    async with follow(Brokers(broker.bootstrap_servers), client_id="t") as log:
        for stored in [await log.send(message) for message in messages]:
            await stored
        log.assign({(CLASSIFIED.name, number): 0 for number in range(PARTITIONS)})
        return {number: end for (_, number), (_, end) in (await log.positions()).items()}


def drafted(store: Store) -> int:
    """How many offsets the draft has taken; 0 where there is none yet."""
    sqlite = store.engine.dialect.name == "sqlite"
    if sqlite and not Path(f"{store.engine.url.database}.rebuild").exists():
        return 0
    draft = Draft(store, Keep()).store
    try:
        with draft.engine.connect() as connection:
            taken = connection.execute(text("SELECT sum(next_offset) FROM source_offsets")).scalar()
    except (ProgrammingError, OperationalError):  # its tables are not there yet
        taken = 0
    finally:
        draft.close()
    return int(taken or 0)


@pytest.mark.kafka
async def test_killed_and_started_again(open_store: Callable[[], Store], database: str, broker: Broker) -> None:
    command = STANDALONE if database.startswith("sqlite") else SERVICE
    ends = await published(broker)
    store = open_store()
    store.write([("old", article("old"))], ends)
    feed = store.feed()
    first = start(command, database, broker.bootstrap_servers)
    while first.poll() is None and not drafted(store):
        await asyncio.sleep(0.01)
    first.kill()
    first.communicate()
    assert store.feed() == feed
    assert store.article("old") is not None
    done = start(command, database, broker.bootstrap_servers)
    said, errors = done.communicate(timeout=90)
    assert done.returncode == 0, errors
    assert said.startswith(f"the index is new, with {COUNT:,} changes; its feed is {store.feed()}, ")
    assert store.feed() != feed
    assert store.article("old") is None
    assert len(store.changes(COUNT - 10, 20)) == 10
    assert store.positions() == ends


REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "no broker": (SERVICE, "cannot be used"),
    "no index": ((*STANDALONE, "--data-dir", "nowhere"), "there is no index at"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, name: str) -> None:
    command, why = REFUSED[name]
    url = f"sqlite:///{tmp_path / 'api.db'}"
    if "--data-dir" in command:
        url = ""
    else:
        Store.open(url).close()
    done = start(command, url, f"127.0.0.1:{free_port()}")
    _, errors = done.communicate(timeout=60)
    assert done.returncode == 2
    assert why in errors
    assert errors.count("\n") == 1
