"""Compaction: the last record of each key stays, readers find rising offsets, and a kill in between costs nothing."""

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_standalone.broker.batch import end_offset, read_header
from copydesk_standalone.broker.compaction import Facts, Pass, StoppedError, Written
from copydesk_standalone.broker.log import PartitionLog
from copydesk_standalone.broker.markers import Ending

from .batches import CODECS, batch, read
from .test_log import append, opened

NOW = 1_700_000_000_000
DAY = 24 * 3_600_000

Keyed = tuple[bytes | None, bytes | None]


@dataclass(frozen=True)
class Found:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def keyed(
    records: Sequence[Keyed],
    *,
    codec: str = "none",
    producer: tuple[int, int, int] = (-1, -1, -1),
    timestamp: int = NOW,
    transactional: bool = False,
) -> bytes:
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], int(transactional), *producer, 1 << 30)
    for number, (key, value) in enumerate(records):
        builder.append(number, timestamp + number, key, value, [("h", b"%d" % number)])
    return bytes(builder.build())


def found_in(data: bytes) -> list[Found]:
    records = MemoryRecords(bytes(data))
    found = []
    while (next_batch := records.next_batch()) is not None:
        assert next_batch.validate_crc()
        if not next_batch.is_control_batch:
            found += [
                Found(r.offset, r.timestamp, r.key and bytes(r.key), r.value and bytes(r.value), tuple(r.headers))
                for r in next_batch
            ]
    return found


def everything(log: PartitionLog, offset: int | None = None) -> list[Found]:
    """All that a reader finds from ``offset`` on, moving on as clients do: by the batches it was given."""
    found: list[Found] = []
    offset = log.start_offset if offset is None else offset
    while data := log.read(offset, 300):
        found += [record for record in found_in(data) if record.offset >= offset]
        assert end_offset(data) > offset
        offset = end_offset(data)
    return found


def facts_of(log: PartitionLog, now_ms: int = NOW, **changes: object) -> Facts:
    facts = Facts(now_ms, DAY, tuple(log.isolation.aborts()), log.producers.newest_batches(0))
    return replace(facts, **changes)  # type: ignore[arg-type]


async def compact(log: PartitionLog, facts: Facts, segment_bytes: int = 1 << 20) -> list[Written]:
    closed = log.segments()[:-1]
    clean = sum(segment.end_offset is not None for segment in closed)
    work = Pass(closed, clean, log.end_of(len(closed) - 1), facts)
    work.mark()
    done = []
    for first, end, _ in work.groups(segment_bytes):
        written = work.rewrite(first, end)
        if written is not None:
            assert await log.replace(written.sources, written.segment, written.dropped_markers)
            done.append(written)
    return done


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def compacted_file(folder: Path) -> Path:
    return next(folder.glob("*-*.log"))


def last_of_each(records: Sequence[Found]) -> dict[bytes | None, Found]:
    return {record.key: record for record in records}


async def test_the_last_record_of_each_key_stays_where_it_was(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        for number in range(6):
            append(log, keyed([(b"a", b"%d" % number), (b"b%d" % number, b"x")]))
        before = everything(log)
        await compact(log, facts_of(log))
        assert [(r.offset, r.key, r.value) for r in everything(log)] == [
            *((2 * number + 1, b"b%d" % number, b"x") for number in range(4)),
            *((r.offset, r.key, r.value) for r in before[8:]),
        ]
        assert set(everything(log)) <= set(before), "headers and times stay as they were"
        assert log.next_offset == 12
        assert len(log.segments()) == 2


@pytest.mark.parametrize("codec", CODECS)
async def test_every_codec_is_rewritten(tmp_path: Path, codec: str) -> None:
    with opened(tmp_path, 1) as log:
        append(log, keyed([(b"a", b"old" * 100), (b"b", b"kept" * 100), (b"c", None)], codec=codec))
        append(log, keyed([(b"a", b"new")], codec=codec))
        append(log, keyed([(b"z", b"active")], codec=codec))
        await compact(log, facts_of(log))
        assert [(r.offset, r.key, r.value) for r in everything(log)] == [
            (1, b"b", b"kept" * 100),
            (2, b"c", None),
            (3, b"a", b"new"),
            (4, b"z", b"active"),
        ]
        assert [r.timestamp - NOW for r in everything(log)] == [1, 2, 0, 0]
        assert read_header(log.read(0, 1)).attributes & 7 == CODECS[codec]


async def test_a_tombstone_stays_its_time(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        append(log, keyed([(b"a", b"1")]))
        append(log, keyed([(b"a", None), (b"b", b"2")]))
        append(log, keyed([(b"z", b"active")]))
        await compact(log, facts_of(log))
        assert [(r.offset, r.key) for r in everything(log)] == [(1, b"a"), (2, b"b"), (3, b"z")]
        await compact(log, facts_of(log, NOW + DAY - 1))
        assert [(r.offset, r.key) for r in everything(log)] == [(1, b"a"), (2, b"b"), (3, b"z")]
    with opened(tmp_path, 1) as log:
        assert log.segments()[0].horizon == NOW + DAY
        await compact(log, facts_of(log, NOW + DAY))
        assert [(r.offset, r.key, r.timestamp) for r in everything(log)] == [(2, b"b", NOW + 1), (3, b"z", NOW)]


async def test_what_has_no_key_goes_and_what_cannot_be_read_stays(tmp_path: Path) -> None:
    garbage = bytearray(keyed([(b"a", b"x")], codec="zstd"))
    garbage[61:] = b"!" * (len(garbage) - 61)
    garbage[17:21] = crc32c(bytes(garbage[21:])).to_bytes(4, "big")
    with opened(tmp_path, 1) as log:
        append(log, batch([b"no key"]))
        append(log, bytes(garbage))
        append(log, keyed([(b"a", b"y")]))
        await compact(log, facts_of(log))
        assert read_header(log.read(0, 1)).base_offset == 1
        assert log.read(0, 1)[61:] == garbage[61:]


async def test_the_last_batch_of_a_producer_stays_known(tmp_path: Path) -> None:
    def resent(log: PartitionLog) -> int:
        return append(log, keyed([(b"a", b"1")], producer=(7, 0, 1)))

    with opened(tmp_path, 1) as log:
        append(log, keyed([(b"a", b"0")], producer=(7, 0, 0)))
        append(log, keyed([(b"a", b"1")], producer=(7, 0, 1)))
        append(log, keyed([(b"a", b"2")]))
        append(log, keyed([(b"z", b"active")]))
        await compact(log, facts_of(log))
        assert [r.value for r in everything(log)] == [b"2", b"active"]
        assert resent(log) == 1
    with opened(tmp_path, 1) as log:
        assert resent(log) == 1
        assert log.at_timestamp(NOW) == log.newest() == (2, NOW), "a batch without records has no time"
        append(log, keyed([(b"z", b"more")]))
        await compact(log, facts_of(log, newest=frozenset()))
        assert read_header(log.read(0, 1)).base_offset == 2


async def test_aborted_records_supersede_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        append(log, keyed([(b"a", b"committed")]))
        append(log, keyed([(b"a", b"aborted")], producer=(7, 0, 0), transactional=True))
        log.mark(7, 0, Ending.ABORT, NOW)
        append(log, keyed([(b"b", b"old")], producer=(8, 0, 0), transactional=True))
        append(log, keyed([(b"b", b"new")], producer=(8, 0, 1), transactional=True))
        log.mark(8, 0, Ending.COMMIT, NOW)
        append(log, keyed([(b"z", b"active")]))
        await compact(log, facts_of(log, newest=frozenset()))
        assert [r.value for r in everything(log)] == [b"committed", b"new", b"active"]
        assert log.isolation.aborts() != [], "its marker is young"
        await compact(log, facts_of(log, NOW + DAY, newest=frozenset()))
        assert log.isolation.aborts() == []
        assert log.last_stable_offset == log.next_offset
    with opened(tmp_path, 1) as log:
        assert log.last_stable_offset == log.next_offset, "the marker of what is left is there"
        assert [r.value for r in everything(log)] == [b"committed", b"new", b"active"]


@pytest.mark.parametrize("max_keys", [1, 3, 10_000])
async def test_more_keys_than_fit_are_done_in_shares(tmp_path: Path, max_keys: int) -> None:
    with opened(tmp_path, 1_500) as log:
        for number in range(60):
            append(log, keyed([(b"%d" % (number * 7 % 20 + i), b"%d" % number) for i in range(3)]))
        expected = last_of_each(everything(log))
        closed_to = log.segments()[-1].base_offset
        await compact(log, facts_of(log, max_keys=max_keys))
        left = [record for record in everything(log) if record.offset < closed_to]
        assert len({record.key for record in left}) == len(left)
        assert last_of_each(everything(log)) == expected


async def test_a_pass_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    with opened(tmp_path, 1) as log:
        for number in range(4):
            append(log, keyed([(b"a", b"%d" % number)]))
        before = files(tmp_path)
        work = Pass(log.segments()[:-1], 0, 3, facts_of(log, stop=stop))
        work.mark()
        stop.set()
        with pytest.raises(StoppedError):
            work.rewrite(0, 3)
        assert files(tmp_path) == before


KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b""])
RECORDS = st.lists(st.tuples(KEYS, st.none() | st.sampled_from([b"", b"1", b"2", b"x" * 90])), min_size=1, max_size=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), RECORDS, st.sampled_from(sorted(CODECS))),
        st.tuples(st.just("compact"), st.integers(0, 2 * DAY), st.sampled_from([1, 2, 10_000])),
        st.tuples(st.just("reopen")),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(STEPS, st.sampled_from([1, 300, 1_000]), st.data())
async def test_no_key_is_lost_or_comes_back(
    steps: list[tuple[object, ...]], segment_bytes: int, data: st.DataObject
) -> None:
    """Against a model that keeps every record: what a reader ends up knowing is the same."""
    with TemporaryDirectory() as folder:
        written: list[Found] = []
        now, sequence = NOW, 0
        log = PartitionLog(Path(folder), segment_bytes)
        for step in steps:
            match step:
                case ("append", records, codec):
                    assert isinstance(records, list)
                    first = append(log, keyed(records, codec=str(codec), producer=(7, 0, sequence), timestamp=now))
                    assert first == len(written)
                    sequence += len(records)
                    written += [
                        Found(first + i, now + i, key, value, (("h", b"%d" % i),))
                        for i, (key, value) in enumerate(records)
                    ]
                case ("compact", later, max_keys) if len(log.segments()) > 1:
                    assert isinstance(later, int)
                    now += later
                    await compact(log, facts_of(log, now, max_keys=max_keys), segment_bytes)
                case ("reopen",):
                    log.close()
                    log = PartitionLog(Path(folder), segment_bytes)
            seen = everything(log)
            assert set(seen) <= set(written)
            assert [record.offset for record in seen] == sorted({record.offset for record in seen})
            known = {key: r.value for key, r in last_of_each(seen).items() if r.value is not None}
            assert known == {key: r.value for key, r in last_of_each(written).items() if r.value is not None}
            offset = data.draw(st.integers(0, log.next_offset))
            assert everything(log, offset) == [record for record in seen if record.offset >= offset]
        assert log.next_offset == len(written)
        log.close()


# A kill at each step of the swap


def aside(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    name, content = next((n, c) for n, c in new.items() if "-" in n and n not in old)
    (folder / f"{name}.aside").write_bytes(content)


def half_aside(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    aside(folder, old, new)
    path = next(folder.glob("*.aside"))
    os.truncate(path, path.stat().st_size // 2)


def renamed(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    for name, content in new.items():
        (folder / name).write_bytes(content)
    for name, content in old.items():
        if name not in new:
            (folder / name).write_bytes(content)


def one_removed(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    renamed(folder, old, new)
    (folder / min(old)).unlink()


@pytest.mark.parametrize("state", [aside, half_aside, renamed, one_removed])
@pytest.mark.parametrize("passes_before", [0, 1])
async def test_a_kill_leaves_the_old_or_the_new(
    tmp_path: Path, state: Callable[[Path, dict[str, bytes], dict[str, bytes]], None], passes_before: int
) -> None:
    folder = tmp_path / "0"
    with opened(folder, 200) as log:
        for number in range(10):
            append(log, keyed([(b"a", b"%d" % number), (b"k%d" % (number % 3), b"x" * 50)]))
        for _ in range(passes_before):
            await compact(log, facts_of(log), 400)
            append(log, keyed([(b"a", b"later"), (b"k1", b"y" * 50)]))
            append(log, keyed([(b"a", b"last"), (b"k2", b"z" * 50)]))
        expected = everything(log)
        old = {path.name: path.read_bytes() for path in folder.iterdir()}
        await compact(log, facts_of(log))
        compacted = everything(log)
        new = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert compacted != expected
    shutil.rmtree(folder)
    folder.mkdir()
    for name, content in old.items():
        (folder / name).write_bytes(content)
    state(folder, old, new)
    with opened(folder, 200) as log:
        assert everything(log) == (expected if "aside" in state.__name__ else compacted)
        assert not list(folder.glob("*.aside"))
        assert len(list(folder.iterdir())) == len(log.segments())
        assert append(log, keyed([(b"a", b"after")])) == expected[-1].offset + 1


async def test_damage_in_a_compacted_segment_cuts_the_log_there(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        for number in range(8):
            append(log, keyed([(b"%d" % number, b"x"), (b"a", b"y")]))
        await compact(log, facts_of(log))
    path = compacted_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for _ in range(2):
        with opened(tmp_path, 1) as log:
            keys = [record.key for record in everything(log)]
            assert keys[:6] == [b"%d" % number for number in range(6)]
            end = append(log, keyed([(b"new", b"z")]))
            assert everything(log)[-1].offset == end


async def test_bytes_of_another_segment_are_not_taken_for_compacted_ones(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        for number in range(8):
            append(log, keyed([(b"%d" % number, b"x")]))
        await compact(log, facts_of(log))
    path = compacted_file(tmp_path)
    size = path.stat().st_size
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(whole[:100])
    with opened(tmp_path, 1) as log:
        assert len(everything(log)) == 7
        assert compacted_file(tmp_path).stat().st_size == size
    assert len(read(whole)) == 7
