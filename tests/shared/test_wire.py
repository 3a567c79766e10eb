from datetime import UTC, datetime

import pytest

from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.topics import CLEANED, DISCOVERED, FETCHED
from copydesk_shared.wire import LONG_AGO, decode, encode, traceparent, written_at
from tests.shared.samples import article, entry, page


def _stored(outgoing: Outgoing) -> Record:
    return Record(outgoing.topic, 3, 42, outgoing.key, outgoing.value, outgoing.headers)


def test_a_message_comes_back_as_it_went() -> None:
    sent = page(content='Ünïcode \x07 "quotes" \u2028 and more')
    assert decode(FETCHED, _stored(encode(FETCHED, sent, stage="fetcher", version="1"))) == sent


def test_the_headers_are_those_of_the_cloudevents_kafka_binding() -> None:
    record = _stored(encode(CLEANED, article(), stage="cleaner", version="1"))
    assert record.key == b"article-1"
    assert record.header("ce_specversion") == "1.0"
    assert record.header("ce_source") == "/copydesk/cleaner"
    assert record.header("ce_type") == "copydesk.Article.v1"
    assert record.header("ce_subject") == "article-1"
    assert record.header("content-type") == "application/json"


def test_the_event_id_depends_on_stage_article_revision_and_version_only() -> None:
    def event_id(revision: int, stage: str, version: str, paragraphs: tuple[str, ...]) -> str | None:
        return _stored(
            encode(CLEANED, article(revision=revision, paragraphs=paragraphs), stage=stage, version=version)
        ).header("ce_id")

    base = event_id(1, "cleaner", "1", ("a",))
    assert event_id(1, "cleaner", "1", ("b",)) == base
    assert (
        len(
            {
                base,
                event_id(2, "cleaner", "1", ("a",)),
                event_id(1, "x", "1", ("a",)),
                event_id(1, "cleaner", "2", ("a",)),
            }
        )
        == 4
    )


def test_entries_of_one_domain_have_ids_of_their_own() -> None:
    def event_id(number: int) -> str | None:
        return _stored(encode(DISCOVERED, entry(number), stage="fetcher", version="1")).header("ce_id")

    assert event_id(1) == event_id(1)
    assert event_id(1) != event_id(2)


def test_the_key_of_an_entry_is_its_registrable_domain() -> None:
    assert encode(DISCOVERED, entry(), stage="fetcher", version="1").key == b"courier.example"


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    parent = traceparent(None)
    child = traceparent(parent)
    assert child.split("-")[1] == parent.split("-")[1]
    assert child.split("-")[2] != parent.split("-")[2]
    assert len(traceparent("rubbish").split("-")[1]) == 32


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b'{"article_id": 5}', "article_id"),
        (None, "tombstone"),
    ],
)
def test_what_cannot_be_decoded_is_poison_that_says_where(value: bytes | None, place: str) -> None:
    with pytest.raises(Poison, match=place) as caught:
        decode(FETCHED, Record("articles.fetched", 0, 0, b"k", value))
    assert caught.value.reason is DeadLetterReason.UNDECODABLE


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"2026-11-22T12:00:00.000001Z", datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)),
        (b"2026-11-22T12:00:00+02:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (b"2026-11-22T12:00:00", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        (b"yesterday", datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
        (b"9999-12-31T23:59:59-01:00", datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
        (None, datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
    ],
)
def test_when_a_message_was_written(said: bytes | None, expected: datetime) -> None:
    headers = (("ce_time", said),) if said is not None else ()
    assert written_at(Record("t", 0, 0, None, None, headers, 5_000)) == expected


@pytest.mark.parametrize("milliseconds", [-1, 2**62])
def test_a_record_of_no_possible_time_has_one_all_the_same(milliseconds: int) -> None:
    assert written_at(Record("t", 0, 0, None, None, (), milliseconds)) >= LONG_AGO
