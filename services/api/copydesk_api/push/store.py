"""Where receivers are kept, and who delivers to them.

Every method blocks; a database that is away raises :class:`Retryable`. A replica that delivers to a receiver holds its
lease: a row says who does and until when. Whatever it writes is written only while the lease is its own, so a replica
that was believed dead, or whose receiver was changed meanwhile, changes nothing any more.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, delete, func, insert, or_, select, update

from copydesk_api.database import EXCLUSIVE, retryable
from copydesk_api.push.records import Attempt, Cause, Delivery, Kind, Message, Receiver, State
from copydesk_api.push.signatures import new_secret
from copydesk_api.push.tables import deliveries, hub_requests, receivers
from copydesk_api.schema import changes, positions
from copydesk_shared.identity import short_digest

ID_BYTES = 9
ERROR_CHARACTERS = 500
PRUNED_EACH = 50  # deliveries
NOBODY: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}
WELL: Mapping[str, Any] = {
    "state": State.ACTIVE.value, "why": None, "failures": 0, "failing_since": None, "last_error": None, "next_at": None,
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A receiver that is ours to deliver to, by the lease of this owner."""

    receiver: Receiver
    owner: str


@dataclass(frozen=True)
class Overview:
    """How receivers of one kind are."""

    kind: Kind
    active: int
    failing: int
    disabled: int
    lag_seconds: float


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes."""
    with retryable(), engine.connect().execution_options(**{EXCLUSIVE: True}) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads."""
    with retryable(), engine.connect() as connection:
        yield connection


def clock(connection: Connection) -> datetime:
    """The time that replicas have in common: the server's; SQLite has none but this machine's."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


class Receivers:
    """Webhooks and subscriptions in the database of the index."""

    def __init__(self, engine: Engine, kept: int = 1000) -> None:
        self._engine = engine
        self._kept = kept

    # For those who administer them

    def count(self, kind: Kind, host: str | None = None) -> int:
        """How many there are, at one host or at all."""
        statement = select(func.count()).select_from(receivers).where(receivers.c.kind == kind.value)
        if host is not None:
            statement = statement.where(receivers.c.host == host)
        with reading(self._engine) as connection:
            found: int = connection.execute(statement).scalar_one()
        return found

    def add(self, kind: Kind, values: Mapping[str, Any], position: int | None = None) -> Receiver:
        """A new receiver, at the end of the change feed unless a position is given."""
        row: dict[str, Any] = {
            "receiver_id": new_id(kind.value), "kind": kind.value, "description": "",
            "events": [], "filters": {}, "created_at": datetime.now(UTC), "delivered": 0, **WELL, **values,
        }  # fmt: skip
        with writing(self._engine) as connection:
            newest, feed = connection.execute(select(positions.c.newest, positions.c.feed)).one()
            row |= {"position": newest if position is None else min(position, newest), "feed": feed}
            connection.execute(insert(receivers).values(_columns(row)))
            return _one(connection, row["receiver_id"])

    def all(self, kind: Kind) -> Sequence[Receiver]:
        """All of a kind, the oldest first."""
        statement = select(receivers).where(receivers.c.kind == kind.value)
        with reading(self._engine) as connection:
            ordered = statement.order_by(receivers.c.created_at, receivers.c.receiver_id)
            return [Receiver.of(row) for row in connection.execute(ordered)]

    def get(self, receiver_id: str, kind: Kind = Kind.WEBHOOK) -> Receiver | None:
        """One of them."""
        with reading(self._engine) as connection:
            row = connection.execute(_by_id(receiver_id, kind)).one_or_none()
        return None if row is None else Receiver.of(row)

    def change(self, receiver_id: str, values: Mapping[str, Any], kind: Kind = Kind.WEBHOOK) -> Receiver | None:
        """Change some of its columns. Whoever delivers to it right now stops, and what it does counts for nothing."""
        with writing(self._engine) as connection:
            done = connection.execute(
                update(receivers)
                .where(receivers.c.receiver_id == receiver_id, receivers.c.kind == kind.value)
                .values({**_columns(values), **NOBODY})
            )
            return _one(connection, receiver_id) if done.rowcount else None

    def rotate(self, receiver_id: str, overlap: timedelta) -> Receiver | None:
        """A new secret; with that of before it is signed for so long still."""
        until = datetime.now(UTC) + overlap
        values = {"former_secret": receivers.c.secret, "former_until": until, "secret": new_secret()}
        return self.change(receiver_id, values)

    def remove(self, receiver_id: str, kind: Kind = Kind.WEBHOOK) -> bool:
        """Remove it with its log; whether it was there."""
        gone = delete(receivers).where(receivers.c.receiver_id == receiver_id, receivers.c.kind == kind.value)
        with writing(self._engine) as connection:
            return connection.execute(gone).rowcount > 0

    def log(self, receiver_id: str, limit: int, before: int | None = None) -> Sequence[Delivery]:
        """Its attempts, the newest first."""
        statement = select(deliveries).where(deliveries.c.receiver_id == receiver_id)
        if before is not None:
            statement = statement.where(deliveries.c.number < before)
        with reading(self._engine) as connection:
            newest = statement.order_by(deliveries.c.number.desc()).limit(limit)
            return [Delivery.of(row) for row in connection.execute(newest)]

    def delivery(self, receiver_id: str, number: int) -> Delivery | None:
        """One attempt."""
        statement = select(deliveries).where(deliveries.c.receiver_id == receiver_id, deliveries.c.number == number)
        with reading(self._engine) as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else Delivery.of(row)

    def prune(self, before: datetime) -> None:
        """Forget attempts and requests of before, and subscriptions that have run out or are gone."""
        is_over = or_(receivers.c.expires_at < datetime.now(UTC), receivers.c.state == State.DISABLED.value)
        over = and_(receivers.c.kind == Kind.WEBSUB.value, is_over)
        with writing(self._engine) as connection:
            connection.execute(delete(deliveries).where(deliveries.c.at < before))
            connection.execute(delete(receivers).where(over))
            connection.execute(delete(hub_requests).where(hub_requests.c.at < before))

    # For those who deliver

    def due(self) -> Sequence[Receiver]:
        """Those that are behind the feed, may be asked now and are nobody's; who waits longest comes first."""
        with reading(self._engine) as connection:
            return [Receiver.of(row) for row in connection.execute(_due(clock(connection)))]

    def claim(self, receiver_id: str, seconds: float) -> Claim | None:
        """Deliver to it, for so long; ``None`` when somebody else does."""
        owner = new_id("lease")
        with writing(self._engine) as connection:
            now = clock(connection)
            taken = connection.execute(
                update(receivers)
                .where(receivers.c.receiver_id == receiver_id, _is_free(now))
                .values(lease_owner=owner, lease_until=now + timedelta(seconds=seconds))
            )
            return Claim(_one(connection, receiver_id), owner) if taken.rowcount else None

    def renew(self, claim: Claim, seconds: float, values: Mapping[str, Any] | None = None) -> bool:
        """Hold it for longer, and take note of something; ``False`` when it is not ours any more."""
        with writing(self._engine) as connection:
            until = clock(connection) + timedelta(seconds=seconds)
            return connection.execute(_ours(claim).values({**(values or {}), "lease_until": until})).rowcount > 0

    def release(self, claim: Claim) -> None:
        """Let others deliver to it."""
        with writing(self._engine) as connection:
            connection.execute(_ours(claim).values(NOBODY))

    def settle(self, claim: Claim, message: Message, attempt: Attempt, values: Mapping[str, Any]) -> bool:
        """Take note of an attempt and what follows from it; ``False`` when the receiver is not ours any more."""
        counted = _ours(claim).values({"delivered": receivers.c.delivered + 1, **values})
        with writing(self._engine) as connection:
            row = connection.execute(counted.returning(receivers.c.delivered, receivers.c.feed)).one_or_none()
            if row is not None and claim.receiver.kind is Kind.WEBHOOK:
                entry = {**_entry(message, attempt, Cause.FEED), "attempt": claim.receiver.failures + 1}
                self._log(connection, claim.receiver.receiver_id, row, entry)
        return row is not None

    def note(self, receiver_id: str, message: Message, attempt: Attempt, cause: Cause) -> Delivery | None:
        """Take note of an attempt that a person has made, which changes nothing else."""
        counted = (
            update(receivers)
            .where(receivers.c.receiver_id == receiver_id)
            .values(delivered=receivers.c.delivered + 1)
            .returning(receivers.c.delivered, receivers.c.feed)
        )
        with writing(self._engine) as connection:
            row = connection.execute(counted).one_or_none()
            if row is None:
                return None
            self._log(connection, receiver_id, row, _entry(message, attempt, cause))
            mine = (deliveries.c.receiver_id == receiver_id, deliveries.c.number == row.delivered)
            return Delivery.of(connection.execute(select(deliveries).where(*mine)).one())

    def _log(self, connection: Connection, receiver_id: str, row: Any, entry: Mapping[str, Any]) -> None:
        number = row.delivered
        values = {**entry, "receiver_id": receiver_id, "number": number, "feed": row.feed}
        connection.execute(insert(deliveries).values(values))
        if number % PRUNED_EACH == 0:
            old = and_(deliveries.c.receiver_id == receiver_id, deliveries.c.number <= number - self._kept)
            connection.execute(delete(deliveries).where(old))

    def overview(self, kinds: Iterable[Kind]) -> Sequence[Overview]:
        """How they are, for the metrics."""
        with reading(self._engine) as connection:
            now = datetime.now(UTC)
            newest: int = connection.execute(select(positions.c.newest)).scalar_one()
            rows = connection.execute(
                select(receivers.c.kind, receivers.c.state, receivers.c.failures, receivers.c.position).where(
                    _lasts(now)
                )
            ).all()
            behind = {row.kind: row.position for row in sorted(rows, key=lambda row: -row.position)
                      if row.state == State.ACTIVE.value and row.position < newest}  # fmt: skip
            lags = {kind: _age(connection, position, now) for kind, position in behind.items()}
        return [
            Overview(
                kind,
                sum(row.kind == kind and row.state == State.ACTIVE.value for row in rows),
                sum(row.kind == kind and row.state == State.ACTIVE.value and row.failures > 0 for row in rows),
                sum(row.kind == kind and row.state == State.DISABLED.value for row in rows),
                lags.get(kind, 0.0),
            )
            for kind in kinds
        ]


def new_id(prefix: str) -> str:
    """An id that nothing else has; there is no full stop in it."""
    return f"{prefix}_{secrets.token_hex(ID_BYTES)}"


def event_id(receiver_id: str, feed: str, position: int | str) -> str:
    """The same for the same entry of the feed, however often it is sent; there is no full stop in it."""
    return f"msg_{short_digest(json.dumps([receiver_id, feed, position]))}"


def _entry(message: Message, attempt: Attempt, cause: Cause) -> dict[str, Any]:
    """A row of the log, as far as it does not depend on the receiver."""
    return {
        "at": datetime.now(UTC), "cause": cause.value, "event_id": message.event_id, "event": message.event.value,
        "article_id": message.article_id, "position": message.position, "attempt": 1,
        "outcome": attempt.outcome.value, "status": attempt.status, "milliseconds": attempt.milliseconds,
        "detail": attempt.detail and attempt.detail[:ERROR_CHARACTERS],
    }  # fmt: skip


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """With what the table holds as JSON."""
    return {name: json.dumps(value) if name in ("events", "filters") else value
            for name, value in values.items()}  # fmt: skip


def _by_id(receiver_id: str, kind: Kind) -> Select[Any]:
    return select(receivers).where(receivers.c.receiver_id == receiver_id, receivers.c.kind == kind.value)


def _one(connection: Connection, receiver_id: str) -> Receiver:
    return Receiver.of(connection.execute(select(receivers).where(receivers.c.receiver_id == receiver_id)).one())


def _is_free(now: datetime) -> ColumnElement[bool]:
    return and_(
        receivers.c.state == State.ACTIVE.value,
        or_(receivers.c.lease_until.is_(None), receivers.c.lease_until < now),
        or_(receivers.c.next_at.is_(None), receivers.c.next_at <= now),
        _lasts(now),
    )


def _lasts(now: datetime) -> ColumnElement[bool]:
    return or_(receivers.c.expires_at.is_(None), receivers.c.expires_at > now)


def _due(now: datetime) -> Select[Any]:
    waits = or_(receivers.c.position < positions.c.newest, receivers.c.feed != positions.c.feed)
    return (
        select(receivers)
        .join(positions, waits)
        .where(_is_free(now))
        .order_by(receivers.c.last_success_at.asc().nulls_first(), receivers.c.receiver_id)
    )


def _ours(claim: Claim) -> Any:
    return update(receivers).where(
        receivers.c.receiver_id == claim.receiver.receiver_id, receivers.c.lease_owner == claim.owner
    )


def _age(connection: Connection, position: int, now: datetime) -> float:
    """For how long the first change after the position has been there."""
    first = select(changes.c.at).where(changes.c.position > position).order_by(changes.c.position).limit(1)
    at: datetime | None = connection.execute(first).scalar_one_or_none()
    return 0.0 if at is None else max((now - at).total_seconds(), 0.0)
