"""``copydesk topics`` and services that refuse topics, on the embedded broker and on Apache Kafka."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.topics import (
    ALL_TOPICS,
    CLASSIFIED,
    CLEANED,
    DEAD_LETTER,
    DISCOVERED,
    FEEDS,
    FETCHED,
    AnyTopic,
    Tier,
    retry_topics,
)
from copydesk_standalone.broker.process import start
from copydesk_standalone.probes import free_port
from tests.standalone.topic_brokers import PASSWORD, USER, Cleaner, OwnBroker, copydesk, own_apache_kafka, topics, until

pytestmark = pytest.mark.kafka
COUNT = len(ALL_TOPICS)
DAY = 86_400_000
# How a list of all topics ends each name.
NAMED = [*((topic, ",") for topic in ALL_TOPICS[:-1]), (ALL_TOPICS[-1], ":")]
CLASSIFIER_RETRIES = [topic.name for topic in retry_topics("classifier").values()]


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    with own_apache_kafka(tmp_path_factory.mktemp("apache") / "kafka") as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.apache)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnBroker]:
    """A broker without topics, of each kind."""
    if request.param == "apache":
        running: OwnBroker = request.getfixturevalue("apache")
        running.delete_all()
        yield running
        return
    with start(tmp_path / "broker") as process:
        yield OwnBroker(process.address)


def test_topics_are_created_once(broker: OwnBroker) -> None:
    before = topics("diff", broker)
    assert before.returncode == 1
    assert before.stdout.count("BREAKING  topic") == COUNT
    assert "topic articles.fetched is missing; apply would create it with 6 partitions" in before.stdout
    tried = topics("apply", broker, "--dry-run")
    assert (tried.returncode, tried.stdout.count("would do  topic")) == (0, COUNT)
    assert broker.names() == set()
    assert topics("describe", broker).stdout.count("missing") == COUNT

    done = topics("apply", broker)
    assert (done.returncode, done.stdout.count("done      topic"), done.stderr) == (0, COUNT, "")
    for topic in ALL_TOPICS:
        assert broker.partitions(topic.name) == topic.partitions
        assert topic.config().items() <= broker.config(topic.name).items()
    again = topics("apply", broker)
    assert (again.returncode, again.stdout) == (0, "nothing to change\n")
    after = topics("diff", broker)
    assert (after.returncode, after.stdout) == (0, f"{COUNT} topics are as declared\n")


def test_what_an_operator_did_is_kept_unless_it_breaks(broker: OwnBroker) -> None:
    topics("apply", broker)
    broker.set(FETCHED.name, cleanup_policy="compact", retention_ms=str(30 * DAY))
    broker.set(CLEANED.name, retention_ms=str(2 * DAY))
    broker.set(FEEDS.name, max_message_bytes="1000", min_compaction_lag_ms="5000")
    broker.grow(CLEANED.name, 8)
    broker.delete(DEAD_LETTER.name)

    report = topics("diff", broker, "--format", "json")
    assert report.returncode == 1
    differences = {(each["topic"], each["kind"]): each for each in json.loads(report.stdout)["differences"]}
    breaking = {key for key, each in differences.items() if each["breaking"]}
    assert breaking == {
        (FETCHED.name, "cleanup.policy"),
        (FEEDS.name, "max.message.bytes"),
        (DEAD_LETTER.name, "missing"),
        *((name, "partitions") for name in CLASSIFIER_RETRIES),
    }
    assert {key for key, each in differences.items() if not each["breaking"]} == {
        (FETCHED.name, "retention.ms"),
        (CLEANED.name, "retention.ms"),
    }
    assert [(each["topic"], each["kind"]) for each in json.loads(report.stdout)["added"]] == [
        (CLEANED.name, "partitions")
    ]

    first = topics("apply", broker)
    assert first.returncode == 1, "the retries of the classifier still have fewer partitions than their source"
    assert first.stdout.count("done      ") == 3
    assert f"{CLASSIFIER_RETRIES[0]} has 6 partitions, articles.cleaned has 8" in first.stdout
    assert broker.config(FETCHED.name)["cleanup.policy"] == "delete"
    assert broker.config(FETCHED.name)["retention.ms"] == str(30 * DAY)
    assert broker.config(CLEANED.name)["retention.ms"] == str(2 * DAY)
    assert broker.config(FEEDS.name)["max.message.bytes"] == FEEDS.config()["max.message.bytes"]
    assert broker.config(FEEDS.name)["min.compaction.lag.ms"] == "5000", "it is not ours to reset"
    shown = topics("describe", broker).stdout
    assert "30 d (3 d)" in shown
    assert "2 d (7 d)" in shown
    assert "8 (6)" in shown

    grown = topics("apply", broker, "--grow-partitions")
    assert grown.returncode == 0
    assert grown.stderr.count("keys move to other partitions") == 3
    assert [broker.partitions(name) for name in CLASSIFIER_RETRIES] == [8, 8, 8]

    undone = topics("apply", broker, "--all-configs")
    assert undone.returncode == 0
    assert undone.stderr == "warning: topic articles.fetched: records older than 3 d are deleted\n"
    assert broker.config(FETCHED.name)["retention.ms"] == str(3 * DAY)
    assert broker.config(CLEANED.name)["retention.ms"] == str(7 * DAY)
    assert broker.partitions(CLEANED.name) == 8
    grown_only = topics("diff", broker)
    assert grown_only.stdout.count("apply takes no partition away") == 4
    assert (grown_only.returncode, grown_only.stdout.count("more      topic")) == (0, 4)
    assert grown_only.stdout.endswith(f"{COUNT} topics are as declared\n")


def test_a_retry_topic_that_loses_what_waits_is_refused_and_mended(broker: OwnBroker, tmp_path: Path) -> None:
    short, medium, _ = (topic.name for topic in retry_topics("cleaner").values())
    topics("apply", broker)
    broker.set(short, retention_ms="60000")
    broker.set(medium, retention_bytes="100000")
    broker.set(DEAD_LETTER.name, retention_bytes="100000")

    lost = "records are lost while they wait to be tried again"
    refused = Cleaner(tmp_path, broker.servers, 0).refusal()
    assert f"topic {short} has retention.ms=60000, {7 * DAY} is declared: {lost}; " in refused
    assert f"topic {medium} has retention.bytes=100000, no limit is declared: {lost}; " in refused
    assert refused.endswith(f"mend the topics with: copydesk topics apply --bootstrap-servers {broker.servers}\n")
    assert topics("diff", broker).stdout.count("BREAKING") == 2

    mended = topics("apply", broker)
    assert (mended.returncode, mended.stdout.count("done      ")) == (0, 2)
    assert broker.config(short)["retention.ms"] == str(7 * DAY)
    assert broker.config(medium)["retention.bytes"] == "-1"
    assert broker.config(DEAD_LETTER.name)["retention.bytes"] == "100000", "it loses nothing that still waits"
    left = topics("diff", broker)
    assert (left.returncode, left.stdout.count("\n")) == (1, 2)
    assert left.stdout.startswith(
        f"differs   topic {DEAD_LETTER.name} has retention.bytes=100000, no limit is declared"
    )
    assert left.stdout.endswith("\n1 difference\n")


def test_retries_that_are_missing_are_created_beside_a_source_of_the_operator(broker: OwnBroker) -> None:
    broker.create(DISCOVERED.name, 3, {"cleanup.policy": "delete"})
    assert topics("apply", broker).returncode == 0
    assert {broker.partitions(topic.name) for topic in retry_topics("fetcher").values()} == {3}
    assert broker.config(DISCOVERED.name)["max.message.bytes"] == DISCOVERED.config()["max.message.bytes"]
    assert broker.config(DISCOVERED.name)["retention.ms"] == str(7 * DAY), "a default that keeps more is kept"
    assert topics("apply", broker, "--grow-partitions").returncode == 0
    fetcher: list[AnyTopic] = [DISCOVERED, *retry_topics("fetcher").values()]
    assert {broker.partitions(topic.name) for topic in fetcher} == {6}


def test_more_replicas_than_brokers_are_refused(broker: OwnBroker) -> None:
    refused = topics("apply", broker, "--replication-factor", "3")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"copydesk: error: Kafka at {broker.servers} cannot be used: topics could not")
    assert refused.stderr.count("\n") == 1
    assert all(refused.stderr.count(f" {topic.name}{end}") == 1 for topic, end in NAMED)
    assert len(refused.stderr) < 800, "the reason is said once"
    topics("apply", broker)
    assert topics("diff", broker, "--replication-factor", "2").stdout.count("kafka-reassign-partitions") == COUNT


def test_what_is_declared_is_told_without_a_broker() -> None:
    told = copydesk(
        "topics", "describe", "--declared", "--format", "json",
        env={"COPYDESK_STANDALONE_BOOTSTRAP_SERVERS": "127.0.0.1:1"},
    )  # fmt: skip
    assert told.returncode == 0
    document = json.loads(told.stdout)
    assert document["version"] == 1
    assert [row["name"] for row in document["topics"]] == [topic.name for topic in ALL_TOPICS]
    assert {frozenset(row) for row in document["topics"]} == {
        frozenset({"name", "partitions", "replicas", "config", "same_partitions_as"})
    }
    classified = next(row for row in document["topics"] if row["name"] == CLASSIFIED.name)
    assert classified["config"] == {
        "cleanup.policy": "compact,delete", "max.message.bytes": "8388608", "retention.ms": str(90 * DAY),
        "segment.ms": str(DAY),
    }  # fmt: skip


@pytest.mark.parametrize("command", ["apply", "diff", "describe"])
def test_brokers_that_are_away_are_a_mistake(command: str) -> None:
    refused = copydesk("topics", command, env={"COPYDESK_STANDALONE_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("copydesk: error: Kafka at 127.0.0.1:1 cannot be used: ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", [("topics", "apply"), ("topics", "diff"), ("topics", "describe"), ("dead-letters", "list"), ("up",)]
)
def test_brokers_that_are_none_are_blamed_on_where_they_came_from(command: tuple[str, ...]) -> None:
    refused = copydesk(*command, "--bootstrap-servers", "foo")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("copydesk: error: --bootstrap-servers='foo': ")
    refused = copydesk(*command, env={"COPYDESK_STANDALONE_BOOTSTRAP_SERVERS": "foo"})
    assert refused.stderr.startswith("copydesk: error: COPYDESK_STANDALONE_BOOTSTRAP_SERVERS='foo': ")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def test_a_service_refuses_topics_that_are_missing_or_would_lose_records(broker: OwnBroker, tmp_path: Path) -> None:
    remedy = f"copydesk topics apply --bootstrap-servers {broker.servers}"
    refused = Cleaner(tmp_path, broker.servers, 0).refusal()
    assert refused.startswith("copydesk: error: topics articles.fetched, articles.cleaned, cleaner.retry.short, ")
    assert refused.endswith(f" are missing; create the topics with: {remedy}\n")
    assert refused.count("\n") == 1

    topics("apply", broker)
    broker.set(FETCHED.name, cleanup_policy="compact")
    broker.set(FEEDS.name, cleanup_policy="delete")
    refused = Cleaner(tmp_path, broker.servers, 0).refusal()
    assert refused == (
        "copydesk: error: topic articles.fetched has cleanup.policy=compact, delete is declared: all but the last "
        f"record of a key are lost; mend the topics with: {remedy}\n"
    ), "the cleaner does not touch the feeds"

    broker.set(FETCHED.name, cleanup_policy="delete")
    broker.grow(FETCHED.name, 7)
    assert Cleaner(tmp_path, broker.servers, 0).refusal().endswith(f"{remedy} --grow-partitions\n")


def test_a_service_waits_for_topics_that_vanish_while_it_runs(broker: OwnBroker, tmp_path: Path) -> None:
    topics("apply", broker)
    broker.set(CLEANED.name, retention_ms="86400000")
    cleaner = Cleaner(tmp_path, broker.servers, free_port())
    try:
        until(lambda: _is_ready(cleaner.health_port), f"ready\n{cleaner.said()}")
        assert "topics have less than declared" in cleaner.said()
        broker.delete(DEAD_LETTER.name, *(topic.name for topic in retry_topics("cleaner").values()), FETCHED.name)
        until(lambda: "are missing; create the topics with" in cleaner.said(), f"noticed\n{cleaner.said()}")
        assert not _is_ready(cleaner.health_port)
        topics("apply", broker)
        until(lambda: _is_ready(cleaner.health_port), f"ready again\n{cleaner.said()}")
    finally:
        assert cleaner.stop() == 0


def test_a_service_waits_for_its_broker_before_it_judges(tmp_path: Path) -> None:
    port = free_port()
    cleaner = Cleaner(tmp_path, f"127.0.0.1:{port}", 0)
    try:
        until(lambda: "the log cannot be used" in cleaner.said(), "it waits")
        assert cleaner.process.poll() is None
        with start(tmp_path / "broker", port=port):
            assert cleaner.process.wait(60) == 2
        assert cleaner.said().splitlines()[-1].startswith("copydesk: error: topics articles.fetched, ")
    finally:
        cleaner.process.kill()


@pytest.mark.apache
def test_a_service_without_the_right_to_see_settings_says_so_and_goes_on(apache: OwnBroker, tmp_path: Path) -> None:
    apache.delete_all()
    topics("apply", apache)
    apache.set(FETCHED.name, cleanup_policy="compact")
    for kind in (AclOperation.READ, AclOperation.WRITE):
        for prefix in ("articles.", "cleaner."):
            apache.allow(kind, ResourceType.TOPIC, prefix)
    apache.allow(AclOperation.READ, ResourceType.GROUP, "cleaner")
    user = {
        "kafka_security_protocol": "sasl_plaintext",
        "kafka_sasl_mechanism": "SCRAM-SHA-256",
        "kafka_sasl_username": USER,
        "kafka_sasl_password": PASSWORD,
    }
    cleaner = Cleaner(tmp_path, apache.user_servers, free_port(), **user)
    try:
        until(lambda: _is_ready(cleaner.health_port), f"ready\n{cleaner.said()}")
        assert cleaner.said().count("no right to see the settings of topics") == 1
    finally:
        assert cleaner.stop() == 0
    environment = {f"COPYDESK_STANDALONE_{name}".upper(): value for name, value in user.items()}
    refused = copydesk("topics", "diff", "--bootstrap-servers", apache.user_servers, env=environment)
    assert refused.returncode == 2
    assert "gives no right to see the settings of" in refused.stderr
    assert PASSWORD not in refused.stderr


def test_up_stops_at_foreign_topics_that_would_lose_records(broker: OwnBroker, tmp_path: Path) -> None:
    broker.create(FETCHED.name, 6, {"cleanup.policy": "compact", "max.message.bytes": "9000000"})
    refused = copydesk(
        "up", "--bootstrap-servers", broker.servers, "--data-dir", str(tmp_path / "data"),
        "--api-port", str(free_port()), env={"COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (tests@copydesk.news)"},
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr.startswith("copydesk: error: topic articles.fetched has cleanup.policy=compact, delete is")
    assert refused.stderr.count("\n") == 1
    assert broker.config(FETCHED.name)["cleanup.policy"] == "compact"
    assert CLEANED.name in broker.names()


async def test_the_topics_of_the_embedded_broker_are_mended(tmp_path: Path) -> None:
    with start(tmp_path / "broker") as process:
        broker = OwnBroker(process.address)
        small = {"cleanup.policy": "delete", "max.message.bytes": "8388608", "retention.ms": str(99 * DAY)}
        broker.create(DEAD_LETTER.name, 3, small)
        broker.create(CLEANED.name, 12, CLEANED.config())
        broker.create(CLASSIFIER_RETRIES[0], 6, retry_topics("classifier")[Tier.SHORT].config())
        with pytest.raises(SettingsError, match=r"--grow-partitions$"):
            await ensure_topics(Brokers(process.address))
        await ensure_topics(Brokers(process.address), mend=True)
        assert broker.config(DEAD_LETTER.name)["max.message.bytes"] == DEAD_LETTER.config()["max.message.bytes"]
        assert broker.config(DEAD_LETTER.name)["retention.ms"] == str(99 * DAY)
        assert broker.config(DEAD_LETTER.name)["segment.ms"] == DEAD_LETTER.config()["segment.ms"]
        assert {broker.partitions(name) for name in CLASSIFIER_RETRIES} == {12}
