"""Where requests of subscribers wait to be confirmed, and what follows when they are.

Every method blocks; a database that is away raises :class:`Retryable`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Delete, Engine, Table, delete, func, insert, or_, select, update

from copydesk_api.push.records import Kind
from copydesk_api.push.store import NOBODY, WELL, clock, new_id, reading, writing
from copydesk_api.push.tables import hub_requests, receivers
from copydesk_api.schema import positions
from copydesk_shared.identity import short_digest

SUBSCRIBE = "subscribe"


@dataclass(frozen=True)
class HubRequest:
    """What a subscriber has asked for. The fields are the columns of the table."""

    request_id: str
    mode: str
    topic: str
    callback: str
    host: str
    secret: str | None
    lease_seconds: int
    at: datetime
    lease_owner: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True)
class Bounds:
    """How many subscriptions there may be, and requests that wait, at all and at one host."""

    most: int
    most_of_host: int


def subscription_id(callback: str, topic: str) -> str:
    """The same for the same callback and topic: a subscriber that asks again renews."""
    return f"{Kind.WEBSUB.value}_{short_digest(callback + chr(10) + topic)}"


class Subscriptions:
    """Subscriptions of the hub."""

    def __init__(self, engine: Engine, bounds: Bounds) -> None:
        self._engine = engine
        self._bounds = bounds

    def ask(self, request: HubRequest) -> bool:
        """Keep a request until it is confirmed; ``False`` when there is no room for it. A later one takes its place."""
        with writing(self._engine) as connection:
            connection.execute(delete(hub_requests).where(hub_requests.c.request_id == request.request_id))
            known = select(receivers.c.receiver_id).where(receivers.c.receiver_id == request.request_id)
            is_new = request.mode == SUBSCRIBE and connection.execute(known).first() is None
            tables = (hub_requests, receivers) if is_new else (hub_requests,)
            if not all(self._has_room(connection, table, request.host) for table in tables):
                return False
            connection.execute(insert(hub_requests).values(**vars(request)))
        return True

    def _has_room(self, connection: Connection, table: Table, host: str) -> bool:
        rows = select(func.count()).select_from(table)
        if table is receivers:
            rows = rows.where(receivers.c.kind == Kind.WEBSUB.value)
        here = rows.where(table.c.host == host)
        at_all, at_host = (int(connection.execute(each).scalar_one()) for each in (rows, here))
        return at_all < self._bounds.most and at_host < self._bounds.most_of_host

    def claim(self, most: int, seconds: float) -> Sequence[HubRequest]:
        """Requests to confirm, the oldest first; nobody else gets them for so long."""
        owner = new_id("lease")
        with reading(self._engine) as connection:
            if connection.execute(select(hub_requests.c.request_id).limit(1)).first() is None:
                return ()
        with writing(self._engine) as connection:
            now = clock(connection)
            free = or_(hub_requests.c.lease_until.is_(None), hub_requests.c.lease_until < now)
            oldest = select(hub_requests.c.request_id).where(free).order_by(hub_requests.c.at).limit(most)
            connection.execute(
                update(hub_requests)
                .where(hub_requests.c.request_id.in_(connection.scalars(oldest).all()), free)
                .values(lease_owner=owner, lease_until=now + timedelta(seconds=seconds))
            )
            mine = select(hub_requests).where(hub_requests.c.lease_owner == owner).order_by(hub_requests.c.at)
            return [HubRequest(**row._mapping) for row in connection.execute(mine)]  # noqa: SLF001

    def settle(self, request: HubRequest, filters: Mapping[str, Any] | None) -> None:
        """It was confirmed, and has these filters; or it was not. A subscription begins with what comes from now on."""
        with writing(self._engine) as connection:
            if not connection.execute(_ours(request)).rowcount or filters is None:
                return
            mine = receivers.c.receiver_id == request.request_id
            if request.mode != SUBSCRIBE:
                connection.execute(delete(receivers).where(mine))
                return
            until = datetime.now(UTC) + timedelta(seconds=request.lease_seconds)
            values = {**WELL, **NOBODY, "secret": request.secret, "expires_at": until}
            if not connection.execute(update(receivers).where(mine).values(values)).rowcount:
                newest, feed = connection.execute(select(positions.c.newest, positions.c.feed)).one()
                connection.execute(
                    insert(receivers).values(
                        receiver_id=request.request_id, kind=Kind.WEBSUB.value, url=request.callback,
                        host=request.host, description="", events="[]", filters=json.dumps(filters),
                        topic=request.topic, created_at=datetime.now(UTC), position=newest, feed=feed, delivered=0,
                        **values,
                    )
                )  # fmt: skip


def _ours(request: HubRequest) -> Delete:
    return delete(hub_requests).where(
        hub_requests.c.request_id == request.request_id, hub_requests.c.lease_owner == request.lease_owner
    )
