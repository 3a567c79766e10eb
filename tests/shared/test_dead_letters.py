"""Dead letters and the way back: nothing of a record is lost, whatever it holds and wherever it has been."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.dead_letters import (
    ERROR_TEXT_LIMIT,
    LARGEST_BYTES,
    PREFIX,
    CannotReplayError,
    dead_letter,
    parse,
    replayed,
    source_of,
    target,
)
from copydesk_shared.errors import DeadLetterReason, Retryable, RetryClass
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.marks import BORDER, marks, own_headers, own_key
from copydesk_shared.retries import ATTEMPT, NOT_BEFORE, Origin, attempt_of, not_before, origin_of, put_off
from copydesk_shared.topics import FETCHED, MAX_MESSAGE_BYTES, Tier
from copydesk_shared.wire import encode
from tests.shared.samples import article, entry, page

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WAITS = {Tier.SHORT: 30.0, Tier.MEDIUM: 300.0, Tier.LONG: 3600.0}
ORIGIN = Origin("articles.fetched", 3, 42)

own_names = [
    ATTEMPT, NOT_BEFORE, "retry-topic", "retry-offset", f"{PREFIX}reason", f"{PREFIX}topic", "replay-of",
    "replay-count", "ce_id", "traceparent",
]  # fmt: skip
header = st.tuples(st.sampled_from(own_names) | st.text().filter(lambda name: name != BORDER), st.binary(max_size=30))
headers = st.lists(header, max_size=6).map(tuple)
records = st.builds(
    lambda key, value, headers: Record(ORIGIN.topic, ORIGIN.partition, ORIGIN.offset, key, value, headers),
    st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=50), headers,
)  # fmt: skip
failures = st.lists(st.sampled_from(RetryClass), max_size=4)
errors = st.text(max_size=50)


def _stored(outgoing: Outgoing, offset: int = 7) -> Record:
    return Record(outgoing.topic, 1, offset, outgoing.key, outgoing.value, outgoing.headers)


def _put_off(record: Record, kinds: list[RetryClass], group: str = "cleaner") -> Record:
    for kind in kinds:
        later = put_off(record, Retryable("later", kind), group=group, waits=WAITS, now=NOW)
        if later is None:
            return record
        record = _stored(later)
    return record


def _buried(record: Record, stage: str = "cleaner", error: str = "boom") -> Record:
    return _stored(dead_letter(record, stage=stage, reason=DeadLetterReason.BUG, error=error))


def _as_it_was(record: Record) -> tuple[bytes | None, bytes | None, Headers]:
    return own_key(record), record.value, own_headers(record)


@given(records, failures, errors, st.sampled_from(["cleaner", "api"]))
def test_any_record_comes_back_as_it_was(record: Record, kinds: list[RetryClass], error: str, stage: str) -> None:
    original = (record.key, record.value, record.headers)
    buried = _buried(_put_off(record, kinds), stage, error)
    letter = parse(buried)
    assert (letter.original_key, buried.value, letter.original_headers) == original
    assert (letter.origin, letter.stage, letter.attempts) == (ORIGIN, stage, attempt_of(_put_off(record, kinds)) + 1)
    back = replayed(letter, NOW)
    assert _as_it_was(_stored(back)) == original
    assert back.topic == {"cleaner": "cleaner.retry.short", "api": ORIGIN.topic}[stage]
    assert back.key is not None or back.value is not None, "aiokafka sends no record that has neither"


@given(records, failures, failures)
def test_a_letter_that_fails_again_says_what_it_was_a_replay_of(
    record: Record, before: list[RetryClass], after: list[RetryClass]
) -> None:
    first = parse(_buried(_put_off(record, before)))
    assert (first.replay_of, first.replay_count) == ("", 0)
    again = _stored(replayed(first, NOW), 8)
    assert (attempt_of(again), not_before(again), origin_of(again)) == (0, None, ORIGIN)
    second = parse(_buried(_put_off(again, after)))
    assert (second.replay_of, second.replay_count, second.origin) == (first.where, 1, ORIGIN)
    third = parse(_buried(_stored(replayed(second, NOW), 9)))
    assert (third.replay_of, third.replay_count) == (second.where, 2)
    assert _as_it_was(third.record) == (record.key, record.value, record.headers)


def test_a_sink_that_fails_again_says_where_the_replay_lay() -> None:
    first = parse(_buried(Record("articles.classified", 3, 42, b"k", b"v"), "api"))
    again = _stored(replayed(first, NOW), 99)
    second = parse(_buried(again, "api"))
    assert second.origin == Origin("articles.classified", 1, 99)
    assert second.replay_count == 1


@given(records)
def test_headers_of_the_record_are_never_taken_for_ours(record: Record) -> None:
    assert (attempt_of(record), not_before(record)) == (0, None)
    assert origin_of(record) == ORIGIN


def test_a_letter_says_all_there_is_to_know() -> None:
    record = Record("articles.fetched", 3, 42, b"\xffkey", b"\x00value", (("twice", b"1"), ("twice", b"2")))
    letter = parse(_buried(record, error="boom ✗"))
    assert (letter.reason, letter.error, letter.stage, letter.attempts) == ("bug", "boom ✗", "cleaner", 1)
    assert (letter.origin, letter.where) == (ORIGIN, "1/7")
    assert letter.at is not None
    assert letter.at.tzinfo is not None


@given(headers, st.lists(st.tuples(st.sampled_from([PREFIX + name for name in (
    "reason", "error", "stage", "topic", "partition", "offset", "attempts", "at", "cut")]), st.binary()), max_size=9))  # fmt: skip
def test_damaged_letters_are_read_all_the_same(own: Headers, said: list[tuple[str, bytes]]) -> None:
    border = ((BORDER, str(len(own)).encode()),)
    letter = parse(Record("articles.dead-letter", 0, 0, None, None, (*own, *border, *said)))
    assert letter.original_headers == own
    assert letter.attempts >= 0
    source_of(letter)
    with suppress(CannotReplayError):
        assert target(letter)


def test_a_record_without_marks_is_a_letter_that_says_nothing() -> None:
    letter = parse(Record("articles.dead-letter", 0, 5, b"k", b"v", ((f"{PREFIX}reason", b"bug"),)))
    assert (letter.reason, letter.stage, letter.origin, letter.at) == ("", "", None, None)
    with pytest.raises(CannotReplayError, match="does not say where"):
        replayed(letter, NOW)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (entry().model_dump_json().encode(), ("courier.example", "courier")),
        (page().model_dump_json().encode(), ("courier.example", "")),
        (article().model_dump_json().encode(), ("courier.example", "")),
        (b"\xff", ("", "")),
        (b"[" * 100_000, ("", "")),
        (b'{"source": null}', ("", "")),
        (None, ("", "")),
    ],
)
def test_the_source_is_read_from_the_original_message(value: bytes | None, source: tuple[str, str]) -> None:
    assert source_of(parse(_buried(Record("t", 0, 0, b"k", value)))) == source


def _bytes(record: Outgoing) -> int:
    parts = [record.key, record.value, *(part for name, value in record.headers for part in (name.encode(), value))]
    return sum(len(part or b"") for part in parts)


@pytest.mark.parametrize("large", ["value", "headers", "both"])
def test_the_largest_record_of_a_topic_fits_whole_with_any_error(large: str) -> None:
    room = {"value": (1.0, 0.0), "headers": (0.0, 1.0), "both": (0.5, 0.5)}[large]
    value, header = (bytes(int(MAX_MESSAGE_BYTES * share)) for share in room)
    record = Record(ORIGIN.topic, ORIGIN.partition, ORIGIN.offset, b"k", value, (("h", header),))
    outgoing = dead_letter(record, stage="cleaner", reason=DeadLetterReason.BUG, error="✗" * 1_000_000)
    assert _bytes(outgoing) <= LARGEST_BYTES
    letter = parse(_stored(outgoing))
    assert _as_it_was(letter.record) == (b"k", value, (("h", header),))
    assert letter.error == "✗" * ERROR_TEXT_LIMIT
    assert not letter.cut


def test_the_error_is_cut_before_anything_of_the_record() -> None:
    value = bytes(LARGEST_BYTES - 3_000)
    outgoing = dead_letter(
        Record("t", 0, 0, b"k", value), stage="cleaner", reason=DeadLetterReason.BUG, error="x" * 8_000
    )
    assert _bytes(outgoing) <= LARGEST_BYTES
    letter = parse(_stored(outgoing))
    assert (letter.record.value, letter.error, letter.cut) == (value, "x" * 500, "")


@pytest.mark.parametrize(
    "record",
    [
        Record("t", 3, 42, b"k", bytes(LARGEST_BYTES)),
        Record("t", 3, 42, bytes(LARGEST_BYTES), b"v"),
        Record("t", 3, 42, None, None, (("h", bytes(LARGEST_BYTES)),)),
    ],
    ids=["value", "key", "headers"],
)
def test_what_cannot_be_kept_whole_leaves_a_letter_that_says_where_it_lies(record: Record) -> None:
    outgoing = dead_letter(record, stage="cleaner", reason=DeadLetterReason.TOO_LARGE, error="x" * 8_000)
    assert _bytes(outgoing) < 10_000
    letter = parse(_stored(outgoing))
    assert (letter.origin, letter.reason) == (Origin("t", 3, 42), "too-large")
    assert "bytes of value" in letter.cut
    with pytest.raises(CannotReplayError, match="too large to be kept whole"):
        replayed(letter, NOW)


def test_marks_come_after_the_headers_of_the_record() -> None:
    """A reader who takes the last header of a name, as ours do, is told ours."""
    record = encode(FETCHED, page(), stage="fetcher", version="1")
    stored = _buried(_stored(replace(record, headers=((f"{PREFIX}reason", b"mine"), *record.headers))))
    assert stored.header(f"{PREFIX}reason") == "bug"
    assert stored.header("ce_type") == "copydesk.Page.v1"
    assert marks(stored)[f"{PREFIX}stage"] == "cleaner"
