"""Transactions as the wire tells them: codes, epochs, markers, and what readers of committed data get."""

import time

import pytest

from copydesk_standalone.broker.batch import read_header
from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.transactions import MAX_GROUPS, MAX_ID_BYTES, MAX_TIMEOUT_MS

from .batches import batch, read
from .client import WireClient
from .members import wait_until
from .transactor import Transactor, fetched

pytestmark = pytest.mark.kafka


@pytest.fixture
def producer(client: WireClient, name: str) -> Transactor:
    return Transactor(client, f"{name}-producer").started()


# Ids and epochs


def test_a_new_id_starts_at_epoch_zero(producer: Transactor) -> None:
    assert producer.epoch == 0
    assert producer.described()["state"] == "Empty"


def test_the_next_producer_gets_the_next_epoch(client: WireClient, producer: Transactor) -> None:
    next_one = Transactor(client, producer.name).started()
    assert (next_one.id, next_one.epoch) == (producer.id, 1)


@pytest.mark.parametrize("timeout_ms", [-1, 0, MAX_TIMEOUT_MS + 1])
def test_a_time_out_has_bounds(client: WireClient, name: str, timeout_ms: int) -> None:
    assert Transactor(client, name).init(timeout_ms=timeout_ms) == Code.INVALID_TRANSACTION_TIMEOUT


@pytest.mark.parametrize("transactional_id", ["", "x" * (MAX_ID_BYTES + 1), "é" * MAX_ID_BYTES])
def test_an_id_has_bounds(client: WireClient, topic: str, transactional_id: str) -> None:
    producer = Transactor(client, transactional_id)
    assert producer.init() == Code.INVALID_REQUEST
    assert producer.add(topic) == [Code.INVALID_REQUEST]


@pytest.mark.parametrize("expected", [(5, -1), (-1, 5)])
def test_half_an_identity_is_refused(client: WireClient, name: str, expected: tuple[int, int]) -> None:
    assert Transactor(client, name).init(expected=expected) == Code.INVALID_REQUEST


def test_a_producer_that_goes_on_after_an_error_gets_a_higher_epoch(producer: Transactor) -> None:
    """KIP-360: asking again gives the same answer; an older epoch or another producer is fenced."""
    first = producer.id, producer.epoch
    assert producer.init(expected=first) == Code.NONE
    assert (producer.id, producer.epoch) == (first[0], 1)
    assert producer.init(expected=first) == Code.NONE
    assert producer.epoch == 1
    assert producer.init(expected=(first[0], 1)) == Code.NONE
    assert producer.epoch == 2
    assert producer.init(expected=first) == Code.PRODUCER_FENCED
    assert producer.init(version=3, expected=first) == Code.INVALID_PRODUCER_EPOCH
    assert producer.init(expected=(first[0] + 10_000, 2)) == Code.PRODUCER_FENCED


def test_an_unknown_id_takes_any_expected_identity(client: WireClient, name: str) -> None:
    assert Transactor(client, name).started(expected=(12_345, 7)).epoch == 0


def test_a_producer_that_takes_over_aborts_what_was_open(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.put(topic, b"old")
    new = Transactor(client, producer.name)
    assert new.init() == Code.CONCURRENT_TRANSACTIONS
    assert new.init() == Code.NONE
    assert (new.id, new.epoch) == (producer.id, 2)
    answer = fetched(client, topic)
    assert (answer["last_stable_offset"], answer["aborted"]) == (2, [(producer.id, 0)])
    assert producer.add(topic) == [Code.PRODUCER_FENCED]
    assert producer.add(topic, version=1) == [Code.INVALID_PRODUCER_EPOCH]
    assert producer.add_group("g") == Code.PRODUCER_FENCED
    assert producer.add_group("g", version=1) == Code.INVALID_PRODUCER_EPOCH
    assert producer.end(commit=True) == Code.PRODUCER_FENCED
    assert producer.end(commit=True, version=1) == Code.INVALID_PRODUCER_EPOCH
    assert producer.send(topic)["error_code"] == Code.INVALID_PRODUCER_EPOCH
    assert new.put(topic, b"new") == 2


def test_a_fenced_producer_may_come_back_until_another_one_has_come(client: WireClient, topic: str, name: str) -> None:
    """KIP-588, with the numbers that Apache Kafka 4.1 gives."""
    producer = Transactor(client, f"{name}-p").started()
    before = producer.id, producer.epoch
    producer.add(topic)
    assert producer.init(expected=before) == Code.CONCURRENT_TRANSACTIONS
    assert producer.init(expected=before) == Code.NONE
    assert producer.epoch == 1
    assert Transactor(client, producer.name).started().epoch == 2
    assert producer.init(expected=before) == Code.PRODUCER_FENCED


# What a transaction holds


def test_partitions_are_added_all_or_none(client: WireClient, topic: str, producer: Transactor) -> None:
    assert producer.add(topic, 0, 9) == [Code.OPERATION_NOT_ATTEMPTED, Code.UNKNOWN_TOPIC_OR_PARTITION]
    assert producer.described()["state"] == "Empty"
    assert producer.add(topic) == producer.add(topic) == [Code.NONE]
    described = producer.described()
    assert (described["state"], described["topics"]) == ("Ongoing", [{"name": topic, "partitions": [0]}])
    assert described["started_ms"] > 0
    assert producer.add(f"{topic}.none") == [Code.UNKNOWN_TOPIC_OR_PARTITION]


def test_who_does_not_own_the_id_is_refused(client: WireClient, topic: str, producer: Transactor) -> None:
    stranger = Transactor(client, f"{topic}-unknown")
    stranger.id, stranger.epoch = producer.id, producer.epoch
    assert stranger.add(topic) == [Code.INVALID_PRODUCER_ID_MAPPING]
    assert stranger.add_group("g") == stranger.end(commit=True) == Code.INVALID_PRODUCER_ID_MAPPING
    producer.add(topic)
    assert stranger.send(topic)["error_code"] == Code.INVALID_PRODUCER_ID_MAPPING
    other = Transactor(client, producer.name)
    other.id, other.epoch = producer.id + 50_000, 0
    assert other.add(topic) == [Code.INVALID_PRODUCER_ID_MAPPING]
    assert other.send(topic)["error_code"] == Code.INVALID_PRODUCER_ID_MAPPING


def test_records_outside_a_transaction_are_refused(client: WireClient, name: str, producer: Transactor) -> None:
    client.create_topic(name, partitions=2)
    assert producer.send(name)["error_code"] == Code.INVALID_TXN_STATE
    producer.put(name)
    assert producer.send(name, partition=1)["error_code"] == Code.INVALID_TXN_STATE
    assert producer.end(commit=True) == Code.NONE
    assert producer.send(name)["error_code"] == Code.INVALID_TXN_STATE
    assert [client.offset_at(name, -1, partition)[0] for partition in (0, 1)] == [2, 0]


def test_a_plain_batch_in_the_middle_of_a_transaction_is_refused(topic: str, producer: Transactor) -> None:
    assert producer.send(topic, transactional=False)["error_code"] == Code.NONE
    producer.put(topic)
    assert producer.send(topic, transactional=False)["error_code"] == Code.INVALID_TXN_STATE


def test_a_transactional_batch_needs_the_id(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.add(topic)
    refused = client.produce(topic, producer.batch(topic))
    assert refused["error_code"] == Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_a_transactional_batch_needs_a_producer(client: WireClient, topic: str) -> None:
    assert client.produce(topic, batch([b"x"], transactional=True))["error_code"] == Code.INVALID_RECORD


def test_a_batch_sent_again_is_stored_once(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.put(topic, b"a")
    producer.sequences = {}
    assert producer.send(topic, b"a")["base_offset"] == 0
    assert client.offset_at(topic, -1)[0] == 1


def test_markers_have_no_place_in_the_sequence(client: WireClient, topic: str, producer: Transactor) -> None:
    for number in range(4):
        assert producer.put(topic, b"a", b"b") == 3 * number
        assert producer.end(commit=number % 2 == 0) == Code.NONE
    assert producer.add(topic) == [Code.NONE]
    producer.sequences[topic, 0] += 1
    assert producer.send(topic)["error_code"] == Code.OUT_OF_ORDER_SEQUENCE
    assert client.offset_at(topic, -1)[0] == 12


def test_the_groups_of_a_transaction_are_bounded(producer: Transactor) -> None:
    codes = {producer.add_group(f"g{number}") for number in range(MAX_GROUPS)}
    assert codes == {Code.NONE}
    assert producer.add_group("g0") == Code.NONE
    assert producer.add_group("one more") == Code.POLICY_VIOLATION
    assert producer.add_group("") == producer.add_group("g" * 256) == Code.INVALID_GROUP_ID
    assert producer.end(commit=True) == Code.NONE


# Its ending


@pytest.mark.parametrize("commit", [True, False])
def test_ending_twice_is_once(client: WireClient, topic: str, producer: Transactor, commit: bool) -> None:
    assert producer.end(commit=commit) == Code.INVALID_TXN_STATE
    producer.put(topic)
    assert producer.end(commit=commit) == producer.end(commit=commit) == Code.NONE
    assert producer.end(commit=not commit) == Code.INVALID_TXN_STATE
    assert client.offset_at(topic, -1)[0] == 2
    assert producer.described()["state"] == ("CompleteCommit" if commit else "CompleteAbort")


@pytest.mark.parametrize(("commit", "kind"), [(True, b"\x00\x01"), (False, b"\x00\x00")])
def test_the_bytes_of_a_marker(
    client: WireClient,
    name: str,
    producer: Transactor,
    commit: bool,
    kind: bytes,
) -> None:
    """Byte for byte what Apache Kafka 4.1 writes, but for the time and the producer."""
    client.create_topic(name, partitions=2)
    producer.put(name, b"x")
    producer.add(name, 1)
    producer.end(commit=commit)
    for partition, offset in ((0, 1), (1, 0)):
        data = fetched(client, name, offset, partition=partition)["records"]
        found = read_header(data)
        assert (found.base_offset, found.size, found.last_offset_delta, found.record_count) == (offset, 78, 0, 1)
        assert (found.attributes, found.base_sequence) == (0x30, -1)
        assert (found.producer_id, found.producer_epoch) == (producer.id, producer.epoch)
        assert abs(found.base_timestamp / 1000 - time.time()) < 60
        assert bytes(data[61:]) == b"\x20\x00\x00\x00\x08\x00\x00" + kind + b"\x0c" + bytes(6) + b"\x00"
        assert [offset for offset, _ in read(bytes(data))] == [offset]


def test_an_open_transaction_is_hidden(client: WireClient, topic: str, producer: Transactor) -> None:
    client.produce(topic, batch([b"before"]))
    producer.put(topic, b"open")
    client.produce(topic, batch([b"after"]))
    seen = fetched(client, topic)
    assert (seen["high_watermark"], seen["last_stable_offset"], seen["aborted"]) == (3, 1, [])
    assert read(seen["records"]) == [(0, b"before")]
    assert [fetched(client, topic, offset)["records"] for offset in (1, 2, 3)] == [b"", b"", b""]
    unseen = fetched(client, topic, committed=False)
    assert unseen["aborted_transactions"] is None
    assert [value for _, value in read(unseen["records"])] == [b"before", b"open", b"after"]


@pytest.mark.parametrize(
    ("timestamp", "committed", "found"),
    [(-1, True, 1), (-1, False, 2), (-2, True, 0), (-3, True, -1), (-3, False, 1), (1, True, 0), (2_000, True, -1)],
)
def test_offsets_as_of_the_isolation_level(
    client: WireClient,
    topic: str,
    producer: Transactor,
    timestamp: int,
    committed: bool,
    found: int,
) -> None:
    client.produce(topic, batch([b"before"], timestamps=[1_000]))
    producer.put(topic, b"open")
    partitions = [{"index": 0, "timestamp": timestamp}]
    topics = [{"name": topic, "partitions": partitions}]
    answer = client.call("ListOffsets", 7, replica_id=-1, isolation_level=int(committed), topics=topics)
    assert answer["topics"][0]["partitions"][0]["offset"] == found
    producer.end(commit=False)


def test_aborted_transactions_are_named_wherever_one_reads(client: WireClient, name: str) -> None:
    client.create_topic(name, segment_bytes="1024")
    first, second = (Transactor(client, f"{name}-{number}").started() for number in (1, 2))
    for _ in range(3):
        for _ in range(4):
            first.put(name, b"f" * 100)
            second.put(name, b"s" * 100)
        first.end(commit=False)
        second.end(commit=True)
    # Ten offsets a round: records at 0 to 7, the abort at 8, the commit at 9.
    aborts = [(first.id, 10 * number) for number in range(3)]
    for offset in range(30):
        seen = fetched(client, name, offset, partition_max_bytes=1)
        (found,) = {at for at, _ in read(seen["records"])}
        expected = [abort for abort in aborts if abort[1] <= found and offset <= abort[1] + 8]
        assert seen["aborted"] == expected, offset


def test_a_waiting_reader_is_woken_by_the_commit(client: WireClient, topic: str, producer: Transactor) -> None:
    producer.put(topic, b"x")
    with WireClient(f"127.0.0.1:{client.socket.getpeername()[1]}") as reader:
        asked = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20}
        message = {"replica_id": -1, "max_wait_ms": 60_000, "min_bytes": 1, "max_bytes": 1 << 20}
        topics = [{"topic": topic, "partitions": [asked]}]
        reader.send("Fetch", 11, {**message, "isolation_level": 1, "topics": topics})
        producer.send(topic, b"y")
        producer.end(commit=True)
        answer = reader.receive("Fetch", 11)["topics"][0]["partitions"][0]
    assert read(answer["records"])[:2] == [(0, b"x"), (1, b"y")]


@pytest.mark.parametrize("settings", [{"compression_type": "gzip"}, {"message_timestamp_type": "LogAppendTime"}])
def test_batches_that_the_broker_changes_stay_in_their_transaction(
    client: WireClient, name: str, producer: Transactor, settings: dict[str, str]
) -> None:
    client.create_topic(name, 1, **settings)
    producer.put(name, b"a" * 1000)
    assert fetched(client, name)["last_stable_offset"] == 0
    producer.end(commit=False)
    answer = fetched(client, name)
    assert (answer["last_stable_offset"], answer["aborted"]) == (2, [(producer.id, 0)])
    assert read_header(answer["records"]).is_transactional
    assert read(answer["records"])[0] == (0, b"a" * 1000)


def test_a_topic_that_goes_takes_its_part_of_the_transaction_along(
    client: WireClient, topic: str, producer: Transactor
) -> None:
    client.create_topic(f"{topic}.other")
    producer.put(topic)
    producer.put(f"{topic}.other")
    client.call("DeleteTopics", 1, names=[topic], timeout_ms=1_000)
    assert producer.end(commit=True) == Code.NONE
    assert fetched(client, f"{topic}.other")["last_stable_offset"] == 2


def test_a_transaction_that_takes_too_long_is_aborted_and_fenced(client: WireClient, topic: str, name: str) -> None:
    producer = Transactor(client, f"{name}-slow").started(timeout_ms=1)
    before = producer.id, producer.epoch
    producer.put(topic)
    wait_until(lambda: producer.described()["state"] == "CompleteAbort")
    assert fetched(client, topic)["aborted"] == [(producer.id, 0)]
    assert producer.end(commit=True) == Code.PRODUCER_FENCED
    assert producer.add(topic) == [Code.PRODUCER_FENCED]
    assert producer.send(topic)["error_code"] == Code.INVALID_PRODUCER_EPOCH
    assert producer.init(expected=before) == Code.NONE
    assert producer.epoch == 1
    producer.put(topic)


# Inspection


def test_what_is_there_can_be_described(client: WireClient, topic: str, producer: Transactor) -> None:
    client.produce(topic, batch([b"x"]))
    producer.put(topic, b"x", b"y")
    topics = [{"name": topic, "partitions": [0, 9]}]
    here, nowhere = client.call("DescribeProducers", 0, topics=topics)["topics"][0]["partitions"]
    assert nowhere["error_code"] == Code.UNKNOWN_TOPIC_OR_PARTITION
    (active,) = here["producers"]
    assert (active["producer_id"], active["producer_epoch"], active["last_sequence"]) == (producer.id, 0, 1)
    assert (active["transaction_start"], active["last_timestamp"]) == (1, 1_700_000_000_000)
    assert producer.end(commit=True) == Code.NONE
    (active,) = client.call("DescribeProducers", 0, topics=topics)["topics"][0]["partitions"][0]["producers"]
    assert active["transaction_start"] == -1
    unknown = client.call("DescribeTransactions", 0, ids=["no such id"])["transactions"][0]
    assert unknown["error_code"] == Code.TRANSACTIONAL_ID_NOT_FOUND


def test_transactions_are_listed_by_state_producer_and_age(
    client: WireClient, topic: str, producer: Transactor
) -> None:
    other = Transactor(client, f"{topic}-other").started()
    producer.add(topic)

    def listed(states: tuple[str, ...] = (), producers: tuple[int, ...] = (), age_ms: int = -1) -> set[str]:
        filters = {"state_filters": list(states), "producer_id_filters": list(producers), "duration_filter": age_ms}
        answer = client.call("ListTransactions", 1, **filters)
        assert answer["unknown_state_filters"] == [state for state in states if state == "Nowhere"]
        return {each["id"] for each in answer["transactions"]} & {producer.name, other.name}

    assert listed() == {producer.name, other.name}
    assert listed(states=("Ongoing",)) == listed(producers=(producer.id,)) == listed(age_ms=0) == {producer.name}
    assert listed(states=("Empty", "Nowhere")) == {other.name}
    assert listed(states=("Nowhere",)) == listed(age_ms=3_600_000) == set()
