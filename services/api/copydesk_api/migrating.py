"""Bringing the tables up to date: which migrations a database has, which it needs, and running them.

Two numbers say what a database holds. Alembic's revision says which migrations have run. ``schema_version`` holds the
level: the oldest programs that can work with the tables. Migrations are additive, so the level stays where it is and
programs of two releases may work side by side while pods are replaced.
"""

from enum import Enum, auto
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, inspect, select, text

from copydesk_api.database import patiently
from copydesk_api.schema import schema_version
from copydesk_shared.errors import SettingsError

LEVEL = 1
FIRST = "0001"
# Any number will do; two programs that migrate at once must use the same.
MIGRATION_LOCK = 4_846_213_907
# Whoever waits for a table keeps everybody else waiting behind it.
LOCK_TIMEOUT = "10s"
ENCODING = "UTF8"


class Schema(Enum):
    """What a database is to this program."""

    EMPTY = auto()
    OLDER = auto()
    CURRENT = auto()
    NEWER = auto()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision that this program works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package has lost its migrations")
    return head


def revision_of(connection: Connection) -> str | None:
    """The revision of the database; ``None`` when it has no tables of ours."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None and inspect(connection).has_table(schema_version.name):
        return FIRST  # made by the first release, before there were migrations
    return found


def examine(connection: Connection) -> Schema:
    """What the database is to this program.

    Raises :class:`SettingsError` when only newer programs can use it, or when it cannot keep every character.
    """
    _check_encoding(connection)
    found = revision_of(connection)
    if found is None:
        return Schema.EMPTY
    level = connection.execute(select(func.max(schema_version.c.version))).scalar() or 0
    if level > LEVEL:
        raise SettingsError(f"the database has schema version {level}, this program works with {LEVEL}")
    if found == newest_revision():
        return Schema.CURRENT
    return Schema.OLDER if _is_ours(found) else Schema.NEWER


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != ENCODING:
        raise SettingsError(
            f"the database keeps its text as {encoding}, which has no room for every script:"
            f" create it with ENCODING '{ENCODING}' TEMPLATE template0"
        )


def _is_ours(revision: str) -> bool:
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


@patiently(None)
def migrate(connection: Connection) -> bool:
    """Run the migrations that are missing, all in the transaction of the connection. Whether there were any.

    The transaction must be exclusive on SQLite; on PostgreSQL a lock is taken here. Raises :class:`SettingsError`
    when the tables are too new.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    _adopt(connection)
    if examine(connection) not in (Schema.EMPTY, Schema.OLDER):
        return False
    command.upgrade(_config(connection), "head")
    return True


@patiently(None)
def migrate_to(connection: Connection, revision: str) -> None:
    """Migrate up or down to exactly this revision; "base" leaves no table. What later revisions hold is lost."""
    _adopt(connection)
    here = revision_of(connection) or ""
    going = command.downgrade if revision == "base" or revision < here else command.upgrade
    going(_config(connection), revision)


def _adopt(connection: Connection) -> None:
    """Take note of the revision where the first release has made the tables."""
    context = MigrationContext.configure(connection)
    if context.get_current_revision() is None and revision_of(connection) == FIRST:
        context.stamp(ScriptDirectory.from_config(_config()), FIRST)
