"""Tags that change while the classifier runs: in the watcher, under the runner, and in the real process."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from copydesk_classifier.folder import read_folder
from copydesk_classifier.reload import Watcher, renewals_of
from copydesk_classifier.stage import stage
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy, taxonomy_of
from copydesk_shared.errors import InputError
from copydesk_shared.runner import run_stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED, CLEANED
from copydesk_shared.wire import decode, encode, event_id
from tests.classifier.samples import TAG_FILE, article, folder, tags_of

BUS = TAG_FILE.replace("id: ferry", "id: bus").replace("ferry|ferries, car ferry", "bus|buses").replace(
    "The ferry left", "The bus left"
).replace("A ferry tale", "A tale")  # fmt: skip
BROKEN = TAG_FILE.replace("threshold: 2.0", "threshold: 9.0")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tags").mkdir()
    return folder(tmp_path / "tags", TAG_FILE)


def _watcher(place: Path) -> Watcher:
    found = read_folder(place)
    return Watcher(found, taxonomy_of(found).version)


def _looked(watcher: Watcher) -> Taxonomy | None:
    """After a change the folder has to be the same at two looks."""
    assert watcher.look() is None
    return watcher.look()


def _ids(taxonomy: Taxonomy | None) -> list[str] | None:
    return [tag.id for tag in taxonomy.tags] if taxonomy else None


def test_nothing_is_made_of_a_folder_that_stays(place: Path) -> None:
    watcher = _watcher(place)
    assert _looked(watcher) is None
    (place / "a.yaml").write_text(TAG_FILE)
    (place / "notes.txt").write_text("other files do not matter")
    (place / ".b.yaml.swp").write_text("nor do those of editors")
    assert _looked(watcher) is None


def test_a_changed_folder_is_taken_once(place: Path) -> None:
    watcher = _watcher(place)
    before = watcher.version
    (place / "b.yaml").write_text(BUS)
    taken = _looked(watcher)
    assert _ids(taken) == ["bus", "ferry"]
    assert taken is not None
    assert watcher.version == taken.version != before
    assert _looked(watcher) is None
    (place / "b.yaml").unlink()
    assert _ids(_looked(watcher)) == ["ferry"]
    assert watcher.version == before


def test_a_folder_that_goes_on_changing_is_left_to_settle(place: Path) -> None:
    watcher = _watcher(place)
    for weight in range(3, 7):
        (place / "a.yaml").write_text(TAG_FILE.replace("weight: 3", f"weight: {weight}"))
        assert watcher.look() is None
    assert watcher.look() is not None


def test_comments_make_no_other_version(place: Path) -> None:
    watcher = _watcher(place)
    (place / "a.yaml").write_text(f"# boats\n{TAG_FILE}")
    assert _looked(watcher) is None


def test_a_broken_folder_is_refused_once_and_may_be_mended(place: Path) -> None:
    watcher = _watcher(place)
    before = watcher.version
    (place / "a.yaml").write_text(BROKEN)
    assert watcher.look() is None
    with pytest.raises(InputError, match=r"a\.yaml:39: tests\.positive\[0\]: does not get the tag 'ferry'"):
        watcher.look()
    assert _looked(watcher) is None
    assert watcher.version == before
    (place / "a.yaml").write_text(BUS)
    assert _ids(_looked(watcher)) == ["bus"]


@pytest.mark.parametrize("trouble", ["broken", "away"])
def test_that_all_is_as_before_is_logged_once(place: Path, trouble: str) -> None:
    watcher = _watcher(place)
    with structlog.testing.capture_logs() as logged:
        if trouble == "broken":
            (place / "a.yaml").write_text(BROKEN)
        else:
            place.rename(place.with_name("away"))
        with pytest.raises(InputError):
            _looked(watcher)
        assert logged == []
        if trouble == "broken":
            (place / "a.yaml").write_text(TAG_FILE)
        else:
            place.with_name("away").rename(place)
        assert _looked(watcher) is None
        assert [(each["event"], each["version"]) for each in logged] == [
            ("mended: what is in use is there again", watcher.version)
        ]
        (place / "a.yaml").write_text(f"# boats\n{TAG_FILE}")
        assert _looked(watcher) is None
        assert len(logged) == 1


def test_a_folder_that_goes_is_refused_once_and_may_come_back(place: Path) -> None:
    watcher = _watcher(place)
    place.rename(place.with_name("away"))
    assert watcher.look() is None
    with pytest.raises(InputError, match="not a folder of tag files"):
        watcher.look()
    assert _looked(watcher) is None
    place.with_name("away").rename(place)
    assert _looked(watcher) is None
    (place / "b.yaml").write_text(BUS)
    assert _ids(_looked(watcher)) == ["bus", "ferry"]


def _mount(place: Path, name: str, *texts: str) -> None:
    """What the kubelet does: the files in a folder of their own, ``..data`` a link to it that is swapped."""
    (place / name).mkdir(parents=True)
    folder(place / name, *texts)
    (place / "..data_tmp").symlink_to(name)
    (place / "..data_tmp").rename(place / "..data")
    for file in (place / name).iterdir():
        link = place / file.name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / file.name)
    for link in place.glob("*.yaml"):
        if not link.exists():
            link.unlink()


def test_a_mounted_config_map(tmp_path: Path) -> None:
    place = tmp_path / "mount"
    _mount(place, "..2026_1", TAG_FILE)
    watcher = _watcher(place)
    _mount(place, "..2026_2", BUS)
    assert _ids(_looked(watcher)) == ["bus"]
    _mount(place, "..2026_3", BUS, TAG_FILE)
    assert _ids(_looked(watcher)) == ["bus", "ferry"]
    _mount(place, "..2026_4", TAG_FILE)
    shutil.rmtree(place / "..2026_1")
    assert _ids(_looked(watcher)) == ["ferry"]


def _renewals(outcome: str) -> float:
    return REGISTRY.get_sample_value("copydesk_stage_renewals_total", {"stage": "classifier", "outcome": outcome}) or 0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_under_the_runner_each_event_names_the_version_that_made_it(place: Path) -> None:
    broker, running = MemoryBroker(), service("classifier")
    watcher = _watcher(place)
    made = stage(load_taxonomy(place))
    renewals = renewals_of(watcher, stage, 0.05)
    opener = broker.open_log(made.name, CLEANED.name)
    taken, refused = _renewals("taken"), _renewals("refused")

    async def classified(number: int) -> None:
        text = f"The ferry left and the bus left, number {number}."
        story = article(text).model_copy(update={"article_id": f"article-{number}"})
        broker.append(encode(CLEANED, story, stage="cleaner", version="1"))
        await _until(lambda: len(broker.topics[CLASSIFIED.name]) == number)

    task = asyncio.create_task(run_stage(made, running, workers=2, open_log=opener, renewals=renewals))
    try:
        await classified(1)
        (place / "a.yaml").write_text(BROKEN)
        await _until(lambda: _renewals("refused") == refused + 1)
        await classified(2)
        (place / "a.yaml").write_text(BUS)
        await _until(lambda: _renewals("taken") == taken + 1)
        await classified(3)
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 60)
    out = [decode(CLASSIFIED, record) for record in broker.topics[CLASSIFIED.name]]
    assert [tags_of(each) for each in out] == [{"ferry"}, {"ferry"}, {"bus"}]
    assert [each.classifier_version for each in out] == [made.version, made.version, watcher.version]
    for record, each in zip(broker.topics[CLASSIFIED.name], out, strict=True):
        key = (record.key or b"").decode()
        assert record.header("ce_id") == event_id("classifier", key, each, each.classifier_version)


class Process:
    """``python -m copydesk_classifier`` without a broker: it waits for one, and looks at its tags meanwhile."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self, event: str) -> dict[str, str]:
        """The next line of its log that tells of this."""
        assert self._process.stderr is not None
        async with asyncio.timeout(60):
            while raw := await self._process.stderr.readline():
                told: dict[str, str] = json.loads(raw)
                if told["event"] == event:
                    return told
        pytest.fail(f"ended without {event!r}")


@pytest.fixture
def environment(place: Path, unused_tcp_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "COPYDESK_CLASSIFIER_TAXONOMY_DIR": str(place),
        "COPYDESK_CLASSIFIER_TAXONOMY_CHECK_SECONDS": "0.1",
        "COPYDESK_CLASSIFIER_HEALTH_PORT": "0",
        "COPYDESK_CLASSIFIER_BOOTSTRAP_SERVERS": f"127.0.0.1:{unused_tcp_port}",
    }


async def test_the_process_logs_one_line_for_each_change(place: Path, environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copydesk_classifier", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        told = Process(process)
        await told.line("started")
        first = load_taxonomy(place).version
        (place / "a.yaml").write_text(BROKEN)
        refused = await told.line("refused: the version stays")
        assert refused["version"] == first
        assert "a.yaml:39: tests.positive[0]: does not get the tag 'ferry'" in refused["why"]
        (place / "a.yaml").write_text(BUS)
        taken = await told.line("another version from now on")
        assert (taken["before"], taken["now"]) == (first, load_taxonomy(place).version)
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
