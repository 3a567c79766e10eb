"""The broker goes away and comes back while records flow: the stages wait, say why, and go on by themselves.

``COPYDESK_FAULT_BROKERS=long pytest tests/faults/test_brokers_away.py`` lets it be away for 30 s, twice.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import EMBEDDED
from tests.faults.broker_faults import AWAY_SECONDS, BY_HAND, Chain, assert_waits, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import Pod

pytestmark = pytest.mark.timeout(400)


def _leave(chain: Chain, pod: Pod, off: Callable[[], None]) -> None:
    off()
    away_at = time.monotonic()
    why = assert_waits(pod)
    noticed = time.monotonic() - away_at
    time.sleep(max(0.0, AWAY_SECONDS - noticed))
    chain.cluster.power.on()
    back_at = time.monotonic()
    moving(chain)
    logging.getLogger(__name__).info(
        "%s: noticed after %.1f s, works %.1f s after it is back; %s",
        chain.cluster.kind, noticed, time.monotonic() - back_at, why,
    )  # fmt: skip
    assert pod.is_running()


def test_a_broker_that_goes_and_comes_back(cluster: Cluster, tmp_path: Path) -> None:
    with running(cluster, tmp_path) as (chain, feed):
        pod = chain.start_all(instance_id="chain")
        moving(chain)
        if BY_HAND or cluster.kind == EMBEDDED:
            _leave(chain, pod, cluster.power.stop)
        _leave(chain, pod, cluster.power.off)
        chain.account(feed).check()
