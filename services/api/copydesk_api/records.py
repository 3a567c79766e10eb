"""What the store answers."""

from dataclasses import dataclass
from datetime import datetime

from copydesk_api.cursors import PageKey
from copydesk_api.planning import Kind, Reason


@dataclass(frozen=True)
class Page:
    """Documents as they are stored (JSON text), and the key of the last one when there are more."""

    documents: tuple[str, ...]
    next: PageKey | None


@dataclass(frozen=True)
class FeedChange:
    """A change as pollers see it; ``document`` is JSON text, ``None`` for a tombstone, which has a ``reason``."""

    position: int
    kind: Kind
    article_id: str
    revision: int
    at: datetime
    document: str | None
    reason: Reason | None = None


@dataclass(frozen=True)
class Standing:
    """Where the change feed stands: its name, its newest position (0 before the first), and when that was given."""

    feed: str
    position: int
    at: datetime | None


@dataclass(frozen=True)
class Stored:
    """What is known of an id: a document, or ``None`` and the reason when the article is gone."""

    document: str | None
    reason: Reason | None = None


@dataclass(frozen=True)
class Revision:
    """An article as it was from ``at`` on, until the next one took its place; ``document`` is JSON text."""

    position: int
    revision: int
    at: datetime
    document: str


@dataclass(frozen=True)
class History:
    """Revisions, the newest first, and the position to go on before when there are more."""

    revisions: tuple[Revision, ...]
    next: int | None


@dataclass(frozen=True)
class TagCount:
    """A tag and how many articles have it now."""

    tag: str
    label: str
    count: int
