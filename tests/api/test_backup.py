"""Backup and restore of the database, by the commands of docs/operations.md, while the topic goes on."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.store import Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import follow
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import encode
from tests import brokers
from tests.api.samples import article
from tests.api.test_service import environment, running
from tests.brokers import Broker

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "operations.md"
BEFORE, LATER = 20, 5
TOO_FAR = 1_000
COPYDESK = (sys.executable, "-m", "copydesk_standalone")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with brokers.embedded_broker(tmp_path) as running:
        yield running


def command(begins: str) -> str:
    """The one line of the page that begins so."""
    (found,) = re.findall(rf"^   ({re.escape(begins)}\b.*)$", PAGE.read_text(), re.MULTILINE)
    return str(found)


def run(line: str, folder: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-euc", line],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def publish(broker: Broker, names: list[str]) -> None:
    messages = [encode(CLASSIFIED, article(name), stage="classifier", version="1") for name in names]
    async with follow(Brokers(broker.bootstrap_servers), client_id="t") as log:
        for stored in [await log.send(message) for message in messages]:
            await stored


def empty_again(server: str, database: str) -> None:
    name = str(make_url(database).database)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())


def test_the_database_comes_back_and_goes_on_where_it_was(
    postgres_server: str, postgres_database: str, broker: Broker, tmp_path: Path
) -> None:
    broker.create_topics(CLASSIFIED.name, partitions=1)
    names = [f"a{number}" for number in range(BEFORE + LATER)]
    asyncio.run(publish(broker, names))
    store = Store.open(postgres_database)
    store.write([(name, article(name)) for name in names[:BEFORE]], {0: BEFORE})
    made = KeyStore(store.engine).create("desk", Scope.READ)
    feed = store.feed()
    env = {
        "DATABASE_URL": postgres_database,
        "COPYDESK_API_DATABASE_URL": postgres_database,
        "COPYDESK_API_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    run(command("pg_dump"), tmp_path, env)
    # What comes after the backup is lost with the database, and its positions with it.
    store.write([(name, article(name)) for name in names[BEFORE:]], {0: BEFORE + LATER})
    store.close()
    empty_again(postgres_server, postgres_database)

    run(command("pg_restore"), tmp_path, env)
    store = Store.open(postgres_database, migrate=False)
    assert store.positions() == {0: BEFORE}, "the rest of the topic is read again"
    assert store.feed() == feed, "which is why cursors of after the backup would be believed"
    assert KeyStore(store.engine).find(made.token) is not None

    assert f"with {BEFORE} changes" in run(command("copydesk-api index rebuild"), tmp_path, env)
    assert store.feed() != feed
    assert store.article(names[0]) is not None
    assert KeyStore(store.engine).find(made.token) is not None
    store.close()


def test_a_topic_that_was_lost_is_read_from_its_beginning(
    postgres_database: str, broker: Broker, tmp_path: Path
) -> None:
    """The positions of the database are those of the topic that is gone."""
    store = Store.open(postgres_database)
    store.write([("old", article("old"))], dict.fromkeys(range(CLASSIFIED.partitions), TOO_FAR))
    env = environment(tmp_path, DATABASE_URL=postgres_database, BOOTSTRAP_SERVERS=broker.bootstrap_servers)
    applied = [*COPYDESK, "topics", "apply", "--bootstrap-servers", broker.bootstrap_servers]
    subprocess.run(applied, check=True, timeout=60, capture_output=True)
    asyncio.run(publish(broker, ["new"]))
    with running(env) as process:
        give_up = time.monotonic() + 60
        while store.article("new") is None:
            assert time.monotonic() < give_up
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
    assert store.article("old") is not None
    assert min(store.positions().values()) == 1
    store.close()
