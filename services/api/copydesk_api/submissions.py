"""Articles that are handed in: which revision each gets, so that what is handed in twice is one.

What was handed in is known by its digest for a month, and by the key that a client gave its request
(draft-ietf-httpapi-idempotency-key-header) for a day. A submission is noted before it goes to the topic and confirmed
when it is stored there; one that was not confirmed goes there again, as the same revision.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from copydesk_api.database import EXCLUSIVE, retryable
from copydesk_api.planning import MAX_REVISION
from copydesk_api.rows import indexable
from copydesk_api.schema import articles, submission_keys, submissions
from copydesk_shared.errors import CopydeskError
from copydesk_shared.messages import Page

KEYS_KEPT = timedelta(days=1)
KEPT = timedelta(days=30)
LOCK = 4_846_213_909


class KeyReusedError(CopydeskError):
    """The same Idempotency-Key came with something else."""


@dataclass(frozen=True)
class Begun:
    """Which revision a submission is, and whether it is on the topic already."""

    revision: int
    is_stored: bool


def digest(page: Page) -> str:
    """Equal for two submissions that say the same, whenever they come."""
    told = page.model_dump(mode="json", exclude={"fetched_at", "revision"})
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Submissions:
    """What was handed in lately. Every method blocks; a database that is away raises :class:`Retryable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        options = {EXCLUSIVE: True}
        with retryable(), self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def begin(self, page: Page, caller: str, idempotency_key: str | None = None) -> Begun:
        """Note the submission. Raises :class:`KeyReusedError`."""
        said, now = digest(page), datetime.now(UTC)
        with self._writing() as connection:
            _take_turn(connection, page.article_id)
            _sweep(connection, now)
            begun = _repeated(connection, page.article_id, said, caller, idempotency_key)
            if begun is None:
                begun = _next(connection, page.article_id, said, now)
                if idempotency_key is not None:
                    row = {"caller": caller, "key_hash": _hashed(idempotency_key), "digest": said,
                           "revision": begun.revision, "at": now}  # fmt: skip
                    connection.execute(insert(submission_keys).values(row))
        return begun

    def confirm(self, article_id: str, revision: int) -> None:
        """It is on the topic."""
        of_it = (submissions.c.article_id == article_id) & (submissions.c.revision == revision)
        with self._writing() as connection:
            connection.execute(update(submissions).where(of_it).values(is_stored=1))


def _take_turn(connection: Connection, article_id: str) -> None:
    """Those who hand in the same article do so one after another. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(article_id, LOCK))))


def _hashed(idempotency_key: str) -> str:
    return sha256(idempotency_key.encode()).hexdigest()


def _submission(connection: Connection, article_id: str) -> Any:
    known = submissions.c
    statement = select(known.revision, known.digest, known.is_stored).where(known.article_id == article_id)
    return connection.execute(statement).one_or_none()


def _repeated(
    connection: Connection, article_id: str, said: str, caller: str, idempotency_key: str | None
) -> Begun | None:
    """What became of the request that came with this key before. Raises :class:`KeyReusedError`."""
    if idempotency_key is None:
        return None
    known = submission_keys.c
    mine = (known.caller == caller) & (known.key_hash == _hashed(idempotency_key))
    row = connection.execute(select(known.digest, known.revision).where(mine)).one_or_none()
    if row is None:
        return None
    if row.digest != said:
        raise KeyReusedError("the same Idempotency-Key came with another submission before")
    now = _submission(connection, article_id)
    # One that was handed in since stands in its place.
    is_stored = now is None or now.revision > row.revision or bool(now.is_stored)
    return Begun(row.revision, is_stored)


def _next(connection: Connection, article_id: str, said: str, now: datetime) -> Begun:
    before = _submission(connection, article_id)
    is_gone, indexed = _indexed(connection, article_id)
    was_removed = is_gone and before is not None and indexed >= before.revision
    if before is not None and before.digest == said and not was_removed:
        return Begun(before.revision, bool(before.is_stored))
    revision = min(max(indexed, before.revision if before else 0) + 1, MAX_REVISION)
    row = {"revision": revision, "digest": said, "is_stored": 0, "at": now}
    if before is None:
        connection.execute(insert(submissions).values(article_id=article_id, **row))
    else:
        connection.execute(update(submissions).where(submissions.c.article_id == article_id).values(row))
    return Begun(revision, is_stored=False)


def _indexed(connection: Connection, article_id: str) -> tuple[bool, int]:
    """Whether the article was there and is gone, and its revision; 0 for one that was never there."""
    statement = select(articles.c.revision, articles.c.document.is_(None).label("is_gone"))
    row = connection.execute(statement.where(articles.c.article_id == indexable(article_id))).one_or_none()
    return (False, 0) if row is None else (bool(row.is_gone), row.revision)


def _sweep(connection: Connection, now: datetime) -> None:
    """Keep nothing for longer than is said."""
    for table, kept in ((submission_keys, KEYS_KEPT), (submissions, KEPT)):
        connection.execute(delete(table).where(table.c.at < now - kept))
