"""Resent batches are stored once; gaps and old epochs are refused; all of it survives a restart."""

from pathlib import Path

import pytest

from copydesk_standalone.broker.batch import read_header
from copydesk_standalone.broker.broker import ProducerIds
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.producers import MAX_PRODUCERS, Producers

from .batches import batch
from .test_log import append, opened, read_all

PRODUCER = 4_000


def sent(sequence: int, count: int = 2, epoch: int = 0, producer: int = PRODUCER) -> bytes:
    return batch([b"%d" % (sequence + i) for i in range(count)], producer=(producer, epoch, sequence))


def test_a_resent_batch_keeps_its_offset(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        offsets = [append(log, sent(sequence)) for sequence in (0, 2, 4, 6, 8)]
        assert [append(log, sent(sequence)) for sequence in (0, 2, 4, 6, 8)] == offsets
        assert log.next_offset == 10


def test_batches_beyond_the_last_five_are_not_known_any_more(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for sequence in range(0, 12, 2):
            append(log, sent(sequence))
        assert append(log, sent(2)) == 2
        with pytest.raises(KafkaError) as raised:
            append(log, sent(0))
        assert raised.value.code is Code.OUT_OF_ORDER_SEQUENCE


@pytest.mark.parametrize("sequence", [1, 3, 100])
def test_a_gap_is_refused(tmp_path: Path, sequence: int) -> None:
    with opened(tmp_path) as log:
        append(log, sent(0))
        with pytest.raises(KafkaError) as raised:
            append(log, sent(sequence))
        assert raised.value.code is Code.OUT_OF_ORDER_SEQUENCE
        assert log.next_offset == 2


def test_epochs_only_go_up_and_start_at_sequence_zero(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, sent(0))
        with pytest.raises(KafkaError) as raised:
            append(log, sent(2, epoch=1))
        assert raised.value.code is Code.OUT_OF_ORDER_SEQUENCE
        assert append(log, sent(0, epoch=1)) == 2
        with pytest.raises(KafkaError) as raised:
            append(log, sent(2, epoch=0))
        assert raised.value.code is Code.INVALID_PRODUCER_EPOCH


def test_producers_do_not_disturb_each_other(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert [append(log, sent(0, producer=number)) for number in (1, 2, 1, 2)] == [0, 2, 0, 2]


def test_a_producer_that_is_not_known_may_start_anywhere(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert append(log, sent(40)) == 0
        assert append(log, sent(42)) == 2


def test_the_sequence_wraps(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, sent(2**31 - 2))
        assert append(log, sent(0)) == 2


def test_the_state_is_rebuilt_from_the_log(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for sequence in (0, 2, 4):
            append(log, sent(sequence))
    with opened(tmp_path) as log:
        assert append(log, sent(4)) == 4
        with pytest.raises(KafkaError):
            append(log, sent(8))
        assert append(log, sent(6)) == 6
        assert [value for _, value in read_all(log)] == [b"%d" % n for n in range(8)]


def test_plain_producers_are_not_tracked(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert [append(log, batch([b"same"])) for _ in range(3)] == [0, 1, 2]


def test_the_producers_remembered_are_bounded() -> None:
    producers = Producers()
    for number in range(MAX_PRODUCERS + 1):
        producers.remember(read_header(sent(0, producer=number)), 0)
    assert producers.check(read_header(sent(0, producer=0))) is None
    assert producers.check(read_header(sent(0, producer=1))) == 0


def test_producer_ids_never_repeat(tmp_path: Path) -> None:
    path = tmp_path / "ids.json"
    given: list[int] = []
    for _ in range(3):
        ids = ProducerIds(path)
        given += [ids.allocate() for _ in range(1_500)]
    assert len(set(given)) == len(given)
