"""When each article appears. One tick is ``every_seconds``; the first batch is there from the start."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from copydesk_standalone.demo.article import Article, Channel


@dataclass(frozen=True)
class Printed:
    """An article as it stands at some moment. ``updated`` equals ``published`` until the correction."""

    article: Article
    published: datetime
    updated: datetime

    @property
    def revised(self) -> bool:
        return self.updated > self.published


@dataclass(frozen=True)
class Schedule:
    """The articles with the times at which they appear and change."""

    articles: tuple[Article, ...]
    started: datetime
    every_seconds: float

    def printed(self, now: datetime, channel: Channel | None = None) -> tuple[Printed, ...]:
        """What is out at this moment, newest first; with a channel, only what that feed carries."""
        out = (
            Printed(article, at, self._updated(article, at, now)) for article, at in self._appearances() if at <= now
        )
        wanted = (item for item in out if channel is None or channel in item.article.channels)
        return tuple(sorted(wanted, key=lambda item: item.published, reverse=True))

    def _appearances(self) -> Iterator[tuple[Article, datetime]]:
        ticks = 0
        for article in self.articles:
            if article.age_minutes is None:
                ticks += 1
                yield article, self._tick(ticks)
            else:
                yield article, self.started - timedelta(minutes=article.age_minutes)

    def _updated(self, article: Article, published: datetime, now: datetime) -> datetime:
        if article.corrected_after is None:
            return published
        at = self._tick(article.corrected_after)
        return at if at <= now else published

    def _tick(self, number: int) -> datetime:
        return self.started + timedelta(seconds=number * self.every_seconds)


def last_change(printed: Iterable[Printed], otherwise: datetime) -> datetime:
    """When the youngest of these changed."""
    return max((item.updated for item in printed), default=otherwise)
