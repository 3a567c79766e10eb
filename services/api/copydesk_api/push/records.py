"""Those who are pushed to, and what is pushed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from copydesk_api.filters import Filters
from copydesk_api.parameters import FilterParameters
from copydesk_api.records import FeedChange


class Kind(StrEnum):
    """What kind of receiver."""

    WEBHOOK = "webhook"
    WEBSUB = "websub"


class State(StrEnum):
    """Whether it is delivered to: paused by a person, or disabled because it is gone or has failed for too long."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class Event(StrEnum):
    """What a webhook tells."""

    PUBLISHED = "article.published"
    REVISED = "article.revised"
    RETAGGED = "article.retagged"
    REMOVED = "article.removed"
    RESET = "feed.reset"
    TEST = "webhook.test"
    CONTENT = "feed.content"


# Those that a webhook may choose; the others come to all.
CHOOSABLE = (Event.PUBLISHED, Event.REVISED, Event.RETAGGED, Event.REMOVED)


class Cause(StrEnum):
    """Why something was delivered."""

    FEED = "feed"
    REPLAY = "replay"
    TEST = "test"


class Outcome(StrEnum):
    """What came of an attempt; also the label of the metric."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    GONE = "gone"
    UNREACHABLE = "unreachable"
    REFUSED = "refused-address"


@dataclass(frozen=True)
class Receiver:
    """Somebody who is pushed to. The fields are the columns of :data:`~copydesk_api.push.tables.receivers`."""

    receiver_id: str
    kind: Kind
    url: str
    host: str
    description: str
    events: tuple[Event, ...]
    filters: Mapping[str, Any]
    topic: str | None
    secret: str | None
    former_secret: str | None
    former_until: datetime | None
    created_at: datetime
    expires_at: datetime | None
    state: State
    why: str | None
    position: int
    feed: str
    failures: int
    failing_since: datetime | None
    last_error: str | None
    last_success_at: datetime | None
    next_at: datetime | None
    delivered: int
    lease_owner: str | None
    lease_until: datetime | None

    @classmethod
    def of(cls, row: Any) -> "Receiver":
        """From a row of the table."""
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name for it
        return cls(
            **{
                **values,
                "kind": Kind(row.kind),
                "state": State(row.state),
                "events": tuple(Event(each) for each in json.loads(row.events)),
                "filters": json.loads(row.filters),
            }
        )

    def wanted(self) -> Filters:
        """Its filters; "7d" means from now on back."""
        return FilterParameters.model_validate(self.filters).filters()

    def keys(self, now: datetime) -> Sequence[str]:
        """The secrets to sign with: two of them for a while after a rotation."""
        former = self.former_secret if self.former_until is not None and now < self.former_until else None
        return [each for each in (self.secret, former) if each]


@dataclass(frozen=True)
class Pending:
    """What a receiver has not got yet of a feed, in order, up to a position; the rest up to there is passed over."""

    feed: str
    changes: tuple[tuple[Event, FeedChange], ...]
    upto: int


@dataclass(frozen=True)
class Message:
    """What is sent: the same bytes each time it is tried."""

    event_id: str
    event: Event
    headers: Mapping[str, str]
    body: bytes
    position: int | None = None
    article_id: str | None = None


@dataclass(frozen=True)
class Attempt:
    """What came of one request to a receiver. ``wait_seconds`` is what Retry-After said."""

    outcome: Outcome
    status: int | None
    milliseconds: int
    detail: str | None = None
    wait_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has it."""
        return self.outcome is Outcome.DELIVERED


@dataclass(frozen=True)
class Delivery:
    """An attempt as it stands in the log."""

    number: int
    at: datetime
    cause: Cause
    event_id: str
    event: Event
    article_id: str | None
    feed: str
    position: int | None
    attempt: int
    outcome: Outcome
    status: int | None
    milliseconds: int
    detail: str | None

    @classmethod
    def of(cls, row: Any) -> "Delivery":
        """From a row of the table."""
        values = {name: value for name, value in row._mapping.items() if name != "receiver_id"}  # noqa: SLF001
        return cls(**{**values, "cause": Cause(row.cause), "event": Event(row.event), "outcome": Outcome(row.outcome)})
