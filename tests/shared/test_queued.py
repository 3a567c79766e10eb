"""What only waits for its turn in a queue: no attempt is counted, and nobody else waits longer for it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.errors import Retryable, RetryClass
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.retries import QUEUED_STRETCH, attempt_of, not_before, origin_of, put_off, queue_wait
from copydesk_shared.topics import Tier

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAITS = {Tier.SHORT: 30.0, Tier.MEDIUM: 300.0, Tier.LONG: 3600.0}
RECORD = Record("articles.discovered", 2, 17, b"k", b"v", (("own", b"1"),))


def _later(record: Record, kind: RetryClass, seconds: float | None = None) -> Outgoing:
    out = put_off(record, Retryable("later", kind, seconds), group="fetcher", waits=WAITS, now=NOW)
    assert out is not None
    return out


def _read(out: Outgoing) -> Record:
    return Record(out.topic, 0, 0, out.key, out.value, out.headers)


def test_waiting_for_a_turn_uses_up_no_attempt_and_never_ends() -> None:
    record = _read(_later(RECORD, RetryClass.TIMED_OUT))
    assert attempt_of(record) == 1
    for _ in range(200):
        record = _read(_later(record, RetryClass.QUEUED, 100))
    assert attempt_of(record) == 1
    assert origin_of(record).offset == 17
    assert _later(record, RetryClass.TIMED_OUT).topic == "fetcher.retry.medium"


@given(st.floats(0, 1e7))
def test_nobody_behind_it_waits_longer_than_its_tier_has_everybody_wait(seconds: float) -> None:
    tier, wait = queue_wait(seconds, WAITS)
    assert wait <= WAITS[tier]
    assert wait <= seconds
    assert tier is Tier.SHORT or WAITS[tier] <= QUEUED_STRETCH * seconds
    assert tier is Tier.LONG or seconds < WAITS[Tier.LONG]


def test_the_turns_of_a_long_queue_are_spread_over_the_tiers() -> None:
    outs = [_later(RECORD, RetryClass.QUEUED, seconds) for seconds in (0, 5, 29, 149, 200, 1000, 4000)]
    assert [out.topic.rpartition(".")[2] for out in outs] == [
        "short", "short", "short", "short", "medium", "medium", "long",
    ]  # fmt: skip
    times = [not_before(_read(out)) for out in outs]
    assert times == [NOW + timedelta(seconds=each) for each in (0, 5, 29, 30, 200, 300, 3600)]


def test_without_an_estimate_it_is_looked_at_again_at_once() -> None:
    out = _later(RECORD, RetryClass.QUEUED)
    assert (out.topic, not_before(_read(out))) == ("fetcher.retry.short", NOW)
