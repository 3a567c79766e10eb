"""State files: replaced whole, journals recovered, offsets and topics kept."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_standalone.broker import registry as registry_module
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.files import Journal, UnusableError, read_json, write_json
from copydesk_standalone.broker.offsets import Committed, Offsets
from copydesk_standalone.broker.registry import Registry

from .batches import batch
from .test_log import append


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"a": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_json(path, {"a": 2})
    assert read_json(path) == {"a": 1}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{")
    with pytest.raises(UnusableError, match=r"state\.json is damaged"):
        read_json(path)


def replayed(path: Path) -> list[bytes]:
    journal = Journal(path)
    entries = list(journal.replay())
    journal.close()
    return entries


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=10), st.data())
def test_a_journal_keeps_what_was_whole(entries: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        journal = Journal(path)
        ends = []
        for entry in entries:
            journal.append(entry)
            ends.append(journal.size)
        journal.close()
        length = data.draw(st.integers(0, ends[-1]))
        os.truncate(path, length)
        whole = sum(end <= length for end in ends)
        assert replayed(path) == entries[:whole]
        assert replayed(path) == entries[:whole]


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=10), st.data())
def test_a_journal_serves_nothing_after_damage(entries: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        journal = Journal(path)
        journal.rewrite(entries)
        journal.close()
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= 0x55
        path.write_bytes(content)
        survived = replayed(path)
        assert survived == entries[: len(survived)]
        assert sum(len(entry) + 8 for entry in survived) <= position


def test_offsets_survive(tmp_path: Path) -> None:
    path = tmp_path / "offsets"
    offsets = Offsets(path)
    offsets.commit("g", {("t", 0): Committed(5), ("t", 1): Committed(7, 0, "naïve")})
    offsets.commit("g", {("t", 0): Committed(6)})
    offsets.commit("h", {("u", 0): Committed(1)})
    offsets.forget("h")
    offsets.commit("i", {("t", 0): Committed(1), ("u", 0): Committed(2)})
    offsets.forget_topic("u")
    # No close: a kill gives no chance to.
    again = Offsets(path)
    assert again.of("g") == {("t", 0): Committed(6), ("t", 1): Committed(7, 0, "naïve")}
    assert again.groups() == ["g", "i"]
    assert again.of("i") == {("t", 0): Committed(1)}
    offsets.close()
    again.close()


def test_the_offsets_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "offsets"
    offsets = Offsets(path, compact_above=2_000)
    for number in range(2_000):
        offsets.commit("g", {("t", number % 3): Committed(number)})
    assert path.stat().st_size < 4_000
    offsets.close()
    again = Offsets(path)
    assert again.of("g") == {("t", n % 3): Committed(n) for n in (1_997, 1_998, 1_999)}
    again.close()


def test_topics_survive_with_their_settings_and_records(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    topic = registry.create("news", 2, {"cleanup.policy": "compact"})
    append(topic.log(1), batch([b"a"]))
    registry.grow("news", 3)
    registry.close()
    again = Registry(tmp_path)
    found = again.find("news")
    assert (found.id, found.settings, len(found.partitions)) == (topic.id, {"cleanup.policy": "compact"}, 3)
    assert [log.next_offset for log in found.partitions] == [0, 1, 0]
    assert again.find(None, topic.id) is found
    again.close()


def test_a_topic_made_again_is_empty_even_after_a_kill_during_deletion(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    topic = registry.create("news", 1, {})
    append(topic.log(0), batch([b"old"]))
    registry.close()
    (tmp_path / "topics.json").write_text("{}")
    again = Registry(tmp_path)
    assert list((tmp_path / "logs").iterdir()) == []
    assert again.create("news", 1, {}).log(0).next_offset == 0
    again.close()


def test_a_deleted_topic_leaves_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.delete(registry.create("news", 3, {}))
    assert list((tmp_path / "logs").iterdir()) == []
    with pytest.raises(KafkaError):
        registry.find("news")
    registry.close()


@pytest.mark.parametrize(
    ("name", "partitions", "settings", "code"),
    [
        ("", 1, {}, Code.INVALID_TOPIC),
        ("..", 1, {}, Code.INVALID_TOPIC),
        ("../etc", 1, {}, Code.INVALID_TOPIC),
        ("a" * 250, 1, {}, Code.INVALID_TOPIC),
        ("naïve", 1, {}, Code.INVALID_TOPIC),
        ("news\n", 1, {}, Code.INVALID_TOPIC),
        ("there", 1, {}, Code.TOPIC_ALREADY_EXISTS),
        ("t", 0, {}, Code.INVALID_PARTITIONS),
        ("t", 1_001, {}, Code.INVALID_PARTITIONS),
        ("t", 1, {"no.such": "1"}, Code.INVALID_CONFIG),
        ("t", 1, {"cleanup.policy": "shred"}, Code.INVALID_CONFIG),
        ("t", 1, {"retention.ms": "soon"}, Code.INVALID_CONFIG),
        ("t", 1, {"retention.ms": "-2"}, Code.INVALID_CONFIG),
        ("t", 1, {"retention.ms": None}, Code.INVALID_CONFIG),
        ("t", 1, {"message.timestamp.type": "logappendtime"}, Code.INVALID_CONFIG),
        ("t", 1, {"min.cleanable.dirty.ratio": "2"}, Code.INVALID_CONFIG),
    ],
)
def test_topics_that_cannot_be(
    tmp_path: Path, name: str, partitions: int, settings: dict[str, str | None], code: Code
) -> None:
    registry = Registry(tmp_path)
    registry.create("there", 1, {})
    for dry_run in (True, False):
        with pytest.raises(KafkaError) as raised:
            registry.create(name, partitions, settings, dry_run=dry_run)
        assert raised.value.code is code
    assert [topic.name for topic in registry] == ["there"]
    registry.close()


def test_the_partitions_of_all_topics_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MAX_PARTITIONS_IN_ALL", 5)
    registry = Registry(tmp_path)
    registry.create("a", 3, {})
    for attempt in (lambda: registry.create("b", 3, {}), lambda: registry.grow("a", 6)):
        with pytest.raises(KafkaError) as raised:
            attempt()
        assert raised.value.code is Code.INVALID_PARTITIONS
    registry.create("b", 2, {})
    registry.close()


def test_a_name_of_full_length_has_a_folder(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.create("n" * 249, 1, {})
    registry.close()
    again = Registry(tmp_path)
    assert again.find("n" * 249).log(0).next_offset == 0
    again.close()


@pytest.mark.parametrize("content", ["[]", '{"t": 1}', '{"t": {"id": "x", "partitions": 1, "settings": {}}}'])
def test_a_damaged_topic_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "topics.json").write_text(content)
    with pytest.raises(UnusableError, match=r"topics\.json"):
        Registry(tmp_path)
