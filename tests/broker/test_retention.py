"""Records that expire by time or size, records that are deleted, and offsets of groups that nobody is in any more."""

import asyncio
import errno
import logging
import os
import shutil
import threading
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from copydesk_shared.topics import ALL_TOPICS, AnyTopic
from copydesk_standalone.broker import janitor as janitor_module
from copydesk_standalone.broker.broker import Broker, Options
from copydesk_standalone.broker.groups import Join
from copydesk_standalone.broker.janitor import Janitor
from copydesk_standalone.broker.log import PartitionLog
from copydesk_standalone.broker.markers import Ending
from copydesk_standalone.broker.offsets import RETENTION_MS, Committed, Offsets
from copydesk_standalone.broker.registry import Topic
from copydesk_standalone.broker.retention import count_expired

from .batches import batch
from .test_compaction import NOW, everything, keyed
from .test_log import append, opened, read_all

HOUR = 3_600_000


def hourly(log: PartitionLog, count: int) -> None:
    """A record an hour, the last one at ``NOW``."""
    for number in range(count):
        append(log, batch([b"%d" % number], timestamps=[NOW - (count - 1 - number) * HOUR]))


@pytest.mark.parametrize(
    ("retention_ms", "retention_bytes", "expired"),
    [
        (-1, -1, 0),
        (3 * HOUR, -1, 2),
        (3 * HOUR - 1, -1, 3),
        (100 * HOUR, -1, 0),
        (-1, 3 * 69, 3),
        (-1, 3 * 69 + 1, 2),
        (-1, 10**6, 0),
        (5 * HOUR, 69, 5),
        (0, -1, 5),
        (-1, 0, 6),
        (-1, -2, 0),
    ],
)
def test_what_has_expired(tmp_path: Path, retention_ms: int, retention_bytes: int, expired: int) -> None:
    with opened(tmp_path, 1) as log:
        hourly(log, 6)
        assert log.size == 6 * 69
        assert count_expired(log, NOW, retention_ms, retention_bytes) == expired


EXPIRING = [topic for topic in ALL_TOPICS if "retention.ms" in topic.config()]


@pytest.mark.parametrize("topic", EXPIRING, ids=lambda topic: str(topic.name))
def test_a_quiet_topic_of_ours_keeps_no_record_much_longer_than_it_says(tmp_path: Path, topic: AnyTopic) -> None:
    """A record an hour is a segment that is never full."""
    retention, written = int(topic.config()["retention.ms"]), int(topic.config()["segment.ms"])
    with closing(PartitionLog(tmp_path, segment_ms=written)) as log:
        hourly(log, 2 * (retention + written) // HOUR)
        kept = log.segments()[count_expired(log, NOW, retention, -1)].first_timestamp
    assert kept is not None
    assert retention <= NOW - kept <= retention + written + HOUR
    assert written <= max(retention / 12, HOUR)
    assert written <= 24 * HOUR


def test_a_newer_record_in_an_old_segment_keeps_what_follows(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        append(log, batch([b"a"], timestamps=[NOW - 9 * HOUR]))
        append(log, batch([b"b"], timestamps=[NOW]))
        append(log, batch([b"c"], timestamps=[NOW - 9 * HOUR]))
        assert count_expired(log, NOW, HOUR, -1) == 1


def test_records_without_time_are_as_old_as_their_file(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        append(log, batch([b"a"], timestamps=[-1]))
        append(log, batch([b"b"], timestamps=[-1]))
        os.utime(log.segments()[0].path, (NOW / 1000, NOW / 1000))
        assert count_expired(log, NOW + HOUR, HOUR, -1) == 0
        assert count_expired(log, NOW + HOUR + 1, HOUR, -1) == 1


async def test_a_log_whose_records_all_expired_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        hourly(log, 3)
        await log.drop(count_expired(log, NOW + 9 * HOUR, HOUR, -1))
        assert (log.start_offset, log.next_offset, log.size) == (3, 3, 0)
        assert count_expired(log, NOW + 9 * HOUR, HOUR, -1) == 0, "an empty segment does not expire"
    with opened(tmp_path, 1) as log:
        assert log.start_offset == 3
        assert append(log, batch([b"next"])) == 3


def test_nothing_of_an_open_transaction_expires(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        hourly(log, 2)
        append(log, keyed([(b"a", b"b")], producer=(7, 0, 0), transactional=True, timestamp=NOW - 9 * HOUR))
        append(log, batch([b"c"], timestamps=[NOW - 9 * HOUR]))
        assert count_expired(log, NOW + 9 * HOUR, HOUR, 0) == 2


def test_segments_roll_by_the_time_of_their_records(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.segment_ms = 2 * HOUR
        hourly(log, 8)
        assert [segment.base_offset for segment in log.segments()] == [0, 3, 6]
        append(log, batch([b"old"], timestamps=[5]))
        assert len(log.segments()) == 3


async def test_a_start_inside_a_segment_survives(tmp_path: Path) -> None:
    with opened(tmp_path, 150) as log:
        hourly(log, 9)
        await log.start_at(5)
        expected = read_all(log)
        assert expected[0] == (5, b"5")
        assert log.segments()[0].base_offset == 4
        assert log.at_timestamp(0) == (5, NOW - 3 * HOUR)
    with opened(tmp_path, 150) as log:
        assert log.start_offset == 5
        assert read_all(log) == expected
        await log.start_at(9)
    with opened(tmp_path, 150) as log:
        assert (log.start_offset, log.next_offset) == (9, 9)
        assert append(log, batch([b"next"])) == 9


async def test_a_log_that_lost_its_end_goes_on_after_its_start(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        hourly(log, 6)
        await log.start_at(5)
    os.truncate(tmp_path / f"{0:020d}.log", 70)
    for _ in range(2):
        with opened(tmp_path) as log:
            assert log.start_offset == 5
            append(log, batch([b"next"]))
            assert read_all(log)[0] == (5, b"next")


async def test_records_of_an_open_transaction_are_hidden_and_not_removed(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        hourly(log, 2)
        append(log, keyed([(b"a", b"b")], producer=(7, 0, 0), transactional=True))
        hourly(log, 2)
        await log.start_at(5)
        assert (log.start_offset, log.last_stable_offset) == (5, 5)
        assert [segment.base_offset for segment in log.segments()] == [2, 3, 4]
    with opened(tmp_path, 1) as log:
        assert (log.start_offset, log.next_offset) == (5, 5)
        log.mark(7, 0, Ending.COMMIT, NOW)
        assert append(log, batch([b"next"])) == 6
        assert log.last_stable_offset == log.next_offset == 7
        assert read_all(log)[-1] == (6, b"next")


async def test_files_that_go_are_closed(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as log:
        hourly(log, 5)
        force = log.pending()
        files = [weakref.ref(segment._file) for segment in log.segments()]
        await log.drop(3)
        assert len(list_of(tmp_path)) == 2
        force()
        del force
        assert [file() is None for file in files] == [True, True, True, False, False]


def list_of(folder: Path) -> list[Path]:
    return list(folder.iterdir())


# The janitor


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    broker = Broker(Options(tmp_path / "data"))
    yield broker
    broker.close()


def topic_of(broker: Broker, **settings: str) -> Topic:
    given: dict[str, str | None] = {name.replace("_", "."): value for name, value in settings.items()}
    return broker.topics.create("t", 1, {"segment.bytes": "1024", **given})


def filled(topic: Topic, *, count: int = 40, keys: int = 5) -> PartitionLog:
    log = topic.partitions[0]
    for number in range(count):
        append(log, keyed([(b"%d" % (number % keys), b"x" * 100)], timestamp=NOW + number))
    return log


async def test_a_sweep_expires_and_compacts(broker: Broker) -> None:
    topic = topic_of(broker, cleanup_policy="compact,delete", retention_ms=str(HOUR), min_cleanable_dirty_ratio="0.1")
    log = filled(topic)
    last = {record.key: record for record in everything(log)}
    await Janitor(broker).sweep(NOW)
    left = everything(log)
    assert len(left) < 15
    assert {record.key: record for record in left} == last
    assert log.start_offset == 0
    await Janitor(broker).sweep(NOW + 2 * HOUR)
    assert everything(log) == []
    assert log.start_offset == log.next_offset == 40


@pytest.mark.parametrize(
    ("settings", "is_compacted"),
    [
        ({"cleanup_policy": "compact"}, True),
        ({"cleanup_policy": "delete", "retention_ms": "-1"}, False),
        ({"cleanup_policy": "", "retention_ms": "1"}, False),
        ({"cleanup_policy": "compact", "min_cleanable_dirty_ratio": "1"}, False),
        ({"cleanup_policy": "compact", "min_cleanable_dirty_ratio": "1", "max_compaction_lag_ms": str(HOUR)}, True),
        ({"cleanup_policy": "compact", "min_compaction_lag_ms": str(9 * HOUR)}, False),
    ],
)
async def test_when_a_log_is_compacted(broker: Broker, settings: dict[str, str], is_compacted: bool) -> None:
    log = filled(topic_of(broker, **settings))
    await Janitor(broker).sweep(NOW + 2 * HOUR)
    assert (len(everything(log)) < 40) == is_compacted
    files = [segment.path for segment in log.segments()]
    await Janitor(broker).sweep(NOW + 2 * HOUR)
    assert [segment.path for segment in log.segments()] == files, "what is clean is left alone"


async def test_a_full_disk_is_left_alone(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = filled(topic_of(broker, cleanup_policy="compact"))
    before = everything(log)
    monkeypatch.setattr(janitor_module, "SPARE_BYTES", 1 << 62)
    await Janitor(broker).sweep(NOW)
    assert everything(log) == before
    assert "t-0: cannot clean" in caplog.text
    assert "left on the disk" in caplog.text


async def test_a_disk_that_fills_up_meanwhile_costs_nothing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = filled(topic_of(broker, cleanup_policy="compact"))
    before = everything(log)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    await Janitor(broker).sweep(NOW)
    monkeypatch.undo()
    assert everything(log) == before
    assert not list(log.folder.glob("*.aside"))
    assert "no space left" in caplog.text
    await Janitor(broker).sweep(NOW)
    assert len(everything(log)) < len(before)


async def test_a_topic_deleted_in_the_middle_is_nobodys_error(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topic_of(broker, cleanup_policy="compact")
    filled(topic)
    loop = asyncio.get_running_loop()
    usage = shutil.disk_usage

    def deleting(folder: Path) -> Any:
        done = threading.Event()
        loop.call_soon_threadsafe(broker.topics.delete, topic)
        loop.call_soon_threadsafe(done.set)
        assert done.wait(60)
        return usage(folder.parents[1])

    monkeypatch.setattr(shutil, "disk_usage", deleting)
    await Janitor(broker).sweep(NOW)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_records_deleted_during_a_pass_do_not_come_back(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(topic_of(broker, cleanup_policy="compact,delete", retention_ms="-1"))
    loop = asyncio.get_running_loop()
    usage = shutil.disk_usage

    async def delete() -> None:
        async with log.changing:
            await log.start_at(30)

    def deleting(folder: Path) -> Any:
        asyncio.run_coroutine_threadsafe(delete(), loop).result(10)
        return usage(folder)

    monkeypatch.setattr(shutil, "disk_usage", deleting)
    await Janitor(broker).sweep(NOW)
    assert log.start_offset == 30
    assert {record.offset for record in everything(log)} <= set(range(30, 40))
    assert not list(log.folder.glob("*.aside"))


# Groups


def test_offsets_of_idle_groups_expire(tmp_path: Path) -> None:
    path = tmp_path / "offsets"
    busy = {"g"}
    offsets = Offsets(path)
    offsets.commit("g", {("t", 0): Committed(5)})
    offsets.commit("h", {("t", 0): Committed(6)})
    offsets.close()
    offsets = Offsets(path)
    now = max(committed.committed_ms for committed in offsets.of("h").values()) + HOUR
    assert offsets.expire(now, busy.__contains__) == []
    assert offsets.idle_since == {"h": now}
    offsets.close()
    offsets = Offsets(path)
    assert offsets.expire(now + RETENTION_MS, busy.__contains__) == []
    assert offsets.expire(now + RETENTION_MS + 1, busy.__contains__) == ["h"]
    assert offsets.groups() == ["g"]
    assert offsets.expire(now + 9 * RETENTION_MS, set[str]().__contains__) == []
    assert offsets.expire(now + 9 * RETENTION_MS + 1, busy.__contains__) == []
    assert offsets.idle_since == {}, "its members came back"
    offsets.close()
    assert Offsets(path).groups() == ["g"]


def test_an_offset_that_was_committed_lately_stays(tmp_path: Path) -> None:
    offsets = Offsets(tmp_path / "offsets")
    offsets.commit("g", {("t", 0): Committed(5)})
    now = next(iter(offsets.of("g").values())).committed_ms
    nobody = set[str]().__contains__
    offsets.expire(now - 9 * RETENTION_MS, nobody)
    assert offsets.expire(now + RETENTION_MS, nobody) == []
    assert offsets.expire(now + RETENTION_MS + 1, nobody) == ["g"]
    offsets.close()


async def test_an_expired_group_is_gone(broker: Broker) -> None:
    broker.offsets.commit("g", {("t", 0): Committed(5)})
    join = Join("consumer", {"range": b""}, 6, 6)
    for group in ("g", "h"):
        joined = await broker.groups.join(group, "", join, id_required=False, can_skip=False)
        broker.groups.leave(group, joined.member_id, None)
    now = next(iter(broker.offsets.of("g").values())).committed_ms
    janitor = Janitor(broker)
    janitor.expire_groups(now)
    assert broker.offsets.groups() == [group.id for group in broker.groups.groups()] == ["g"]
    janitor.expire_groups(now + RETENTION_MS + 1)
    assert broker.offsets.groups() == []
    assert broker.groups.groups() == []


def test_a_journal_that_cannot_be_shortened_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    offsets = Offsets(tmp_path / "offsets", compact_above=500)
    monkeypatch.setattr(os, "fsync", full)
    for number in range(20):
        offsets.commit("g", {("t", 0): Committed(number)})
    monkeypatch.undo()
    assert "cannot shorten" in caplog.text
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["offsets"]
    for number in range(200):
        offsets.commit("g", {("t", 0): Committed(number)})
    offsets.close()
    assert (tmp_path / "offsets").stat().st_size < 5_000
    assert Offsets(tmp_path / "offsets").of("g") == {("t", 0): Committed(199)}


# Forced writes
