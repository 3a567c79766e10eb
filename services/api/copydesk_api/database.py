"""From a database URL to an engine, and from a driver's trouble to the errors of Copydesk."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.waiting import Ready, Wait
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from copydesk_shared.errors import Retryable, SettingsError

T = TypeVar("T")
DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 5
SESSION_OPTIONS: Mapping[str, str | int] = {
    "application_name": "copydesk-api",
    # A server in the C locale would say everything in bytes, also what is wrong with that.
    "client_encoding": "utf8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
POOL_SIZE = 8
POOL_OVERFLOW = 40  # the threads that serve requests, and the index
# One that says nothing while its machine still takes what is sent is noticed by no time-out of the connection.
SILENT_SECONDS = 10.0
# What costs a server nothing: whether it is there, and the end of a transaction. With the time to connect again, who
# has a connection that has fallen silent knows so within SILENT_SECONDS.
PROMPT_SECONDS = 4.0
WRITE_SECONDS = 60.0  # batches of the index, which may wait for one another
# So often a server that is busy for long looks whether anybody still waits for that.
LOOK_FOR_CLIENT = "2s"
FORMS = "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
EXCLUSIVE = "copydesk_exclusive"

# InternalError: PostgreSQL's "cannot write in a read-only transaction", seen while a standby takes over.
TROUBLE = (OperationalError, InterfaceError, InternalError, PoolTimeout)


# For how long a statement may take, where that is not SILENT_SECONDS.
_patience: ContextVar[tuple[float | None] | None] = ContextVar("patience", default=None)


@contextmanager
def patiently(seconds: float | None) -> Iterator[None]:
    """PostgreSQL has so long to answer each statement meanwhile; ``None``: as long as it takes."""
    token = _patience.set((seconds,))
    try:
        yield
    finally:
        _patience.reset(token)


class HeardConnection(psycopg.Connection[Any]):
    """A connection on which no answer is awaited without end. It is closed then: what still came would be wasted."""

    def wait(self, gen: Generator[Wait, Ready | int, T], *given: Any, **named: Any) -> T:
        """Run what the driver does with the server. Raises ``OperationalError`` when that says nothing for long."""
        chosen = _patience.get()
        # Outside of transactions it is asked whether the server is there, and where the feed stands.
        seconds = PROMPT_SECONDS if self._autocommit else SILENT_SECONDS if chosen is None else chosen[0]
        if seconds is None:
            return super().wait(gen, *given, **named)
        try:
            return super().wait(_within(gen, seconds), *given, **named)
        except Silence:
            self.close()
            raise

    def rollback(self) -> None:
        """See :class:`psycopg.Connection`."""
        with patiently(PROMPT_SECONDS):
            super().rollback()


class Silence(psycopg.OperationalError):
    """The server says nothing."""


def _within(waits: Generator[Wait, Ready | int, T], seconds: float) -> Generator[Wait, Ready | int, T]:
    """The same, unless it has to wait so long for the next part of an answer."""
    until = time.monotonic() + seconds
    try:
        wanted = next(waits)
        while True:
            ready = yield wanted
            if ready:
                until = time.monotonic() + seconds
            elif time.monotonic() > until:
                raise Silence(f"it gives no answer within {seconds:g} s")
            wanted = waits.send(ready)
    except StopIteration as end:
        found: T = end.value
        return found


def database_url(text: str) -> URL:
    """The URL with the driver filled in. Raises :class:`SettingsError`, without the password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(f"the database URL cannot be read: {FORMS}") from None
    driver = DRIVERS.get(url.drivername)
    if driver is None:
        raise SettingsError(f"the database URL starts with {url.drivername!r}, which is not supported: {FORMS}")
    if driver.startswith("sqlite") and (url.host or url.query or url.database in (None, "", ":memory:")):
        raise SettingsError("the database URL must name a file, with three slashes: sqlite:///PATH")
    return url.set(drivername=driver)


def describe(url: URL) -> str:
    """The URL for people: no user, no password, no options (libpq takes a password there as well)."""
    place = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    return f"{url.get_backend_name()}://{place}/{url.database or ''}"


def make_engine(url: URL, schema: str | None = None) -> Engine:
    """An engine; nothing is connected yet. On PostgreSQL it may look into this schema only."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    engine = create_engine(
        url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_timeout=CONNECT_TIMEOUT_SECONDS, pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, **_session_options(url)},
    )  # fmt: skip
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _have_clients_looked_for)
    if schema is not None:
        event.listen(engine, "connect", lambda connection, _record: _look_into(connection, schema))
    return engine


def _connect(_dialect: Any, _record: Any, given: Any, named: dict[str, Any]) -> HeardConnection:
    return HeardConnection.connect(*given, **named)


def _have_clients_looked_for(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Not every system can, and PostgreSQL 13 cannot; there a statement that is given up runs to its end."""
    with suppress(psycopg.DatabaseError):
        connection.execute("SELECT set_config('client_connection_check_interval', %s, false)", [LOOK_FOR_CLIENT])
    if not connection.closed:
        connection.commit()


def _look_into(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", [schema])
    connection.commit()


def _session_options(url: URL) -> dict[str, str | int]:
    """A name for the server's list of sessions, and when a silent server counts as gone, unless the person says so."""
    return {name: value for name, value in SESSION_OPTIONS.items() if name not in url.query}


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: reads would not be one snapshot
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        # NORMAL may lose the last commits when the power fails; positions that pollers have seen would be given twice.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    exclusive = connection.get_execution_options().get(EXCLUSIVE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if exclusive else "BEGIN")


@contextmanager
def retryable() -> Iterator[None]:
    """Turns a database that is away, locked or full into :class:`Retryable`."""
    try:
        yield
    except TROUBLE as error:
        raise Retryable(f"the database cannot be used: {first_line(error)}") from error


async def answered(question: Awaitable[T]) -> T:
    """What the database says. Raises :class:`Retryable` when it says nothing for long."""
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            return await question
    except TimeoutError:
        raise Retryable(f"the database gives no answer within {SILENT_SECONDS:g} s") from None


def first_line(error: Exception) -> str:
    """What the driver said, in one line and without the statement and its parameters."""
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def check_folder(url: URL) -> None:
    """Raises :class:`SettingsError` when a SQLite file cannot lie where the URL says."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return
    folder = Path(url.database).resolve().parent
    if not folder.is_dir():
        raise SettingsError(f"{describe(url)}: there is no folder {folder}")
