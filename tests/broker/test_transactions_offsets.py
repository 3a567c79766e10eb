"""Offsets in a transaction: held until the commit, dropped by an abort, refused from members a rebalance passed by."""

from typing import Any

import pytest

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.handlers_groups import MAX_METADATA

from .client import WireClient
from .members import Party
from .transactor import Transactor

pytestmark = pytest.mark.kafka
_NOWHERE = (Code.NONE, -1, "")


@pytest.fixture
def producer(client: WireClient, name: str) -> Transactor:
    return Transactor(client, f"{name}-producer").started()


def offset_of(client: WireClient, group: str, topic: str, *, stable: bool = False) -> tuple[int, int, str]:
    """(code, offset, metadata) as OffsetFetch says for partition 0."""
    topics = [{"name": topic, "partitions": [0]}]
    answer = client.call("OffsetFetch", 7, group_id=group, topics=topics, require_stable=stable)
    found = answer["topics"][0]["partitions"][0]
    return found["error_code"], found["offset"], found["metadata"]


def test_they_appear_with_the_commit(client: WireClient, topic: str, producer: Transactor) -> None:
    assert producer.add_group(topic) == Code.NONE
    assert producer.commit_offset(topic, topic, 3) == Code.NONE
    assert producer.commit_offset(topic, topic, 5) == Code.NONE
    assert offset_of(client, topic, topic) == _NOWHERE
    assert producer.end(commit=True) == Code.NONE
    assert offset_of(client, topic, topic) == (Code.NONE, 5, "m")


def test_an_abort_drops_them(client: WireClient, topic: str, producer: Transactor) -> None:
    for commit, offset in ((True, 3), (False, 9)):
        producer.add_group(topic)
        producer.commit_offset(topic, topic, offset)
        producer.end(commit=commit)
    assert offset_of(client, topic, topic) == (Code.NONE, 3, "m")


def test_who_asks_for_stable_offsets_has_to_wait(client: WireClient, topic: str, producer: Transactor) -> None:
    """KIP-447: a reader that starts now would read again what the open transaction has read."""
    producer.add_group(topic)
    producer.commit_offset(topic, topic, 3)
    assert offset_of(client, topic, topic, stable=True) == (Code.UNSTABLE_OFFSET_COMMIT, -1, "")
    (group,) = client.call("OffsetFetch", 8, groups=[{"group_id": topic, "topics": None}], require_stable=True)[
        "groups"
    ]
    assert group["topics"][0]["partitions"][0]["error_code"] == Code.UNSTABLE_OFFSET_COMMIT
    assert offset_of(client, f"{topic}-other", topic, stable=True) == _NOWHERE
    producer.end(commit=True)
    assert offset_of(client, topic, topic, stable=True) == (Code.NONE, 3, "m")


def test_the_group_must_have_been_added(topic: str, producer: Transactor) -> None:
    assert producer.commit_offset(topic, topic, 3) == Code.INVALID_TXN_STATE
    producer.add_group(topic)
    assert producer.commit_offset(f"{topic}-other", topic, 3) == Code.INVALID_TXN_STATE
    producer.end(commit=True)
    assert producer.commit_offset(topic, topic, 3) == Code.INVALID_TXN_STATE


def test_a_zombie_is_refused(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.add_group(topic)
    new = Transactor(client, producer.name)
    assert [new.init(), new.init()] == [Code.CONCURRENT_TRANSACTIONS, Code.NONE]
    assert producer.commit_offset(topic, topic, 3) == Code.INVALID_PRODUCER_EPOCH
    stranger = Transactor(client, f"{topic}-stranger")
    assert stranger.commit_offset(topic, topic, 3) == Code.INVALID_PRODUCER_ID_MAPPING
    assert offset_of(client, topic, topic) == _NOWHERE


def test_each_partition_has_its_own_answer(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.add_group(topic)
    asked = [
        {"index": 0, "offset": 1, "metadata": "m"},
        {"index": 7, "offset": 1, "metadata": "m"},
    ]
    topics = [
        {"name": topic, "partitions": asked},
        {"name": f"{topic}.none", "partitions": asked[:1]},
        {"name": topic, "partitions": [{"index": 0, "offset": 1, "metadata": "m" * (MAX_METADATA + 1)}]},
    ]
    owner = {"transactional_id": producer.name, "producer_id": producer.id, "producer_epoch": producer.epoch}
    answer = client.call("TxnOffsetCommit", 3, **owner, group_id=topic, topics=topics[:2])
    codes = [[partition["error_code"] for partition in each["partitions"]] for each in answer["topics"]]
    assert codes == [[Code.NONE, Code.UNKNOWN_TOPIC_OR_PARTITION], [Code.UNKNOWN_TOPIC_OR_PARTITION]]
    answer = client.call("TxnOffsetCommit", 3, **owner, group_id=topic, topics=topics[2:])
    assert answer["topics"][0]["partitions"][0]["error_code"] == Code.OFFSET_METADATA_TOO_LARGE


def test_members_commit_in_their_generation(client: WireClient, topic: str, party: Party, producer: Transactor) -> None:
    (member,) = party.settled(None)
    producer.add_group(party.group)

    def commit(version: int = 3, **changes: Any) -> int:
        who: dict[str, Any] = {"generation_id": member.generation, "member_id": member.id, "instance_id": None}
        return producer.commit_offset(party.group, topic, 3, version, **{**who, **changes})

    assert commit() == Code.NONE
    assert commit(generation_id=member.generation - 1) == Code.ILLEGAL_GENERATION
    assert commit(member_id="another") == Code.UNKNOWN_MEMBER_ID
    assert commit(generation_id=-1, member_id="another") == Code.UNKNOWN_MEMBER_ID
    # Without KIP-447 nobody is asked who they are: the epoch of the transactional id is the only fence.
    assert commit(generation_id=-1, member_id="") == commit(version=2) == Code.NONE
    member.leave()
    assert commit(generation_id=member.generation + 5) in {Code.ILLEGAL_GENERATION, Code.UNKNOWN_MEMBER_ID}


def test_a_static_member_that_was_replaced_is_fenced(topic: str, party: Party, producer: Transactor) -> None:
    (old,) = party.settled("pod-0")
    new = party.member("pod-0")
    assert new.join()["error_code"] == Code.NONE
    producer.add_group(party.group)
    who: dict[str, Any] = {"generation_id": old.generation, "member_id": old.id, "instance_id": "pod-0"}
    assert producer.commit_offset(party.group, topic, 3, **who) == Code.FENCED_INSTANCE_ID


def test_a_group_that_is_not_there_has_no_generation(topic: str, producer: Transactor) -> None:
    producer.add_group(topic)
    assert producer.commit_offset(topic, topic, 3, generation_id=1, member_id="m") == Code.ILLEGAL_GENERATION
