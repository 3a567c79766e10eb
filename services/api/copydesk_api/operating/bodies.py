"""The answers about sources."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.operating.feed_table import Host, Polled
from copydesk_api.operating.freshness import Source, SourceHealth, SourcePage, is_failing
from copydesk_shared.messages import Feed

StateName = Literal["ok", "late", "silent", "failing", "paused"]


class NewestArticle(BaseModel):
    """The article of a source that was published last."""

    article_id: str
    title: str
    published_at: AwareDatetime | None
    fetched_at: AwareDatetime
    indexed_at: AwareDatetime = Field(description="When it was to be seen here.")


class SourceItem(BaseModel):
    """A publisher and how fresh it is."""

    domain: str
    name: str
    state: StateName = Field(
        description="ok; late: no article for four times its mean interval, and an hour; silent: none for a week; "
        "failing: none of its feeds can be polled; paused: all of them are."
    )
    newest: NewestArticle | None
    articles_last_day: int
    articles_last_week: int
    articles_per_day: float = Field(description="The mean of the last week.")
    feeds: int
    feeds_failing: int
    last_poll_at: AwareDatetime | None = Field(description="When one of its feeds was polled last.")
    last_success_at: AwareDatetime | None = Field(description="When one was polled last with success.")


class SourceList(BaseModel):
    """A page of sources, by domain; ``next`` is ``null`` on the last one."""

    items: list[SourceItem]
    feeds_known: bool = Field(
        description="Whether the states of the feeds have been read: not just after the start, nor without brokers."
    )
    next: str | None = Field(description="The cursor of the next page.")


class FeedHealth(BaseModel):
    """A feed and how polling it goes."""

    feed_id: str
    name: str
    paused: bool
    is_failing: bool
    is_disabled: bool = Field(description="Whether it is not polled any more, because it failed for so long.")
    failures: int = Field(description="Polls that failed since the last one that did not.")
    failure_kind: str | None
    failing_since: AwareDatetime | None
    last_poll_at: AwareDatetime | None
    last_success_at: AwareDatetime | None
    next_poll_at: AwareDatetime | None
    has_warning: bool


class HostHealth(BaseModel):
    """What is known of the host: its last answer, and how many pages wait for their turn."""

    last_request_at: AwareDatetime | None
    last_status: int | None
    held_until: AwareDatetime | None = Field(description="No request before, because the host asked to be left alone.")
    queued: int


class DayCount(BaseModel):
    """How many articles were published on a day, UTC."""

    day: date
    articles: int


class SourceHealthAnswer(SourceItem):
    """A source with its feeds, its host and its last days."""

    feeds_known: bool
    each_feed: list[FeedHealth]
    host: HostHealth | None
    days: list[DayCount]


def _fields(source: Source) -> dict[str, object]:
    newest = source.newest
    return {
        "domain": source.domain,
        "name": source.name,
        "state": source.state.value,
        "newest": newest
        and NewestArticle(
            article_id=newest.article_id,
            title=newest.title,
            published_at=newest.published_at,
            fetched_at=newest.fetched_at,
            indexed_at=newest.indexed_at,
        ),
        "articles_last_day": source.last_day,
        "articles_last_week": source.last_week,
        "articles_per_day": source.per_day,
        "feeds": len(source.feeds),
        "feeds_failing": source.failing,
        "last_poll_at": source.last_poll_at,
        "last_success_at": source.last_success_at,
    }


def source_list(page: SourcePage, cursor: str | None) -> SourceList:
    """The answer for a page."""
    items = [SourceItem.model_validate(_fields(each)) for each in page.sources]
    return SourceList(items=items, feeds_known=page.feeds_known, next=cursor)


def source_health(health: SourceHealth) -> SourceHealthAnswer:
    """The answer for one source."""
    source = health.source
    return SourceHealthAnswer.model_validate(
        {
            **_fields(source),
            "feeds_known": health.feeds_known,
            "each_feed": [_feed(*each) for each in source.feeds],
            "host": source.host and _host(source.host),
            "days": [DayCount(day=day, articles=count) for day, count in health.days],
        }
    )


def _feed(feed: Feed, polled: Polled | None) -> FeedHealth:
    known = polled or Polled(feed_id=feed.feed_id)
    return FeedHealth(
        feed_id=feed.feed_id,
        name=feed.name,
        paused=feed.paused,
        is_failing=is_failing(polled),
        is_disabled=known.disabled is not None,
        failures=known.failures,
        failure_kind=known.failure_kind,
        failing_since=known.failing_since if known.failures else None,
        last_poll_at=known.last_poll_at,
        last_success_at=known.last_success_at,
        next_poll_at=None if feed.paused or known.disabled else known.next_poll_at,
        has_warning=known.warning is not None,
    )


def _host(host: Host) -> HostHealth:
    return HostHealth(
        last_request_at=host.last_request_at, last_status=host.last_status, held_until=host.held_until,
        queued=host.queued,
    )  # fmt: skip
