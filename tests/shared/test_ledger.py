from copydesk_shared.ledger import MOST_BYTES, MOST_RECORDS, Lag, Ledger
from copydesk_shared.log import Record
from copydesk_shared.testing import MemoryBroker, MemoryLog

HERE, THERE = ("t", 0), ("t", 1)


def _record(offset: int, size: int = 1, partition: int = 0) -> Record:
    return Record("t", partition, offset, b"k", b"v" * size)


def _finish(ledger: Ledger, *records: Record) -> None:
    for record in records:
        taken = ledger.take(record)
        assert taken is not None
        taken.window.started += 1
        taken.window.finish(record.offset, taken.size)


def test_a_record_whose_partition_was_taken_away_on_its_way_is_not_taken() -> None:
    """It would have a window of its own, and committing for a partition that is not ours fails for all of them."""
    ledger = Ledger("test")
    ledger.assign([HERE])
    assert ledger.take(_record(0, partition=1)) is None
    assert ledger.partitions() == {HERE}
    ledger.forget([HERE])
    assert ledger.take(_record(0)) is None


def test_what_is_taken_is_bounded_in_number_and_in_bytes() -> None:
    ledger = Ledger("test")
    ledger.assign([HERE])
    taken = [ledger.take(_record(offset)) for offset in range(MOST_RECORDS)]
    assert ledger.room() == 0
    for each in taken[: MOST_RECORDS // 2 + 1]:
        assert each is not None
        each.window.finish(each.record.offset, each.size)
    assert ledger.room() == MOST_RECORDS // 2 + 1
    ledger.assign([HERE])
    ledger.take(_record(0, MOST_BYTES))
    assert ledger.room() == 0


def test_records_that_hands_hold_for_long_keep_no_others_from_being_taken() -> None:
    ledger = Ledger("test", hands=5000)
    ledger.assign([HERE])
    taken = [ledger.take(_record(offset)) for offset in range(5000 + MOST_RECORDS)]
    assert ledger.room() == 0
    for each in taken[5000 : 5000 + MOST_RECORDS // 2 + 1]:
        assert each is not None
        each.window.finish(each.record.offset, each.size)
    assert ledger.room() == MOST_RECORDS // 2 + 1


async def test_only_the_finished_prefix_of_each_partition_is_committed() -> None:
    broker = MemoryBroker()
    log = MemoryLog(broker, "g", {HERE: 0, THERE: 0})
    ledger = Ledger("test")
    ledger.assign([HERE, THERE])
    first = ledger.take(_record(0))
    _finish(ledger, _record(1), _record(5, partition=1))
    assert await ledger.commit(log, now=True)
    assert broker.committed == {("g", THERE): 6}
    assert first is not None
    first.window.finish(0, first.size)
    assert not await ledger.commit(log)
    assert await ledger.commit(log, now=True)
    assert broker.committed["g", HERE] == 2


def test_after_a_restart_it_is_read_from_the_first_unfinished_record_on() -> None:
    ledger = Ledger("test")
    ledger.assign([HERE, THERE])
    _finish(ledger, _record(3))
    old = ledger.take(_record(4))
    _finish(ledger, _record(5))
    assert ledger.restart() == {HERE: 4}
    assert old is not None
    assert old.window.broken
    assert len(ledger) == 0
    assert ledger.lags({HERE: (4, 10), THERE: (7, 7)}) == {HERE: Lag(6, 0.0), THERE: Lag(0, 0.0)}
