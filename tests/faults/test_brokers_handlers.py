"""A handler that takes longer than the group's session: it may lose its place, and loses no record.

The seconds are short here because the session is: the rules are the same for those of production.
"""

import time
from pathlib import Path

import pytest

from tests.faults.broker_faults import SESSION_MS, Chain, Feed, metric, mostly_embedded, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import Pod, until

pytestmark = pytest.mark.timeout(300)

TOO_LONG = SESSION_MS / 1000 + 1.0
REBALANCES = "copydesk_rebalances_total"


def _cleaner(chain: Chain, part: str) -> Pod:
    pod = chain.start("cleaner", part, options={"session-ms": SESSION_MS, "max-poll-ms": SESSION_MS})
    until(pod.is_ready, "the cleaner is ready")
    moving(chain)
    return pod


def _slow_one(chain: Chain, feed: Feed, title: str) -> None:
    """A page that takes long is written, and comes out."""
    slow = feed.write(f"{title}:{TOO_LONG}")
    until(lambda: slow in chain.shown(), f"{title} comes out")


@mostly_embedded
def test_a_handler_that_takes_longer_than_the_session(cluster: Cluster, tmp_path: Path) -> None:
    with running(cluster, tmp_path) as (chain, feed):
        chain.start("rest", "classifier", "index")
        pod = _cleaner(chain, "cleaner")
        before = metric(pod, REBALANCES, "cleaner")
        _slow_one(chain, feed, "wait")
        assert metric(pod, REBALANCES, "cleaner") == before, "who awaits stays in the group"
        _slow_one(chain, feed, "block")
        until(lambda: metric(pod, REBALANCES, "cleaner") > before, "who blocks is expelled, and comes back")
        moving(chain)
        assert pod.ask("/livez")[0] == 200
        pod.stop()
        pod = _cleaner(chain, "cleaner-workers")
        before = metric(pod, REBALANCES, "cleaner")
        started_at = time.monotonic()
        _slow_one(chain, feed, "wait")
        assert time.monotonic() - started_at >= TOO_LONG
        assert metric(pod, REBALANCES, "cleaner") == before, "a worker's time is not the group's"
        chain.account(feed).check()
