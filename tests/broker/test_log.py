"""The log of a partition: offsets, reads, segments, times, and what is left after damage."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_standalone.broker.batch import HEADER_BYTES, split
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.log import PartitionLog
from copydesk_standalone.broker.markers import Ending, marker

from .batches import batch, read


def append(log: PartitionLog, data: bytes) -> int:
    return log.append(split(memoryview(data), 1 << 30))


def read_all(log: PartitionLog, max_bytes: int = 1 << 20) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    offset = log.start_offset
    while data := log.read(offset, max_bytes):
        records = [record for record in read(data) if record[0] >= offset]
        assert records, "a read that makes no progress"
        found += records
        offset = records[-1][0] + 1
    return found


@contextmanager
def opened(folder: Path, segment_bytes: int = 1 << 20) -> Iterator[PartitionLog]:
    log = PartitionLog(folder, segment_bytes)
    try:
        yield log
    finally:
        log.close()


def values(count: int, size: int = 8) -> list[bytes]:
    return [str(number).encode().rjust(size) for number in range(count)]


def test_records_come_back_with_their_offsets(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert append(log, batch([b"a", b"b"])) == 0
        assert append(log, batch([b"c"])) == 2
        assert log.next_offset == 3
        assert read_all(log) == [(0, b"a"), (1, b"b"), (2, b"c")]


def test_several_batches_in_one_append(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert append(log, batch([b"a", b"b"]) + batch([b"c"])) == 0
        assert read_all(log) == [(0, b"a"), (1, b"b"), (2, b"c")]


def test_an_offset_inside_a_batch_gets_the_whole_batch(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, batch([b"a", b"b", b"c"]))
        append(log, batch([b"d"]))
        assert [offset for offset, _ in read(log.read(1, 1 << 20))] == [0, 1, 2, 3]
        assert [offset for offset, _ in read(log.read(3, 1 << 20))] == [3]


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=60), st.integers(1, 50_000), st.data())
def test_every_read_is_whole_batches_from_the_offset(sizes: list[int], max_bytes: int, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder, opened(Path(folder), 40_000) as log:
        for size in sizes:
            append(log, batch([bytes(size), b"x"]))
        offset = data.draw(st.integers(0, log.next_offset - 1))
        got = log.read(offset, max_bytes)
        offsets = [found for found, _ in read(got)]
        assert offsets == list(range(offset - offset % 2, offsets[-1] + 1))
        assert len(got) <= max_bytes or len(offsets) == 2
        assert log.available(offset) >= len(got)


def test_the_end_is_empty_and_beyond_it_is_an_error(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, batch([b"a"]))
        assert log.read(1, 100) == b""
        assert log.available(1) == 0
        for offset in (-1, 2):
            with pytest.raises(KafkaError) as raised:
                log.read(offset, 100)
            assert raised.value.code is Code.OFFSET_OUT_OF_RANGE


def test_segments_roll_and_are_found_again(tmp_path: Path) -> None:
    with opened(tmp_path, 2_000) as log:
        for value in values(100, 100):
            append(log, batch([value]))
    assert len(list(tmp_path.glob("*.log"))) > 5
    with opened(tmp_path, 2_000) as log:
        assert read_all(log) == list(enumerate(values(100, 100)))
        assert append(log, batch([b"next"])) == 100
        assert log.size == sum(path.stat().st_size for path in tmp_path.glob("*.log"))


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_time_look_up_finds_the_record(tmp_path: Path, codec: str) -> None:
    with opened(tmp_path, 3_000) as log:
        for start in range(0, 100, 10):
            append(log, batch(values(10, 60), timestamps=[1_000 + start + i for i in range(10)], codec=codec))
        assert log.at_timestamp(0) == (0, 1_000)
        assert log.at_timestamp(1_057) == (57, 1_057)
        assert log.at_timestamp(1_099) == (99, 1_099)
        assert log.at_timestamp(1_100) is None
        assert log.newest() == (99, 1_099)


def test_time_look_up_with_times_out_of_order(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, batch([b"a", b"b"], timestamps=[50, 90]))
        append(log, batch([b"c"], timestamps=[10]))
        append(log, batch([b"d"], timestamps=[95]))
        assert log.at_timestamp(60) == (1, 90)
        assert log.at_timestamp(91) == (3, 95)
        assert log.newest() == (3, 95)


def test_a_zstd_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, batch([bytes(40 << 20), b"x"], timestamps=[5, 6], codec="zstd"))
        assert log.at_timestamp(6) == (0, 6)


def test_an_empty_log_has_no_times(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert log.at_timestamp(0) is None
        assert log.newest() is None


def test_an_append_calls_who_waits(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        seen: list[int] = []
        log.waiters.add(lambda: seen.append(log.next_offset))
        append(log, batch([b"a"]))
        assert seen == [1]


BATCHES = [batch(values(count, 20), timestamps=range(count)) for count in (1, 3, 2, 5, 1, 4)]
ENDS = [sum(map(len, BATCHES[: number + 1])) for number in range(len(BATCHES))]
RECORDS = [0, 1, 4, 6, 11, 12, 16]


def written(folder: Path) -> Path:
    with opened(folder) as log:
        for data in BATCHES:
            append(log, data)
    return next(folder.glob("*.log"))


def whole_batches_before(position: int) -> int:
    return sum(end <= position for end in ENDS)


@given(st.integers(0, ENDS[-1]))
def test_a_torn_tail_is_cut(length: int) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder))
        os.truncate(path, length)
        survived = whole_batches_before(length)
        with opened(Path(folder)) as log:
            assert log.next_offset == RECORDS[survived]
            assert len(read_all(log)) == RECORDS[survived]
            assert path.stat().st_size == ([0, *ENDS])[survived]
            assert append(log, batch([b"after"])) == RECORDS[survived]
        with opened(Path(folder)) as log:
            assert read_all(log)[-1] == (RECORDS[survived], b"after")


@given(st.integers(0, ENDS[-1] - 1), st.integers(1, 255))
def test_nothing_from_a_damaged_byte_on_is_served(position: int, flip: int) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder))
        data = bytearray(path.read_bytes())
        data[position] ^= flip
        path.write_bytes(data)
        number = whole_batches_before(position)
        with opened(Path(folder)) as log:
            served = read_all(log)
        assert len(served) == RECORDS[number]


@given(st.binary(min_size=1, max_size=300))
def test_garbage_after_the_end_is_cut(garbage: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder))
        with path.open("ab") as file:
            file.write(garbage)
        with opened(Path(folder)) as log:
            assert log.next_offset == RECORDS[-1]
        assert path.stat().st_size == ENDS[-1]


def test_what_is_cut_is_said_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path)
    os.truncate(path, ENDS[-1] - 1)
    with opened(tmp_path):
        pass
    assert len(caplog.records) == 1
    assert str(path) in caplog.messages[0]
    assert "offset 12" in caplog.messages[0]


def test_segments_after_a_damaged_one_are_set_aside(tmp_path: Path) -> None:
    with opened(tmp_path, 1_000) as log:
        for value in values(40, 100):
            append(log, batch([value]))
    paths = sorted(tmp_path.glob("*.log"))
    data = bytearray(paths[1].read_bytes())
    data[-1] ^= 1
    paths[1].write_bytes(data)
    with opened(tmp_path, 1_000) as log:
        assert log.next_offset < 40
        assert read_all(log) == list(enumerate(values(40, 100)))[: log.next_offset]
    assert len(list(tmp_path.glob("*.cut"))) == len(paths) - 2


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as log:
        append(log, batch([b"a"]))
        size = log.size

        def half_then_full(descriptor: int, buffers: tuple[bytes, ...], position: int) -> int:
            os.pwrite(descriptor, b"".join(buffers)[:30], position)
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr(os, "pwritev", half_then_full)
        with pytest.raises(OSError, match="no space"):
            append(log, batch([b"b"]))
        monkeypatch.undo()
        assert next(tmp_path.glob("*.log")).stat().st_size == size
        assert append(log, batch([b"c"])) == 1
        assert read_all(log) == [(0, b"a"), (1, b"c")]


def test_a_write_in_two_parts_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def some(descriptor: int, buffers: tuple[bytes, ...], position: int) -> int:
        return os.pwrite(descriptor, b"".join(buffers)[:10], position)

    monkeypatch.setattr(os, "pwritev", some)
    with opened(tmp_path) as log:
        append(log, batch([b"a"]))
        append(log, batch([b"b"]))
        assert read_all(log) == [(0, b"a"), (1, b"b")]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: data[:-1], Code.CORRUPT_MESSAGE),
        (lambda data: data[:30], Code.CORRUPT_MESSAGE),
        (lambda data: data[:-1] + b"!", Code.CORRUPT_MESSAGE),
        (lambda data: data + data[:20], Code.CORRUPT_MESSAGE),
        (lambda data: data[:16] + b"\x01" + data[17:], Code.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (lambda data: data[:8] + b"\xff\xff\xff\xff" + data[12:], Code.CORRUPT_MESSAGE),
        (lambda _: b"", Code.INVALID_RECORD),
        (lambda _: batch([b"a"], transactional=True), Code.INVALID_RECORD),
        (lambda _: bytes(marker(7, 0, Ending.ABORT, 0)[1]), Code.INVALID_RECORD),
        (lambda _: batch([b"a"], producer=(7, -1, 0)), Code.INVALID_RECORD),
        (lambda _: batch([bytes(200)]), Code.MESSAGE_TOO_LARGE),
    ],
)
def test_bad_batches_are_refused(damage: object, code: Code) -> None:
    assert callable(damage)
    data = damage(batch([b"some value"]))
    with pytest.raises(KafkaError) as raised:
        split(memoryview(data), HEADER_BYTES + 100)
    assert raised.value.code is code
