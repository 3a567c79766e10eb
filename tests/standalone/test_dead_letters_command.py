"""``copydesk dead-letters`` on both brokers: what is found, shown, brought back and deleted."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_shared.dead_letters import PREFIX, dead_letter
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.marks import own_headers
from copydesk_shared.topics import DEAD_LETTER, MAX_MESSAGE_BYTES, Tier, retry_topics
from tests.broker.client import WireClient
from tests.broker.foreign_batches import batch_with_headers
from tests.brokers import Broker, unique
from tests.shared.samples import page
from tests.standalone.letters import Letters, letter
from tests.standalone.test_cli import copydesk

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u202a-\u202e\u2066-\u2069\u2028\u2029]")
NASTY = "\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202eevil\u2028line\x00end"


@pytest.fixture
def letters(any_broker: Broker) -> Iterator[Letters]:
    topic, logger = unique("letters"), logging.getLogger("aiokafka")
    any_broker.create_topics(topic, partitions=3, config=DEAD_LETTER.config())
    level = logger.level
    yield Letters(any_broker, topic)
    logger.setLevel(level)


@pytest.fixture
def source(letters: Letters) -> str:
    """A topic that a reader without retry tiers reads."""
    topic = unique("source")
    letters.broker.create_topics(topic)
    return topic


def test_the_list_is_in_the_order_of_time_and_says_what_a_person_needs(letters: Letters) -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1\nKeyError: 5\n'
    letters.bury(
        letter("a", page(1).model_dump_json().encode(), reason=DeadLetterReason.BUG, error=trace),
        letter("b", b"\xff", stage="fetcher", reason=DeadLetterReason.UNDECODABLE, error="first\nsecond"),
        letter(None, None, stage="api", error=""),
    )
    head, *rows = letters.lines("list")
    assert head.split() == ["ID", "TIME", "(UTC)", "STAGE", "REASON", "TRIES", "KEY", "SOURCE", "ERROR"]
    first, second, third = (re.split(r"  +", row.strip()) for row in rows)
    assert first[2:] == ["cleaner", "bug", "1", "a", "courier.example", "KeyError: 5"]
    assert second[2:] == ["fetcher", "undecodable", "1", "b", "-", "first"]
    assert third[2:] == ["api", "bug", "1", "-"]
    assert datetime.now(UTC) - datetime.fromisoformat(first[1] + "+00:00") < timedelta(minutes=5)


def test_an_empty_topic_lists_nothing(letters: Letters) -> None:
    assert letters.listed() == []
    assert len(letters.lines("list")) == 1


def test_json_gives_a_line_for_each_letter(letters: Letters) -> None:
    letters.bury(letter("a", page(1).model_dump_json().encode()))
    [found] = letters.listed()
    assert found["origin"] == {"topic": "articles.fetched", "partition": 3, "offset": 42}
    assert (found["key"], found["source"], found["feed"], found["error"]) == ("a", "courier.example", None, "boom")
    [record] = letters.read(letters.topic, [found["partition"]])
    assert (record.offset, record.key) == (found["offset"], b"a")


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        (["--reason", "bug"], "ad"),
        (["--reason", "bug", "--reason", "too-large"], "acd"),
        (["--stage", "fetcher"], "b"),
        (["--stage", "fetcher", "--stage", "cleaner"], "abc"),
        (["--source", "Courier.Example"], "a"),
        (["--source", "feed-7"], "c"),
        (["--source", "b"], "b"),
        (["--source", "subject-of-d"], "d"),
        (["--key", "c"], "c"),
        (["--limit", "2"], "ab"),
        (["--since", "1h"], "abcd"),
        (["--until", "1h"], ""),
        (["--since", "2h", "--until", "1h"], ""),
        (["--since", "2020-01-01", "--until", "0s"], "abcd"),
        (["--reason", "bug", "--stage", "api", "--key", "d"], "d"),
    ],
)  # fmt: skip
def test_filters(letters: Letters, filters: list[str], keys: str) -> None:
    letters.bury(
        letter("a", page(1).model_dump_json().encode()),
        letter("b", b"\xff", stage="fetcher", reason=DeadLetterReason.UNDECODABLE),
        letter("c", b'{"feed_id": "feed-7"}', reason=DeadLetterReason.TOO_LARGE),
        letter("d", b'{"source": 5}', stage="api", headers=(("ce_subject", b"subject-of-d"),)),
    )
    assert "".join(found["key"] for found in letters.listed(*filters)) == keys


def test_since_and_until_part_the_letters(letters: Letters) -> None:
    letters.bury(letter("old"))
    [old] = letters.listed()
    while datetime.now(UTC) - datetime.fromisoformat(old["time"]) < timedelta(milliseconds=20):
        time.sleep(0.005)
    border = datetime.now(UTC).isoformat()
    letters.bury(letter("new"))
    assert [found["key"] for found in letters.listed("--since", border)] == ["new"]
    assert [found["key"] for found in letters.listed("--until", border)] == ["old"]


def test_hostile_letters_cannot_reach_the_terminal(letters: Letters) -> None:
    hostile = [
        letter(NASTY, NASTY.encode(), stage=NASTY, error=NASTY, headers=((NASTY, NASTY.encode()),)),
        letter("x", json.dumps({"source": {"domain": NASTY}, "feed_id": NASTY}).encode()),
        letter("deep", b"[" * 100_000),
        letter("digits", b"1" * 100_000),
        letter("bytes", bytes(range(256)), error="x" * 1_000_000),
        Outgoing(DEAD_LETTER.name, b"no headers", b"x"),
        Outgoing(
            DEAD_LETTER.name, b"odd", b"x",
            ((f"{PREFIX}reason", b"\xff\xfe"), ("copydesk-own-headers", b"1"), (f"{PREFIX}attempts", b"9" * 5000),
             (f"{PREFIX}at", b"yesterday"), (f"{PREFIX}offset", "²".encode()), (f"{PREFIX}reason", b"\xff\xfe")),
        ),
    ]  # fmt: skip
    letters.bury(*hostile)
    lines = letters.lines("list")
    assert len(lines) == 1 + len(hostile)
    text = "\n".join([*lines, *letters.lines("list", "--format", "json")])
    for found in letters.listed():
        text += "\n".join(letters.lines("show", found["id"]))
    assert not CONTROL.search(text)
    assert r"\x1b[2J" in text


def test_a_letter_that_cannot_be_read_at_all_is_told_and_passed_over(letters: Letters) -> None:
    with WireClient(letters.broker.bootstrap_servers) as client:
        for names in ([b"one"], [b"two", b"\xff\xfe\xfd\xfc", b"lost with it"], [b"three"]):
            assert client.produce(letters.topic, batch_with_headers(names))["error_code"] == 0
    answer = letters.run("list", "--format", "json")
    assert answer.returncode == 0
    assert [json.loads(line)["id"] for line in answer.stdout.splitlines()] == ["0/0", "0/1", "0/4"]
    unreadable = "copydesk: 0/{} cannot be read: the name of a header is not UTF-8"
    assert answer.stderr.decode().splitlines() == [unreadable.format(offset) for offset in (2, 3)]
    assert "one:" in "\n".join(letters.lines("show", "0/0"))
    assert letters.run("show", "0/2").returncode == 2


def test_show_gives_everything(letters: Letters) -> None:
    value = page(1, content="Überschrift").model_dump_json().encode()
    letters.bury(letter("a", value, error="one\ntwo", headers=(("traceparent", b"00-aa"), ("odd", b"\xff"))))
    [found] = letters.listed()
    text = "\n".join(letters.lines("show", found["id"]))
    for expected in (
        "read from  articles.fetched/3/42", "error:\n  one\n  two", "headers:\n  traceparent: 00-aa\n  odd: \\xff",
        'value:\n  {\n    "article_id": "article-1"', "Überschrift", "source     courier.example",
    ):  # fmt: skip
        assert expected in text
    assert letters.run("show", found["id"], "--raw").stdout == value


def test_show_writes_the_bytes_of_any_value(letters: Letters) -> None:
    value = os.urandom(MAX_MESSAGE_BYTES - 1_000)
    letters.bury(letter("large", value), letter("null", None))
    ids = {found["key"]: found["id"] for found in letters.listed()}
    assert letters.run("show", ids["large"], "--raw").stdout == value
    assert letters.run("show", ids["null"], "--raw").stdout == b""
    assert "a tombstone" in letters.lines("show", ids["null"])[-1]


def _mistake(letters: Letters, *arguments: str) -> str:
    answer = letters.run(*arguments)
    error = answer.stderr.decode()
    assert (answer.returncode, answer.stdout) == (2, b""), error
    assert error.startswith("copydesk: error: ")
    assert error.count("\n") == 1
    return error


def test_an_id_that_is_not_there_is_a_clear_line(letters: Letters) -> None:
    letters.bury(letter("a"))
    [found] = letters.listed()
    assert "there is no partition 7 (0 to 2)" in _mistake(letters, "show", "7/0")
    assert "no such letter yet" in _mistake(letters, "show", f"{found['partition']}/1")
    letters.lines("purge", "--before", "0s", "--execute")
    assert "is deleted: partition" in _mistake(letters, "show", found["id"])
    assert "is deleted: partition" in _mistake(letters, "replay", found["id"], "--execute")


def test_purge_deletes_the_oldest_and_says_what(letters: Letters) -> None:
    letters.bury(letter("a"), letter("b", reason=DeadLetterReason.INVALID), letter("c"))
    assert letters.lines("purge", "--before", "1h", "--execute")[0].startswith("deleting 0 letters")
    assert len(letters.listed()) == 3
    head, *counts = letters.lines("purge", "--before", "0s")
    assert head.startswith("would delete 3 letters")
    assert [line.split()[:2] for line in counts[:2]] == [["2", "bug"], ["1", "invalid"]]
    assert len(letters.listed()) == 3
    done = letters.lines("purge", "--before", "0s", "--execute")
    assert done[0].startswith("deleting 3 letters")
    assert done[-1].startswith("deleted: ")
    assert letters.listed() == []
    letters.bury(letter("d"))
    assert [found["key"] for found in letters.listed()] == ["d"]


def test_replay_says_first_what_it_would_do(letters: Letters, source: str) -> None:
    asyncio.run(ensure_topics(letters.brokers))
    letters.bury(
        letter("a", topic=source, stage="reader"),
        letter("b", topic=source, stage="reader"),
        letter("c", stage="cleaner", reason=DeadLetterReason.TIMED_OUT),
        letter("d", topic="no.such.topic", stage="reader"),
        letter("e", topic="not possible!", stage="reader"),
        Outgoing(DEAD_LETTER.name, b"f", b"no reason"),
    )
    said = letters.lines("replay", "--all")
    assert said[0] == "would replay 3 letters (--execute does it)"
    assert {" ".join(line.split()) for line in said[1:]} == {
        f"2 bug to {source}",
        "1 timed-out to cleaner.retry.short",
        "1 not: the brokers have no topic no.such.topic",
        "1 not: the brokers have no topic not possible!",
        "1 not: does not say where it came from",
    }
    assert letters.read(source) == []


def test_a_replay_brings_back_key_value_and_headers(letters: Letters, source: str) -> None:
    headers = (("traceparent", b"00-aa"), ("retry-attempt", b"9"), ("twice", b"1"), ("twice", b""))
    letters.bury(letter("a", b"\x00\xff", topic=source, stage="reader", headers=headers))
    [found] = letters.listed()
    assert letters.lines("replay", found["id"], "--yes")[-1] == f"replayed 1 of 1 letters, the last one {found['id']}"
    [record] = letters.read(source)
    assert (record.key, record.value, own_headers(record)) == (b"a", b"\x00\xff", headers)
    assert record.header("replay-of") == found["id"]


def test_only_the_letters_that_are_meant_go_back(letters: Letters, source: str) -> None:
    letters.bury(
        *(letter(key, topic=source, stage="reader", reason=DeadLetterReason.BUG) for key in "abc"),
        *(letter(key, topic=source, stage="reader", reason=DeadLetterReason.INVALID) for key in "de"),
    )
    ids = {found["key"]: found["id"] for found in letters.listed()}
    letters.lines("replay", "--reason", "invalid", "--execute", "--rate", "1000")
    letters.lines("replay", ids["b"], ids["b"], "--execute")
    letters.lines("replay", "--limit", "1", "--execute")
    assert [record.key for record in letters.read(source)] == [b"d", b"e", b"b", b"a"]
    assert "only one" in _mistake(letters, "replay", ids["a"], "--reason", "bug")


def test_a_letter_that_failed_again_is_replayed_by_its_newest(letters: Letters, source: str) -> None:
    letters.bury(*(letter(key, topic=source, stage="reader") for key in "abc"))
    first = {found["key"]: found["id"] for found in letters.listed()}
    for count in (3, 6, 9):
        assert letters.lines("replay", "--all", "--execute")[-1].startswith("replayed 3 of 3 letters")
        replays = letters.read(source)
        assert len(replays) == count
        letters.bury(*(_again(record) for record in replays[-3:]))
    assert sorted(found["replay_count"] for found in letters.listed()) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert "9 not: replayed before and failed again" in " ".join(letters.lines("replay", "--all")[-1].split())
    letters.lines("replay", "--key", "a", "--limit", "1", "--execute")
    assert letters.read(source)[-1].header("replay-count") == "4"
    letters.lines("replay", first["b"], "--execute")
    assert letters.read(source)[-1].header("replay-of") == first["b"]
    assert letters.lines("replay", "--all", "--again")[0].startswith("would replay 12 letters")


def _again(record: Record) -> Outgoing:
    return dead_letter(record, stage="reader", reason=DeadLetterReason.BUG, error="boom again")


@pytest.mark.parametrize("named", ["9/0", "0/999999", "x" * 100_000, "1/-1", ""])
def test_what_a_letter_names_that_is_not_there_changes_nothing(letters: Letters, source: str, named: str) -> None:
    record = Record(source, 0, 0, b"k", b"{}", (("copydesk-own-headers", b"0"), ("replay-of", named.encode())))
    letters.bury(_again(record))
    assert letters.listed()[0]["replay_of"] == (named or None)
    assert letters.lines("replay", "--all")[0].startswith("would replay 1 letters")


def test_a_stage_gets_its_letters_on_its_own_retry_topic(letters: Letters) -> None:
    asyncio.run(ensure_topics(letters.brokers))
    key = unique("key")
    letters.bury(letter(key, b"{}", stage="cleaner"))
    letters.lines("replay", "--all", "--execute")
    topic = retry_topics("cleaner")[Tier.SHORT]
    [record] = [each for each in letters.read(topic.name, range(topic.partitions)) if each.key == key.encode()]
    assert (record.value, record.header("replay-count")) == (b"{}", "1")


def test_ctrl_c_stops_a_replay_and_says_what_was_done(letters: Letters, source: str) -> None:
    letters.bury(*(letter(str(number), topic=source, stage="reader") for number in range(20)))
    command = [sys.executable, "-m", "copydesk_standalone", "dead-letters", "replay", "--all", "--yes", "--rate", "0.5"]
    with subprocess.Popen([*command, *letters.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not letters.read(source):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    count = len(letters.read(source))
    assert (process.returncode, errors) == (130, b"")
    assert f"replayed {count} of 20 letters, the last one " in output.decode()
    assert 0 < count < 20


def test_a_reader_that_leaves_early_is_no_trouble(letters: Letters) -> None:
    letters.bury(*(letter(str(number), error="x" * 2_000) for number in range(300)))
    command = [sys.executable, "-m", "copydesk_standalone", "dead-letters", "list", "--format", "json"]
    with subprocess.Popen([*command, *letters.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_brokers_without_the_topic_are_a_clear_line(letters: Letters) -> None:
    answer = copydesk(
        "dead-letters", "list", "--bootstrap-servers", letters.broker.bootstrap_servers, "--topic", unique("none")
    )
    assert answer.returncode == 2
    assert b"there is no topic none-" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["list", "--reason", "nonsense"], "'nonsense' is not one of"),
        (["list", "--since", "yesterday"], "'yesterday' is neither a time like"),
        (["list", "--since", "999999999w"], "too long ago"),
        (["list", "--limit", "0"], "0 is not in the range"),
        (["list", "--bootstrap-servers", "kafka"], "'kafka' is not host:port"),
        (["list", "--bootstrap-servers", "127.0.0.1:9"], "127.0.0.1:9"),
        (["show"], "Missing argument 'ID'"),
        (["show", "5"], "'5' is not partition/offset"),
        (["show", "1/x"], "'1/x' is not partition/offset"),
        (["replay", "--rate", "0"], "0"),
        (["replay", "--execute"], "replay needs ids or filters"),
        (["replay", "--again"], "replay needs ids or filters"),
        (["replay", "--all", "--reason", "bug"], "only one"),
        (["replay", "--all", "0/1"], "only one"),
        (["purge"], "Missing option '--before'"),
        (["purge", "--before", "1d", "--reason", "bug"], "purge takes no --reason"),
        (["purge", "--before", "1d", "--since", "2d"], "purge takes no --since"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], problem: str) -> None:
    answer = copydesk("dead-letters", *arguments)
    error = answer.stderr.decode()
    assert (answer.returncode, answer.stdout) == (2, b"")
    assert error.startswith("copydesk: error: ")
    assert error.count("\n") == 1
    assert problem in error
