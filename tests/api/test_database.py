"""A database that cannot be used is one clear line, without the password."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect, update

from copydesk_api import schema
from copydesk_api.database import database_url, describe, make_engine
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.errors import Retryable, SettingsError
from copydesk_shared.settings import load_settings
from tests.api.samples import article

REFUSED = {
    "nonsense": "cannot be read",
    "": "cannot be read",
    "http://host/x": "'http', which is not supported",
    "mysql://user:hunter2@host/x": "'mysql', which is not supported",
    "postgresql+asyncpg://user:hunter2@host/x": "not supported",
    "sqlite://": "three slashes",
    "sqlite:///:memory:": "three slashes",
    "sqlite://relative/path.db": "three slashes",
    "sqlite:////nowhere/at/all/x.db": "no folder /nowhere/at/all",
    "sqlite:////proc/x.db": "sqlite:////proc/x.db cannot be used: unable to open",
    "postgresql://user:hunter2@host:port/x": "cannot be read",
    "postgresql://user:hunter2@127.0.0.1:1/x": "postgresql://127.0.0.1:1/x cannot be used",
    "postgresql://user@127.0.0.1:1/x?password=hunter2": "postgresql://127.0.0.1:1/x cannot be used",
    "postgresql://user:hunter2@127.0.0.1:1/x?colour=hunter2": "colour",
}


@pytest.mark.parametrize("url", REFUSED)
def test_an_unusable_url(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Store.open(url)
    line = str(caught.value)
    assert REFUSED[url] in line
    assert "\n" not in line
    assert "hunter2" not in line
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg"),
        ("sqlite:///x.db", "sqlite+pysqlite"),
    ],
)
def test_plain_urls_get_their_driver(url: str, driver: str) -> None:
    assert database_url(url).drivername == driver


def test_a_description_holds_no_secret() -> None:
    assert (
        describe(database_url("postgresql://u:hunter2@db.example:5433/copy?password=hunter2"))
        == "postgresql://db.example:5433/copy"
    )


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("not a database, but long enough to look at " * 50)
    with pytest.raises(SettingsError, match="cannot be used: file is not a database"):
        Store.open(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_newer_schema_is_refused(database: str) -> None:
    Store.open(database).close()
    engine = make_engine(database_url(database))
    with engine.begin() as connection:
        connection.execute(update(schema.schema_version).values(version=99))
    engine.dispose()
    with pytest.raises(SettingsError, match="schema version 99, this program works with 1"):
        Store.open(database)


def test_sqlite_runs_as_it_should(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    with store._engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_every_table_of_the_schema_is_there_on_both(open_store: Callable[[], Store], database: str) -> None:
    open_store()
    engine = make_engine(database_url(database))
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    assert set(schema.metadata.tables) | {"article_search"} <= names


def test_a_database_that_goes_away_is_something_to_try_again(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    store = Store.open(f"sqlite:///{path}")
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE articles RENAME TO elsewhere")
    with pytest.raises(Retryable, match="no such table"):
        store.write([("a", article("a"))], {0: 1})
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE elsewhere RENAME TO articles")
    other.close()
    store.write([("a", article("a"))], {0: 1})
    store.close()


def test_a_server_that_is_away_is_something_to_try_again() -> None:
    store = Store(make_engine(database_url("postgresql://u:hunter2@127.0.0.1:1/d")))
    with pytest.raises(Retryable, match="the database cannot be used: connection") as caught:
        store.positions([0])
    assert "hunter2" not in str(caught.value)
    store.close()


@pytest.mark.postgres
def test_connections_that_the_server_closed_are_made_anew(postgres_database: str) -> None:
    store = Store.open(postgres_database)
    store.write([("a", article("a"))], {0: 1})
    with psycopg.connect(postgres_database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'copydesk-api'")
    store.write([("b", article("b"))], {0: 2})
    assert [change.article_id for change in store.changes(0, 10)] == ["a", "b"]
    store.close()


def test_no_setting_shows_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_API_DATABASE_URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(load_settings(ApiSettings))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORT", "seventy", "COPYDESK_API_PORT='seventy'"),
        ("PORT", "70000", "COPYDESK_API_PORT='70000'"),
        ("HOST", "", "COPYDESK_API_HOST=''"),
        ("BASE_URL", "ftp://x", "must start with http:// or https://"),
        ("PROT", "1", "COPYDESK_API_PROT is not a setting; did you mean COPYDESK_API_PORT?"),
    ],
)
def test_a_setting_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str) -> None:
    monkeypatch.setenv(f"COPYDESK_API_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings(ApiSettings)
    assert why in str(caught.value)


def test_base_url_has_no_slash_at_its_end() -> None:
    assert ApiSettings(base_url="https://news.example/").base_url == "https://news.example"
    assert ApiSettings(base_url="").base_url is None
