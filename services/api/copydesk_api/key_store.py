"""Where keys and sessions are kept. Every method blocks; a database that is away raises :class:`Retryable`."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, or_, select, update

from copydesk_api import keys
from copydesk_api.database import EXCLUSIVE, retryable
from copydesk_api.keys import Caller, Key, Made, Scope, Secret
from copydesk_api.schema import api_key_secrets, api_keys, api_sessions

SESSION_BYTES = 32


class KeyStore:
    """Keys, their secrets and the sessions of browsers, in the database of the index."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with retryable(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        options = {EXCLUSIVE: True}
        with retryable(), self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def create(self, name: str, scope: Scope, expires_at: datetime | None = None) -> Made:
        """A new key. Raises ``ValueError`` for a name that cannot be one."""
        row = {
            "key_id": keys.new_id(),
            "name": keys.key_name(name),
            "scope": scope.value,
            "created_at": datetime.now(UTC),
            "expires_at": expires_at,
        }
        with self._writing() as connection:
            connection.execute(insert(api_keys).values(row))
            token = _add_secret(connection, row["key_id"])
            return Made(_keys(connection, str(row["key_id"]))[0], token)

    def list_keys(self) -> Sequence[Key]:
        """All keys, the oldest first."""
        with self._reading() as connection:
            return _keys(connection)

    def rotate(self, key_id: str, overlap: timedelta) -> Made | None:
        """A new secret for a key; those it has are good for so long still. ``None`` when there is no such key."""
        with self._writing() as connection:
            # Held, so that two who rotate at once do so one after the other.
            row = select(api_keys.c.key_id).where(api_keys.c.key_id == key_id).with_for_update()
            if connection.execute(row).one_or_none() is None:
                return None
            secret = api_key_secrets.c
            until = datetime.now(UTC) + overlap
            lasting = or_(secret.valid_until.is_(None), secret.valid_until > until)
            connection.execute(
                update(api_key_secrets).where(secret.key_id == key_id, lasting).values(valid_until=until)
            )
            _sweep(connection)
            token = _add_secret(connection, key_id)
            return Made(_keys(connection, key_id)[0], token)

    def remove(self, key_id: str) -> bool:
        """Remove a key, its secrets and with them the sessions; whether it was there."""
        with self._writing() as connection:
            return connection.execute(delete(api_keys).where(api_keys.c.key_id == key_id)).rowcount > 0

    def find(self, token: str) -> tuple[Caller, datetime | None] | None:
        """Whose secret this is, and until when; ``None`` when it is nobody's, or not any more."""
        prefix = keys.prefix_of(token)
        with self._reading() as connection:
            found = prefix and _secret(connection, prefix)
            if not found or not keys.is_same(token, found.secret_hash):
                return None
            return _caller(found), _end(found)

    def touch(self, key_id: str) -> None:
        """The key was used just now."""
        with self._writing() as connection:
            connection.execute(
                update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=datetime.now(UTC))
            )

    def open_session(self, caller: Caller, lasts: timedelta) -> str:
        """A session for a browser: what its cookie holds. It ends with the secret, if not before."""
        token = secrets.token_urlsafe(SESSION_BYTES)
        row = {"session_hash": keys.digest(token), "prefix": caller.prefix, "expires_at": datetime.now(UTC) + lasts}
        with self._writing() as connection:
            _sweep(connection)
            connection.execute(insert(api_sessions).values(row))
        return token

    def session(self, token: str) -> tuple[str, datetime] | None:
        """The prefix of the secret that the session was opened with, and until when it is good."""
        session = api_sessions.c
        statement = select(session.prefix, session.expires_at).where(session.session_hash == keys.digest(token))
        with self._reading() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None or row.expires_at <= datetime.now(UTC) else (row.prefix, row.expires_at)

    def of_prefix(self, prefix: str) -> tuple[Caller, datetime | None] | None:
        """Whose secret has this prefix, and until when; ``None`` when nobody's has, or not any more."""
        with self._reading() as connection:
            found = _secret(connection, prefix)
            return found and (_caller(found), _end(found))

    def close_session(self, token: str) -> None:
        """Nobody has this session any more."""
        with self._writing() as connection:
            connection.execute(delete(api_sessions).where(api_sessions.c.session_hash == keys.digest(token)))


def _secret(connection: Connection, prefix: str) -> Row[Any] | None:
    """The secret with its key, when both are good."""
    joined = select(api_key_secrets, api_keys.c.name, api_keys.c.scope, api_keys.c.expires_at).join(api_keys)
    row = connection.execute(joined.where(api_key_secrets.c.prefix == prefix)).one_or_none()
    if row is None:
        return None
    end = _end(row)
    return None if end is not None and end <= datetime.now(UTC) else row


def _end(secret: Row[Any]) -> datetime | None:
    ends = [each for each in (secret.valid_until, secret.expires_at) if each is not None]
    return min(ends, default=None)


def _caller(secret: Row[Any]) -> Caller:
    return Caller(secret.key_id, secret.name, Scope(secret.scope), secret.prefix)


def _add_secret(connection: Connection, key_id: object) -> str:
    token = keys.new_token()
    row = {
        "prefix": keys.prefix_of(token),
        "key_id": key_id,
        "secret_hash": keys.digest(token),
        "created_at": datetime.now(UTC),
    }
    connection.execute(insert(api_key_secrets).values(row))
    return token


def _keys(connection: Connection, key_id: str | None = None) -> list[Key]:
    statement = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
    of_secrets = select(api_key_secrets).order_by(api_key_secrets.c.created_at.desc())
    if key_id is not None:
        statement = statement.where(api_keys.c.key_id == key_id)
        of_secrets = of_secrets.where(api_key_secrets.c.key_id == key_id)
    found: dict[str, list[Secret]] = {}
    for row in connection.execute(of_secrets):
        found.setdefault(row.key_id, []).append(Secret(row.prefix, row.created_at, row.valid_until))
    return [
        Key(row.key_id, row.name, Scope(row.scope), row.created_at, row.expires_at, row.last_used_at,
            tuple(found.get(row.key_id, ())))
        for row in connection.execute(statement)
    ]  # fmt: skip


def _sweep(connection: Connection) -> None:
    """Keep nothing that is over."""
    now = datetime.now(UTC)
    connection.execute(delete(api_sessions).where(api_sessions.c.expires_at <= now))
    connection.execute(delete(api_key_secrets).where(api_key_secrets.c.valid_until <= now))
