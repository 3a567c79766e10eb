"""The topics, declared once: code, compose and the Kubernetes manifests follow this table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from copydesk_shared.identity import registrable_domain
from copydesk_shared.message import Message
from copydesk_shared.messages import (
    Article,
    ClassifiedArticle,
    Entry,
    Feed,
    FeedState,
    HostMemory,
    HostState,
    KnownPage,
    Page,
    Push,
)

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# The headers that retries and dead letters carry on top of a message of the largest size.
HEADER_ROOM_BYTES = 64 * 1024
# Copies of each partition, where there are so many brokers.
COPIES = 3
# Of a topic that expires, a segment is written to for this part of the time that records are kept.
SEGMENTS_KEPT = 12
SEGMENT_HOURS = range(1, 24 + 1)
HOUR_MS = 3_600_000

M = TypeVar("M", bound=Message)


def segment_hours(retention_hours: int | None) -> int:
    """For how many hours the brokers write to one segment; ``None`` where only the last record of each key is kept.

    A record expires with the newest one of its segment, and the segment that is written to is not compacted. Left to
    the brokers that is a week of a quiet topic: records of a day would stay for eight, and whoever reads all state when
    it starts would read a week of it. docs/adr/0015-segments-are-closed-by-the-hour.md
    """
    hours = (retention_hours or 0) // SEGMENTS_KEPT
    return min(max(hours, SEGMENT_HOURS[0]), SEGMENT_HOURS[-1])


@dataclass(frozen=True)
class Topic(Generic[M]):
    """A Kafka topic: what travels on it, by which key, over how many partitions, kept how.

    ``place`` chooses the partition where that is not the key's; topics with the same places are ``beside`` one another:
    whoever owns a partition of one owns it of the others.
    """

    name: str
    model: type[M]
    key: Callable[[M], str]
    partitions: int
    cleanup: str
    retention_hours: int | None = None
    beside: str | None = None
    place: Callable[[M], str] | None = None

    def config(self) -> dict[str, str]:
        """The topic's settings by their Kafka names."""
        config = {"cleanup.policy": self.cleanup, "max.message.bytes": str(MAX_MESSAGE_BYTES)}
        if self.retention_hours is not None:
            config["retention.ms"] = str(self.retention_hours * HOUR_MS)
        return {**config, "segment.ms": str(segment_hours(self.retention_hours) * HOUR_MS)}


@dataclass(frozen=True)
class RawTopic:
    """A topic whose records are those of other topics, whole, with headers that say why they are there.

    ``beside`` names the topic that it must have as many partitions as.
    """

    name: str
    partitions: int
    retention_hours: int
    beside: str | None = None

    def config(self) -> dict[str, str]:
        """The topic's settings by their Kafka names."""
        return {
            "cleanup.policy": "delete",
            "max.message.bytes": str(MAX_MESSAGE_BYTES + HEADER_ROOM_BYTES),
            "retention.ms": str(self.retention_hours * HOUR_MS),
            "segment.ms": str(segment_hours(self.retention_hours) * HOUR_MS),
        }


class AnyTopic(Protocol):
    """What both kinds of topic say of themselves to whoever creates or checks them."""

    @property
    def name(self) -> str:
        """The name on the brokers."""

    @property
    def partitions(self) -> int:
        """How many it is created with."""

    @property
    def beside(self) -> str | None:
        """The topic that it must have as many partitions as."""

    def config(self) -> dict[str, str]:
        """The topic's settings by their Kafka names."""


DISCOVERED = Topic("articles.discovered", Entry, lambda entry: registrable_domain(entry.url), 6, "delete", 72)
# One replica of the fetcher owns a domain: its entries, the feeds it serves, and what is known of it.
FEEDS = Topic(
    "feeds",
    Feed,
    lambda feed: feed.feed_id,
    6,
    "compact",
    None,
    DISCOVERED.name,
    lambda feed: registrable_domain(feed.url),
)
# The place of these is that of their feed, which the writer knows.
FEEDS_STATE = Topic("feeds.state", FeedState, lambda state: state.feed_id, 6, "compact", None, DISCOVERED.name)
FEEDS_PUSHED = Topic(
    "feeds.pushed",
    Push,
    lambda push: push.feed_id,
    6,
    "delete",
    24,
    DISCOVERED.name,
    # a topic may lie at another domain than its feed
    lambda push: push.place or registrable_domain(push.topic),
)
HOSTS_STATE = Topic("hosts.state", HostState, lambda state: state.domain, 6, "compact", None, DISCOVERED.name)
HOSTS_MEMORY = Topic(
    "hosts.memory", HostMemory, lambda memory: memory.domain, 6, "compact,delete", 24 * 30, DISCOVERED.name
)
PAGES_KNOWN = Topic(
    "pages.known",
    KnownPage,
    lambda page: page.page_id,
    6,
    "compact,delete",
    24 * 14,
    DISCOVERED.name,
    lambda page: registrable_domain(page.url),
)
FETCHED = Topic("articles.fetched", Page, lambda page: page.article_id, 6, "delete", 72)
CLEANED = Topic("articles.cleaned", Article, lambda article: article.article_id, 6, "delete", 168)
CLASSIFIED = Topic(
    "articles.classified", ClassifiedArticle, lambda article: article.article_id, 6, "compact,delete", 24 * 90
)
# What a taxonomy on trial makes of the same articles: to be compared while it is fresh, and for nobody to keep.
CLASSIFIED_SHADOW = Topic(
    "articles.classified.shadow", ClassifiedArticle, lambda article: article.article_id, 6, "delete", 72
)
DEAD_LETTER = RawTopic("articles.dead-letter", 3, 24 * 90)


class Tier(StrEnum):
    """How long a retry waits; the waits are settings."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


# The stages, by their consumer group, and what they read. Retries have as many partitions as the source, so that the
# same member owns a key in both.
STAGE_SOURCES: Mapping[str, Topic[Any]] = {"fetcher": DISCOVERED, "cleaner": FETCHED, "classifier": CLEANED}


def retry_topic(group: str, tier: Tier) -> RawTopic:
    """Where the records of a stage wait until they are tried again."""
    source = STAGE_SOURCES[group]
    return RawTopic(f"{group}.retry.{tier}", source.partitions, 24 * 7, source.name)


def retry_topics(group: str) -> dict[Tier, RawTopic]:
    """All tiers of a stage."""
    return {tier: retry_topic(group, tier) for tier in Tier}


ALL_TOPICS: tuple[Topic[Any] | RawTopic, ...] = (
    FEEDS,
    FEEDS_STATE,
    FEEDS_PUSHED,
    DISCOVERED,
    HOSTS_STATE,
    HOSTS_MEMORY,
    PAGES_KNOWN,
    FETCHED,
    CLEANED,
    CLASSIFIED,
    CLASSIFIED_SHADOW,
    *(retry_topic(group, tier) for group in STAGE_SOURCES for tier in Tier),
    DEAD_LETTER,
)
