"""1 to 3 to 1 fetchers and a ``kill -9`` under load: one replica at a time asks a host, and no page is lost."""

import logging
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from copydesk_shared.messages import Page
from copydesk_shared.runner import GIVEN_UP
from copydesk_shared.topics import DEAD_LETTER, DISCOVERED, FETCHED
from copydesk_shared.wire import decode
from tests.faults.cluster import Cluster
from tests.faults.newsroom import HOSTS
from tests.faults.pods import Fleet, Pod, samples
from tests.faults.polite import PoliteNewsroom

PER_FEED = 16
CONCURRENCY = 2
DELAY_SECONDS = 0.8
# How late a request may be sent and seen: threads here and processes there share a busy machine. Two that ask the same
# host do so at any distance, so they are found out all the same.
MEASURING_SECONDS = 0.5
# On a very busy machine some are seen later still: so many of one replica's may seem too close, of two replicas' none.
SEEN_LATE_SHARE = 0.02
# Delivery is at least once: a commit that comes too late for a rebalance is made again by whoever is next.
TWICE_AT_MOST = HOSTS * PER_FEED // 20
PARTITIONS = list(range(6))

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def _is_shared_by(cluster: Cluster, replicas: int) -> bool:
    shares = [member.partitions.get(DISCOVERED.name, frozenset()) for member in cluster.members("fetcher")]
    return len(shares) == replicas and all(shares) and sorted(chain(*shares)) == PARTITIONS


class Flow:
    """Stories that come out while one waits: one more of every feed each time so many requests were made."""

    def __init__(self, fleet: Fleet, newsroom: PoliteNewsroom) -> None:
        self._fleet = fleet
        self._newsroom = newsroom
        self._next = time.monotonic()

    def until(self, condition: Callable[[], bool], what: str, most: int) -> None:
        """Wait for something, and publish up to ``most`` stories of each feed meanwhile."""

        def look() -> bool:
            if time.monotonic() >= self._next and self._newsroom.out < most:
                self._newsroom.out += 1
                self._next = time.monotonic() + 1.5
            return condition()

        self._fleet.until(look, what, 90)


def _pages(cluster: Cluster) -> list[Page]:
    return [decode(FETCHED, record) for record in cluster.records(FETCHED.name)]


def _start(fleet: Fleet, feeds: Path, number: int) -> Pod:
    return fleet.add(
        "fetcher", name=f"fetcher-{number}", feeds_file=feeds, user_agent=f"fetcher-{number} (+http://localhost/)",
        per_host_concurrency=CONCURRENCY, per_host_delay_seconds=DELAY_SECONDS,
    )  # fmt: skip


def test_no_host_is_asked_by_two(cluster: Cluster, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    with PoliteNewsroom(HOSTS * PER_FEED, PER_FEED) as newsroom, Fleet(cluster.servers, tmp_path) as fleet:
        feeds.write_text(newsroom.feeds_file("4s"))
        flow = Flow(fleet, newsroom)
        first = _start(fleet, feeds, 1)
        flow.until(lambda: first.is_ready() and len(newsroom.asked) >= HOSTS, "pages by one", PER_FEED // 4)
        second, third = _start(fleet, feeds, 2), _start(fleet, feeds, 3)
        flow.until(lambda: _is_shared_by(cluster, 3), "three fetchers", PER_FEED // 2)
        flow.until(lambda: all(pod.is_ready() for pod in fleet.pods.values()), "three ready", PER_FEED // 2)
        asked = len(newsroom.asked)
        flow.until(lambda: len(newsroom.asked) >= asked + 2 * HOSTS, "pages by three", PER_FEED * 3 // 4)
        _assert_twice_only_where_given_up(fleet, newsroom.twice())
        killed_at = time.monotonic()
        second.kill()
        flow.until(lambda: _is_shared_by(cluster, 2), "two fetchers", PER_FEED)
        third.stop()
        flow.until(lambda: newsroom.out == PER_FEED and len(newsroom.asked) == newsroom.total, "all asked", PER_FEED)
        flow.until(lambda: len({page.url for page in _pages(cluster)}) == newsroom.total, "all pages", PER_FEED)
        first.stop()
        _assert_polite(newsroom)
        again = _twice_since(newsroom, killed_at + MEASURING_SECONDS)
        assert len(again) <= TWICE_AT_MOST, again
        assert cluster.records(DEAD_LETTER.name) == []
        pages = _pages(cluster)
        assert {page.url for page in pages} == {newsroom.story_url(number) for number in range(newsroom.total)}
        assert {page.revision for page in pages} == {1}
        _tell(cluster, newsroom, len(pages))


def _assert_polite(newsroom: PoliteNewsroom) -> None:
    assert max(newsroom.most.values()) == CONCURRENCY, newsroom.most
    close = [gap for gap in newsroom.gaps() if gap.seconds < DELAY_SECONDS - MEASURING_SECONDS]
    assert [gap for gap in close if not gap.is_one_asker] == []
    assert len(close) <= newsroom.requests() * SEEN_LATE_SHARE, close


def _assert_twice_only_where_given_up(fleet: Fleet, twice: list[int]) -> None:
    """Partitions that move take nothing with them that is unfinished; where a machine stalls, somebody says so."""
    given_up = [
        name for name, pod in fleet.pods.items()
        if GIVEN_UP in pod.log() or samples(pod.scrape(), "copydesk_commit_failures_total", "stage")
        or samples(pod.scrape(), "copydesk_kafka_session_failures_total", "stage")
    ]  # fmt: skip
    assert not twice or given_up, twice
    assert len(twice) <= TWICE_AT_MOST * 2, twice


def _twice_since(newsroom: PoliteNewsroom, since: float) -> dict[int, list[float]]:
    """The stories that were asked for twice, both times after this, and how many seconds after."""
    asked = {number: [round(at - since, 2) for at in newsroom.asked[number]] for number in newsroom.twice()}
    return {number: times for number, times in asked.items() if times[0] >= 0}


def _tell(cluster: Cluster, newsroom: PoliteNewsroom, pages: int) -> None:
    logging.getLogger(__name__).info(
        "%s: %d requests to %d hosts, at most %d at a time, at least %.3f s apart; %d pages, lost 0, asked twice %d",
        cluster.kind, newsroom.requests(), len(newsroom.starts), max(newsroom.most.values()), newsroom.gaps()[0].seconds,
        pages, len(newsroom.twice()),
    )  # fmt: skip
