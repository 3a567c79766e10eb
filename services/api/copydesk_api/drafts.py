"""A second index beside the one that is served, and the moment in which it takes its place.

On PostgreSQL the draft is a schema beside that of the live tables, whose tables are moved over; on SQLite it is a file
beside the live one, whose rows are copied over. Both happen in one transaction, so readers see the old index or the
new one, and a draft is there until it has become the index.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select, text

from copydesk_api.database import EXCLUSIVE, make_engine, patiently, retryable
from copydesk_api.schema import INDEX_TABLES, positions
from copydesk_api.store import Keep, Store
from copydesk_api.writing import offsets
from copydesk_shared.errors import SettingsError

SUFFIX = "rebuild"
DRAFT_LOCK = 4_846_213_908
SWAP_LOCK_TIMEOUT = "10s"
WORDS = "article_search"
BUSY = "another rebuild of this database is running"

# Earlier revisions that the topic does not hold any more. Their positions are below zero: they were there before all
# that the new feed has.
CARRY_OVER = """
INSERT INTO {draft}.article_revisions (article_id, position, revision, at, document)
SELECT was.article_id, was.position - :newest - 1, was.revision, was.at, was.document
FROM {live}.article_revisions AS was JOIN {draft}.articles AS now ON now.article_id = was.article_id
WHERE now.document IS NOT NULL AND was.revision < now.revision AND NOT EXISTS (
    SELECT 1 FROM {draft}.article_revisions AS kept
    WHERE kept.article_id = was.article_id AND kept.revision <= was.revision)
"""

# Receivers stand before the first article that they have not got, as the new feed has it; who delivers to them stops.
# The name of the feed that they know is left to them: they are told that it is another one.
MOVE_RECEIVERS = """
UPDATE {live}.receivers AS receiver SET lease_owner = NULL, lease_until = NULL, position = COALESCE((
    SELECT MIN(now.position) - 1 FROM {live}.articles AS was
    JOIN {draft}.articles AS now ON now.article_id = was.article_id
    WHERE was.position > receiver.position), (SELECT MAX(newest) FROM {draft}.positions))
"""


class Place(Protocol):
    """Where a draft lies, on one kind of database."""

    live: str
    draft: str

    def engine(self) -> Engine:
        """What connects to the draft."""

    def alone(self) -> AbstractContextManager[None]:
        """While this program alone works on the draft. Raises :class:`SettingsError`."""

    def make(self) -> None:
        """Have a place for it, be there one already or not."""

    def discard(self) -> None:
        """Leave nothing of it."""

    def prepare(self, connection: Connection) -> None:
        """Before the transaction that swaps."""

    def stop_writers(self, connection: Connection) -> None:
        """From now to the end of the transaction nobody else writes to the live index."""

    def reach(self, connection: Connection) -> None:
        """Let the connection see the draft."""

    def replace(self, connection: Connection) -> None:
        """Put the draft's tables in the place of the live ones."""


class Draft:
    """The index that is being made, in ``store``, beside the ``live`` one."""

    def __init__(self, live: Store, keep: Keep) -> None:
        self._live = live
        self._place: Place = PLACES[live.engine.dialect.name](live.engine)
        self.store = Store(self._place.engine(), keep)

    @contextmanager
    def opened(self, *, afresh: bool) -> Iterator[None]:
        """Go on with the draft that is there, or begin one. Raises :class:`SettingsError`."""
        with self._place.alone():
            if afresh:
                self._place.discard()
            try:
                self._begin()
                if self.store.feed() == self._live.feed():  # it became the index, and then the power went
                    self.store.close()
                    self._place.discard()
                    self._begin()
                yield
            finally:
                self.store.close()

    def _begin(self) -> None:
        self._place.make()
        self.store.migrate()

    @contextmanager
    def frozen(self) -> Iterator[Connection]:
        """While nobody writes to the live index; readers go on. What the connection has done counts from the end on."""
        with retryable(), self._live.engine.connect().execution_options(**{EXCLUSIVE: True}) as connection:
            try:
                self._place.prepare(connection)
                with patiently(None), connection.begin():
                    self._place.stop_writers(connection)
                    yield connection
            finally:
                connection.invalidate()  # as it was prepared it is of no use to others

    def swap(self, frozen: Connection) -> None:
        """Make the draft the index, with what only the old one knew of: earlier revisions, and the receivers."""
        self.store.close()
        with retryable():
            self._place.reach(frozen)
            newest = frozen.execute(select(func.max(positions.c.newest))).scalar_one()
            carry_over = CARRY_OVER.format(live=self._place.live, draft=self._place.draft)
            frozen.execute(text(carry_over), {"newest": newest})
            frozen.execute(text(MOVE_RECEIVERS.format(live=self._place.live, draft=self._place.draft)))
            self._place.replace(frozen)

    def discard(self) -> None:
        """Leave nothing of it."""
        self._place.discard()


def live_offsets(frozen: Connection) -> Mapping[int, int]:
    """How far the live index has read."""
    with retryable():
        return offsets(frozen)


class FileBeside:
    """On SQLite."""

    live = "main"
    draft = "draft"

    def __init__(self, live: Engine) -> None:
        self._url = live.url.set(database=f"{live.url.database}.{SUFFIX}")
        self._path = Path(self._url.database or "")

    def engine(self) -> Engine:
        """See :class:`Place`."""
        return make_engine(self._url)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :class:`Place`."""
        with self._path.with_name(f"{self._path.name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SettingsError(BUSY) from None
            yield

    def make(self) -> None:
        """SQLite makes the file."""

    def discard(self) -> None:
        """See :class:`Place`."""
        for suffix in ("-wal", "-shm", ""):
            self._path.with_name(f"{self._path.name}{suffix}").unlink(missing_ok=True)

    def prepare(self, connection: Connection) -> None:
        """Without foreign keys tables are emptied and filled at once; in a transaction they cannot be left out."""
        driver = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("not connected")
        driver.execute("PRAGMA foreign_keys = OFF")

    def stop_writers(self, connection: Connection) -> None:
        """Its transaction is the only one from its start."""
        connection.execute(text("SELECT 1"))

    def reach(self, connection: Connection) -> None:
        """Not before the draft is complete: what is attached is locked with the live file."""
        connection.execute(text(f"ATTACH :path AS {self.draft}"), {"path": str(self._path)})

    def replace(self, connection: Connection) -> None:
        """See :class:`Place`."""
        for table in INDEX_TABLES:
            names = ", ".join(column.name for column in table.columns)
            connection.exec_driver_sql(f"DELETE FROM main.{table.name}")  # noqa: S608 - names of ours
            connection.exec_driver_sql(
                f"INSERT INTO main.{table.name} ({names}) SELECT {names} FROM draft.{table.name}"  # noqa: S608
            )
        made = "SELECT sql FROM draft.sqlite_master WHERE name = 'article_search'"
        create = str(connection.exec_driver_sql(made).scalar_one())
        connection.exec_driver_sql("DROP TABLE main.article_search")
        connection.exec_driver_sql(create)
        connection.exec_driver_sql(
            "INSERT INTO main.article_search (rowid, title, body) SELECT rowid, title, body FROM draft.article_search"
        )


class SchemaBeside:
    """On PostgreSQL."""

    def __init__(self, live: Engine) -> None:
        self._live = live
        with retryable(), live.connect() as connection:
            name = connection.execute(text("SELECT current_schema()")).scalar_one()
        self._name = f"{name}_{SUFFIX}"
        quote = live.dialect.identifier_preparer.quote_identifier
        self.live, self.draft = quote(str(name)), quote(self._name)

    def engine(self) -> Engine:
        """See :class:`Place`."""
        return make_engine(self._live.url, self._name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See :class:`Place`."""
        with retryable(), self._live.connect() as connection:
            if not connection.execute(select(func.pg_try_advisory_lock(DRAFT_LOCK))).scalar_one():
                raise SettingsError(BUSY)
            connection.commit()
            try:
                yield
            finally:
                connection.invalidate()  # the lock ends with its session

    def make(self) -> None:
        """See :class:`Place`."""
        self._run(f"CREATE SCHEMA IF NOT EXISTS {self.draft}")

    def discard(self) -> None:
        """See :class:`Place`."""
        self._run(f"DROP SCHEMA IF EXISTS {self.draft} CASCADE")

    def _run(self, statement: str) -> None:
        with retryable(), patiently(None), self._live.begin() as connection:
            connection.execute(text(statement))

    def prepare(self, connection: Connection) -> None:
        """Nothing to do."""

    def stop_writers(self, connection: Connection) -> None:
        """Writers begin with a lock of a row in this table, and readers need none that would have to wait for this."""
        connection.execute(text(f"LOCK TABLE {self.live}.positions IN EXCLUSIVE MODE"))

    def reach(self, connection: Connection) -> None:
        """It is a schema of the same database."""

    def replace(self, connection: Connection) -> None:
        """Readers that hold a table are waited for; those that come meanwhile wait, and find the new one."""
        connection.execute(text(f"SET LOCAL lock_timeout = '{SWAP_LOCK_TIMEOUT}'"))
        names = [WORDS, *(table.name for table in reversed(INDEX_TABLES))]
        every = ", ".join(f"{self.live}.{name}" for name in names)
        connection.execute(text(f"LOCK TABLE {every} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text(f"DROP TABLE {every}"))
        for name in names:
            connection.execute(text(f"ALTER TABLE {self.draft}.{name} SET SCHEMA {self.live}"))
        connection.execute(text(f"DROP SCHEMA {self.draft} CASCADE"))


PLACES: Mapping[str, type[FileBeside] | type[SchemaBeside]] = {"sqlite": FileBeside, "postgresql": SchemaBeside}
