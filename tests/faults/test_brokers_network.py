"""The network between a service and the broker fails and heals.

``COPYDESK_FAULT_BROKERS=long`` cuts it for 45 s, so that the services notice too.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk_shared.topics import FETCHED
from tests.faults.broker_faults import BY_HAND, KINDS, SESSION_MS, Chain, assert_waits, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import Pod, until
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.timeout(400)
CUT_SECONDS = 45.0
SLOW_BYTES_PER_SECOND = 100_000
DELAY_SECONDS = 0.05
PARTITIONS = frozenset(range(FETCHED.partitions))


def _shares(cluster: Cluster) -> list[frozenset[int]]:
    """The partitions of the source that each member has."""
    return [member.partitions.get(FETCHED.name, frozenset()) for member in cluster.members("cleaner")]


def _cleaner(chain: Chain, name: str) -> Pod:
    return chain.start(name, "cleaner", options={"session-ms": SESSION_MS})


def _commits_never_go_back(cluster: Cluster, condition: Callable[[], bool]) -> Callable[[], bool]:
    """Watch what the group has committed while waiting for something."""
    seen: list[int] = []

    def holds() -> bool:
        seen.append(cluster.committed("cleaner", FETCHED.name))
        assert seen == sorted(seen), f"a commit went back: {seen[-3:]}"
        return condition()

    return holds


def test_a_member_that_is_cut_off_is_replaced_and_does_no_harm_when_it_is_back(
    proxied: tuple[Cluster, Proxy], tmp_path: Path
) -> None:
    cluster, proxy = proxied
    with running(cluster, tmp_path, proxy.servers) as (chain, feed):
        chain.start("rest", "classifier", "index")
        lost, other = _cleaner(chain, "lost"), _cleaner(chain, "other")
        until(lambda: lost.is_ready() and other.is_ready(), "both are ready")
        until(lambda: len(_shares(cluster)) == 2 and all(_shares(cluster)), "two members with partitions")
        moving(chain)
        assert lost.process is not None
        proxy.cut(lost.process.pid)
        cut_at = time.monotonic()
        until(lambda: _shares(cluster) == [PARTITIONS], "the other member has all")
        taken_over = time.monotonic() - cut_at
        moving(chain, 500)
        if BY_HAND:
            logging.getLogger(__name__).info("why not ready: %s", assert_waits(lost))
            time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - cut_at)))
        assert lost.ask("/livez")[0] == 200
        proxy.heal()
        healed_at = time.monotonic()
        is_shared = lambda: len(_shares(cluster)) == 2 and all(_shares(cluster))  # noqa: E731 - read where it is used
        until(_commits_never_go_back(cluster, is_shared), "both share again", 120)
        logging.getLogger(__name__).info(
            "%s: taken over after %.1f s, shared again %.1f s after healing",
            cluster.kind, taken_over, time.monotonic() - healed_at,
        )  # fmt: skip
        chain.account(feed).check()
        until(lambda: cluster.committed("cleaner", FETCHED.name) == cluster.count(FETCHED.name), "all is committed")
        assert other.is_running()
        assert lost.is_running()


@pytest.mark.parametrize("proxied", KINDS, indirect=True)
def test_connections_that_are_reset_and_a_network_that_is_slow(proxied: tuple[Cluster, Proxy], tmp_path: Path) -> None:
    cluster, proxy = proxied
    with running(cluster, tmp_path, proxy.servers) as (chain, feed):
        pod = chain.start_all()
        for _ in range(5):
            moving(chain)
            proxy.reset()
        proxy.delay_seconds = DELAY_SECONDS
        moving(chain)
        proxy.bytes_per_second = SLOW_BYTES_PER_SECOND
        moving(chain)
        proxy.heal()
        chain.account(feed).check()
        assert pod.is_running()
