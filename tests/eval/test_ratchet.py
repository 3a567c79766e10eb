"""Floors may rise and never fall: every file of them is compared with all that was ever committed of it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.eval import floors
from tests.eval.__main__ import raised

FILES = sorted(str(path.relative_to(floors.ROOT)) for path in (floors.ROOT / "tests").glob("*/floors.toml"))

Git = Callable[..., None]


@pytest.mark.parametrize("path", FILES)
def test_no_floor_ever_fell(path: str) -> None:
    try:
        versions = list(floors.committed(path))
    except OSError as error:
        pytest.skip(f"floors: needs git and the history to compare with: {error}")
    now = floors.load(floors.ROOT / path)
    fallen = {line for commit, before in versions for line in floors.lowered(before, now)}
    assert not fallen, f"{path}: a floor may rise and never fall: {sorted(fallen)}"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    def run(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    run("init", "-q")
    return run


def test_a_floor_that_fell_two_commits_ago_is_seen(git: Git, tmp_path: Path) -> None:
    path = tmp_path / "tests" / "eval" / "floors.toml"
    path.parent.mkdir(parents=True)
    for value in (0.8, 0.9, 0.7):
        path.write_text(f"[pages]\ntitle = {value}\n", encoding="utf-8")
        git("add", "-A")
        git("commit", "-qm", "Floors")
    versions = list(floors.committed("tests/eval/floors.toml", tmp_path))
    assert [version["pages.title"] for _, version in versions] == [0.7, 0.9, 0.8]
    assert {line for _, before in versions for line in floors.lowered(before, floors.load(path))} == {
        "pages.title was 0.9 and is 0.7",
        "pages.title was 0.8 and is 0.7",
    }


def test_the_figures_of_the_former_place_count_too(git: Git, tmp_path: Path) -> None:
    former, path = tmp_path / "tests" / "cleaner" / "floors.toml", tmp_path / "tests" / "eval" / "floors.toml"
    former.parent.mkdir(parents=True)
    path.parent.mkdir()
    former.write_text("[html]\naeb_f1 = 0.98\n", encoding="utf-8")
    git("add", "-A")
    git("commit", "-qm", "Floors")
    former.rename(path)
    git("add", "-A")
    git("commit", "-qm", "Move")
    assert [version for _, version in floors.committed("tests/eval/floors.toml", tmp_path)] == [
        {"html.aeb_f1": 0.98}
    ] * 2


def test_no_history_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a git repository"):
        list(floors.committed("tests/eval/floors.toml", tmp_path))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 0.5}, {"a": 0.5, "b": 0.1}, []),
        ({"a": 0.5}, {"a": 0.6}, []),
        ({"a": 0.5}, {"a": 0.4}, ["a was 0.5 and is 0.4"]),
        ({"a": 0.5}, {}, ["a was 0.5 and is gone"]),
        ({"probes.wrong": 0}, {"probes.wrong": 1}, ["probes.wrong was 0 and is 1"]),
        ({"probes.wrong": 1}, {"probes.wrong": 0}, []),
    ],
)
def test_lowered(before: floors.Floors, after: floors.Floors, expected: list[str]) -> None:
    assert floors.lowered(before, after) == expected


@pytest.mark.parametrize(
    ("reached", "expected"),
    [
        (0.899, "pages.f1 fell to 0.8990; its floor is 0.9"),
        (0.9, None),
        (0.91, None),
        (0.9237, "pages.f1 rose to 0.9237, the floor is 0.9: raise it, f1 = 0.923"),
    ],
)
def test_a_complaint_prints_what_was_reached(reached: float, expected: str | None) -> None:
    assert floors.complaint("pages.f1", reached, {"pages.f1": 0.9}) == expected


def test_a_count_may_rise_by_one_before_it_asks() -> None:
    assert floors.complaint("cases.hits", 85, {"cases.hits": 84}) is None
    assert floors.complaint("cases.hits", 86, {"cases.hits": 84}) == (
        "cases.hits rose to 86.0000, the floor is 84: raise it, hits = 86"
    )


def test_what_counts_mistakes_is_better_when_it_is_less() -> None:
    assert floors.complaint("probes.wrong", 1, {"probes.wrong": 0}) == "probes.wrong fell to 1.0000; its floor is 0"
    assert floors.complaint("probes.wrong", 0, {"probes.wrong": 1}) is None
    asked = floors.complaint("probes.wrong", 0, {"probes.wrong": 3})
    assert asked == "probes.wrong rose to 0.0000, the floor is 3: raise it, wrong = 0"


def test_a_figure_without_a_floor_asks_for_one() -> None:
    assert floors.complaint("pages.new", 0.5, {}) == "pages.new has no floor; it reaches 0.5000: write new = 0.5"


def test_raising_writes_only_what_rose() -> None:
    before = "# Why\n[pages] # own\ntitle = 0.5\nf1 = 0.9\n\n[cases]\nhits = 84\n"
    after = raised(before, {"pages.title": 0.6789, "pages.f1": 0.8, "cases.hits": 85})
    assert after == "# Why\n[pages] # own\ntitle = 0.678\nf1 = 0.9\n\n[cases]\nhits = 85\n"


def test_raising_knows_tables_in_tables_and_counts_of_mistakes() -> None:
    before = "[dev]\nf1 = 0.5\n\n[dev.prisoner-exchange]\nf1 = 0.5\n\n[probes]\nwrong = 2\n"
    after = raised(before, {"dev.f1": 0.4, "dev.prisoner-exchange.f1": 0.75, "probes.wrong": 1})
    assert after == "[dev]\nf1 = 0.5\n\n[dev.prisoner-exchange]\nf1 = 0.75\n\n[probes]\nwrong = 1\n"
    assert raised(before, {"probes.wrong": 3}) == before
