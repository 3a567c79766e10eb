"""Topics change under running stages: one goes and comes back empty, others get more partitions."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import admin as confluent_admin_module
from confluent_kafka.admin import AdminClient

from copydesk_shared.topics import CLASSIFIED, CLEANED, FETCHED, Topic, retry_topics
from tests.faults.broker_faults import Chain, Feed, mostly_embedded, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import until

# Its stubs leave out what it exports.
confluent_admin: Any = confluent_admin_module

METADATA_MS = 2000

pytestmark = pytest.mark.timeout(300)
MORE = 9
MUCH = 600


def _recreate(cluster: Cluster, topic: Topic[Any]) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.servers})
    for done in admin.delete_topics([topic.name]).values():
        done.result(30)
    until(lambda: topic.name not in admin.list_topics(timeout=30).topics, f"{topic.name} has gone")
    cluster.make_topics()


def _quiet(chain: Chain, feed: Feed) -> None:
    """What is on the topics goes with them, so all of it is to be through."""
    feed.stop()
    until(lambda: chain.has_all_of(feed), "all is shown")


@mostly_embedded
def test_a_topic_that_is_deleted_and_comes_back_empty(cluster: Cluster, tmp_path: Path) -> None:
    with running(cluster, tmp_path) as (chain, feed):
        pod = chain.start_all()
        for topic in (CLEANED, CLASSIFIED, FETCHED):
            moving(chain, MUCH)
            _quiet(chain, feed)
            _recreate(cluster, topic)
            # Who still stands at an old offset must not find the new topic filled up to it: offsets are all one has.
            feed.go_on(trickles=True)
            moving(chain, 1)
            feed.stop()
            feed.go_on()
        moving(chain)
        chain.account(feed).check()
        assert pod.is_running()


@mostly_embedded
def test_topics_that_get_more_partitions(cluster: Cluster, tmp_path: Path) -> None:
    with running(cluster, tmp_path) as (chain, feed):
        chain.start("rest", "classifier", "index")
        pods = [
            chain.start(f"cleaner-{number}", "cleaner", options={"metadata-ms": METADATA_MS}) for number in range(2)
        ]
        moving(chain)
        grown = [FETCHED.name, *(topic.name for topic in retry_topics("cleaner").values())]
        admin = AdminClient({"bootstrap.servers": cluster.servers})
        for done in admin.create_partitions([confluent_admin.NewPartitions(name, MORE) for name in grown]).values():
            done.result(30)
        feed.stop()
        feed.go_on()  # with a new client, which sees the new partitions at once
        until(lambda: _shared(cluster) == set(range(MORE)), "all partitions are read")
        moving(chain)
        chain.account(feed).check()
        assert any(record.partition >= FETCHED.partitions for record in cluster.records(FETCHED.name))
        assert all(pod.is_running() for pod in pods)


def _shared(cluster: Cluster) -> set[int]:
    return {
        number for member in cluster.members("cleaner") for number in member.partitions.get(FETCHED.name, frozenset())
    }
