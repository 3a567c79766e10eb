"""How many feeds fail is told as they fail and recover, come and go."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from copydesk_fetcher.feeds import Feeds
from copydesk_fetcher.shares import MANY_FAILURES, Due, Rebuilt, Share, is_failing
from copydesk_shared.log import Record
from copydesk_shared.messages import Feed, FeedState
from copydesk_shared.topics import FEEDS
from copydesk_shared.wire import encode

NOW = datetime.now(UTC)


def feed(name: str) -> Feed:
    return Feed(feed_id=name, name=name, url=f"https://{name}.org/feed")


def state(name: str, **fields: Any) -> FeedState:
    return FeedState(feed_id=name, next_poll_at=NOW, **fields)


def share_of(*names: str) -> Share:
    share = Share()
    for offset, name in enumerate(names):
        sent = encode(FEEDS, feed(name), stage="t", version="1")
        share.define(Record(FEEDS.name, 0, offset, sent.key, sent.value, tuple(sent.headers), timestamp_ms=0))
    return share


def failing() -> float | None:
    return REGISTRY.get_sample_value("copydesk_feeds_failing")


@pytest.mark.parametrize(
    ("known", "is_so"),
    [
        (None, False),
        (state("a"), False),
        (state("a", failures=MANY_FAILURES - 1), False),
        (state("a", failures=MANY_FAILURES), True),
        (state("a", disabled="gone"), True),
    ],
)
def test_a_feed_fails_from_the_third_time_on_or_when_it_was_given_up(known: FeedState | None, is_so: bool) -> None:
    assert is_failing(known) is is_so


def test_the_metric_follows_takeovers_polls_and_removals() -> None:
    feeds = Feeds(1, 1)
    due = [Due(name, 0, NOW, f"{name}.org", None, is_failing=name == "given-up") for name in ("well", "given-up")]
    feeds.adopt(Rebuilt({0: share_of("well", "given-up")}, {}, due, []))
    assert failing() == 1
    feeds.keep("well", state("well", failures=MANY_FAILURES))
    assert failing() == 2
    feeds.keep("well", state("well"))
    assert failing() == 1
    feeds.forget("given-up", 0)
    assert failing() == 0
    feeds.keep("well", state("well", failures=MANY_FAILURES))
    feeds.clear()
    assert failing() == 0
