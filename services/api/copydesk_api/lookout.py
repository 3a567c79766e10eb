"""Where the change feed stands: the one question that comes with every request, so it has a connection of its own."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from copydesk_api.records import Standing
from copydesk_api.schema import EPOCH, changes, positions

STANDING = select(positions.c.newest, changes.c.at, positions.c.feed).outerjoin(
    changes, changes.c.position == positions.c.newest
)
SQLITE = "sqlite"


class Lookout:
    """Asks in one statement of its own transaction, past the pool.

    It never says what is wrong: whoever hears ``None`` asks through the pool, which does. May be used from any thread.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = str(STANDING.compile(engine))
        self._is_file = engine.dialect.name == SQLITE
        self._turn = threading.Lock()
        self._connection: Any = None  # of the driver: sqlite3 or psycopg
        self._row: Any = None
        self._last: Standing | None = None

    def glance(self) -> Standing | None:
        """What can be told without waiting: where the database is a file, once :meth:`look` has opened it."""
        return self.look() if self._is_file and self._connection is not None else None

    def look(self) -> Standing | None:
        """Where it stands; ``None`` when the database cannot be asked this way, or somebody else is asking."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._look()
        finally:
            self._turn.release()

    def close(self) -> None:
        """Let go of the connection. The next question makes another."""
        with self._turn:
            self._drop()

    def _look(self) -> Standing | None:
        try:
            if self._connection is None:
                self._connection = self._connected()
            # all rows, as a statement of which some are left keeps its snapshot, and SQLite its log
            (row,) = self._connection.execute(self._asked).fetchall()
        except (self._engine.dialect.loaded_dbapi.Error, SQLAlchemyError):
            self._drop()
            return None
        if row != self._row:
            position, at, feed = self._row = row
            self._last = Standing(feed, position, None if at is None else EPOCH + timedelta(microseconds=at))
        return self._last

    def _connected(self) -> Any:
        pooled = self._engine.raw_connection()
        pooled.detach()
        connection: Any = pooled.dbapi_connection
        if self._is_file:
            connection.execute("PRAGMA busy_timeout = 0")
        else:
            connection.autocommit = True
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()
