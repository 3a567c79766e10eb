"""The topics, declared once: code, compose and the Kubernetes manifests follow this table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Article, ClassifiedArticle, Entry, Feed, FeedState, Message, Page

MAX_MESSAGE_BYTES = 8 * 1024 * 1024

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Topic(Generic[M]):
    """A Kafka topic: what travels on it, by which key, over how many partitions, kept how."""

    name: str
    model: type[M]
    key: Callable[[M], str]
    partitions: int
    cleanup: str
    retention_hours: int | None = None

    def config(self) -> dict[str, str]:
        """The topic's settings by their Kafka names."""
        config = {"cleanup.policy": self.cleanup, "max.message.bytes": str(MAX_MESSAGE_BYTES)}
        if self.retention_hours is not None:
            config["retention.ms"] = str(self.retention_hours * 3_600_000)
        return config


@dataclass(frozen=True)
class DeadLetterTopic:
    """Where messages go that could not be handled: original key, value and headers, with the reason in headers."""

    name: str
    partitions: int
    retention_hours: int

    def config(self) -> dict[str, str]:
        """The topic's settings by their Kafka names."""
        return {
            "cleanup.policy": "delete",
            "max.message.bytes": str(MAX_MESSAGE_BYTES + 64 * 1024),
            "retention.ms": str(self.retention_hours * 3_600_000),
        }


FEEDS = Topic("feeds", Feed, lambda feed: feed.feed_id, 6, "compact")
FEEDS_STATE = Topic("feeds.state", FeedState, lambda state: state.feed_id, 6, "compact")
DISCOVERED = Topic("articles.discovered", Entry, lambda entry: registrable_domain(entry.url), 6, "delete", 72)
FETCHED = Topic("articles.fetched", Page, lambda page: page.article_id, 6, "delete", 72)
CLEANED = Topic("articles.cleaned", Article, lambda article: article.article_id, 6, "delete", 168)
CLASSIFIED = Topic(
    "articles.classified", ClassifiedArticle, lambda article: article.article_id, 6, "compact,delete", 24 * 90
)
DEAD_LETTER = DeadLetterTopic("articles.dead-letter", 3, 24 * 90)

ALL_TOPICS: tuple[Topic[Any] | DeadLetterTopic, ...] = (
    FEEDS,
    FEEDS_STATE,
    DISCOVERED,
    FETCHED,
    CLEANED,
    CLASSIFIED,
    DEAD_LETTER,
)
