"""Migrations: up and down on both databases, from what each release has made, and beside programs of the one before."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, make_url, text

from copydesk_api import migrating, schema
from copydesk_api.database import EXCLUSIVE, database_url, make_engine
from copydesk_api.filters import Filters
from copydesk_api.migrating import Schema
from copydesk_api.push.tables import receivers
from copydesk_api.store import Store
from copydesk_shared.errors import SettingsError
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import COURIER, article
from tests.api.test_queries import listed

RELEASED = Path(__file__).parent / "released"
RELEASES = sorted({path.name.partition(".")[0] for path in RELEASED.iterdir()})
REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrating._config()).walk_revisions()][::-1]
# The words are not in the metadata; FTS5 keeps them in tables of its own.
NOT_DECLARED = ("article_search", "alembic_version")

WHAT_THE_RELEASES_HOLD = {
    "a": article("a", 2, "A corrected piece of copy.", ("conflict",), minutes=2),
    "b": article("b", text="Nothing of note.\nA second line.", source=COURIER, language="en-GB", minutes=5),
    "c": article("c", text="北京大学的学生", language="zh", tags=(), minutes=9),
}


@pytest.fixture
def ascii_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database as a server in the C locale makes it."""
    name = f"copydesk_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0".encode())
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def fenced_database(postgres_server: str, postgres_database: str) -> Iterator[str]:
    """The URL of a database whose user may connect and no more."""
    role = f"reader_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    yield make_url(postgres_database).set(username=role).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {role}".encode())


def restore(database: str, release: str) -> None:
    """Fill an empty database with what a release has made: its tables, and rows that its own code wrote."""
    url = make_url(database)
    script = (RELEASED / f"{release}.{url.get_backend_name()}.sql").read_text()
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(url.database or "")
        connection.executescript(script)
        connection.close()
        return
    with psycopg.connect(database) as server:
        server.execute(script.encode())


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    made = make_engine(database_url(database)).execution_options(**{EXCLUSIVE: True})
    yield made
    made.dispose()


def tables(connection: Connection) -> dict[str, object]:
    """Columns, keys and indexes of every table, in a form to compare."""
    found = inspect(connection)
    return {
        name: (
            sorted((each["name"], str(each["type"]), each["nullable"]) for each in found.get_columns(name)),
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((str(each["name"]), tuple(each["column_names"])) for each in found.get_indexes(name)),
            sorted(tuple(each["column_names"]) for each in found.get_unique_constraints(name)),
            sorted(tuple(each["constrained_columns"]) for each in found.get_foreign_keys(name)),
        )
        for name in found.get_table_names()
    }


def assert_all_is_there(store: Store) -> None:
    for article_id, written in WHAT_THE_RELEASES_HOLD.items():
        stored = store.article(article_id)
        assert stored is not None
        assert ClassifiedArticle.model_validate_json(stored.document or "") == written
    assert [(change.position, change.kind.value, change.article_id) for change in store.changes(0, 10)] == [
        (2, "article", "b"),
        (4, "tombstone", "gone"),
        (5, "article", "a"),
        (6, "article", "c"),
    ]
    assert store.positions([0, 1, 2]) == {0: 5, 2: 8}


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_release_has_made_is_upgraded_in_place(database: str, engine: Engine, release: str) -> None:
    restore(database, release)
    with engine.connect() as connection:
        feed = connection.execute(text("SELECT feed FROM positions")).scalar()
    store = Store.open(database)
    assert store.schema() is Schema.CURRENT
    assert store.feed() == feed  # cursors stay good
    assert_all_is_there(store)
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("conflict", 2)]
    assert listed(store, Filters(tags=("conflict",))) == ["b", "a"]
    assert [store.catch_up(3), store.catch_up(3), store.catch_up(3)] == [3, 1, 0]
    assert listed(store, Filters(terms=("大学",))) == ["c"]
    assert listed(store, Filters(terms=("corrected",), language="en", access="full")) == ["a"]
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("conflict", 2)]
    store.write([("d", article("d"))], {0: 6})
    assert store.changes(6, 10)[0].position == 7
    store.close()


@pytest.mark.parametrize("release", RELEASES)
def test_an_upgraded_database_has_the_tables_of_a_new_one(database: str, engine: Engine, release: str) -> None:
    Store.open(database).close()
    with engine.begin() as connection:
        new = tables(connection)
        migrating.migrate_to(connection, "base")
        if engine.dialect.name == "postgresql":
            connection.execute(text("DROP TABLE alembic_version"))
    if engine.dialect.name == "sqlite":
        engine.dispose()
        Path(engine.url.database or "").unlink()
    restore(database, release)
    Store.open(database).close()
    with engine.connect() as connection:
        assert tables(connection) == new


def test_the_tables_are_those_the_program_declares(database: str, engine: Engine) -> None:
    Store.open(database).close()

    def ours(_entity: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or not (name or "").startswith(NOT_DECLARED)

    assert receivers.metadata is schema.metadata
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_down_and_up_again_loses_nothing(database: str, engine: Engine, revision: str) -> None:
    restore(database, "1")
    Store.open(database).close()
    with engine.begin() as connection:
        migrating.migrate_to(connection, revision)
        assert migrating.revision_of(connection) == revision
    store = Store.open(database)
    assert_all_is_there(store)
    store.close()


def test_all_the_way_down_leaves_no_table(open_store: Callable[[], Store], engine: Engine) -> None:
    store = open_store()
    store.write([("a", article("a"))], {0: 1})
    with engine.begin() as connection:
        migrating.migrate_to(connection, "base")
        assert set(tables(connection)) == {"alembic_version"}
        assert migrating.examine(connection) is Schema.EMPTY
    assert store.migrate()
    assert not store.migrate()
    assert store.changes(0, 10) == ()


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    database: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError("power cut")

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        Store.open(database)
    monkeypatch.undo()
    with engine.connect() as connection:
        assert tables(connection) == {}
    Store.open(database).close()


def test_a_newer_schema_is_worked_with_as_long_as_its_level_allows_it(database: str, engine: Engine) -> None:
    Store.open(database).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store = Store.open(database)
    assert store.schema() is Schema.NEWER
    store.write([("a", article("a"))], {0: 1})
    assert store.article("a") is not None
    store.close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = 2"))
    with pytest.raises(SettingsError, match="schema version 2, this program works with 1"):
        Store.open(database)


# What a program of the first release writes for a new article: it knows of no later column or table.
AS_RELEASE_1_WRITES = (
    "INSERT INTO changes (position, article_id, revision, kind, at) VALUES (1, 'old', 1, 'article', 5)",
    "UPDATE positions SET newest = 1",
    """INSERT INTO articles (row_id, article_id, revision, content_hash, fingerprint, position, sort_at, published_at,
       fetched_at, indexed_at, source, domain, language, document)
       VALUES (1, 'old', 1, 'h', 'f', 1, 5, 5, 5, 5, 'the gull', 'gull.example', 'en', :document)""",
    "INSERT INTO article_tags (row_id, tag, label) VALUES (1, 'conflict', 'Conflict')",
)


def test_a_program_of_the_release_before_goes_on_beside_the_new_one(database: str, engine: Engine) -> None:
    store = Store.open(database)
    written = article("old")
    with engine.begin() as connection:
        for statement in AS_RELEASE_1_WRITES:
            given = {"document": written.model_dump_json()} if ":document" in statement else {}
            connection.execute(text(statement), given)
        level = connection.execute(text("SELECT max(version) FROM schema_version")).scalar()
    assert level == 1  # what a program of the first release asks when it starts
    assert [change.article_id for change in store.changes(0, 10)] == ["old"]
    assert listed(store, Filters()) == ["old"]
    assert store.catch_up(10) == 1
    assert listed(store, Filters(tags=("conflict",), terms=("copy",), language="en")) == ["old"]
    assert [(tag.tag, tag.count) for tag in store.tags()] == [("conflict", 1)]
    store.write([("old", article("old", 2, "Corrected."))], {0: 2})
    assert [(change.position, change.revision) for change in store.changes(0, 10)] == [(2, 2)]
    store.close()


@pytest.mark.postgres
def test_a_database_that_cannot_keep_every_script_is_refused(ascii_database: str) -> None:
    refused = r"keeps its text as SQL_ASCII.*ENCODING 'UTF8'"
    with pytest.raises(SettingsError, match=refused):
        Store.open(ascii_database)
    store = Store.open(ascii_database, migrate=False)
    try:
        with pytest.raises(SettingsError, match=refused):
            store.schema()
    finally:
        store.close()


@pytest.mark.postgres
def test_a_user_without_rights_is_told_in_one_line(fenced_database: str) -> None:
    store = Store.open(fenced_database, migrate=False)
    try:
        with pytest.raises(
            SettingsError, match=r"^the database postgresql://[^ ]+ cannot be used: permission denied[^\n]*$"
        ):
            store.migrate()
    finally:
        store.close()
