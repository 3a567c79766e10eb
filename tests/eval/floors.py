"""Floors of quality: what a figure has to reach, and that none of them ever went down.

A figure that is reached with more than a step to spare asks for the new floor, so that it cannot be lost again unseen.
"""

import subprocess
import tomllib
from collections.abc import Iterator
from math import floor as rounded_down
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "floors.toml"
STEP = 0.01
LOWER_IS_BETTER = frozenset({"wrong"})
FORMER_PLACES = {"tests/eval/floors.toml": ["tests/cleaner/floors.toml", "tests/classifier/floors.toml"]}

Floors = dict[str, float]


def load(path: Path) -> Floors:
    """The floors of a file by dotted name, such as ``pages.title``."""
    return parse(path.read_text(encoding="utf-8"))


def parse(toml: str) -> Floors:
    return dict(_flat(tomllib.loads(toml)))


def _flat(table: dict[str, object], above: str = "") -> Iterator[tuple[str, float]]:
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            yield from _flat(value, name)
        elif isinstance(value, int | float):
            yield name, value


def complaint(name: str, reached: float, floors: Floors) -> str | None:
    """What is wrong with a figure, or nothing."""
    if name not in floors:
        return f"{name} has no floor; it reaches {reached:.4f}: write {_line(name, reached)}"
    floor = floors[name]
    if worse(name, reached, floor):
        return f"{name} fell to {reached:.4f}; its floor is {floor}"
    step = 1 if isinstance(floor, int) else STEP
    if max(reached, floor) > min(reached, floor) + step:
        return f"{name} rose to {reached:.4f}, the floor is {floor}: raise it, {_line(name, reached)}"
    return None


def _line(name: str, reached: float) -> str:
    return f"{name.rpartition('.')[2]} = {rounded(reached)}"


def rounded(reached: float) -> float:
    """The floor that a figure can carry: down to three places, a count as it is."""
    return reached if isinstance(reached, int) else rounded_down(reached * 1000) / 1000


def lowered(before: Floors, after: Floors) -> list[str]:
    """One line for each floor that went down or away."""
    return [
        f"{name} was {value} and is {after.get(name, 'gone')}"
        for name, value in before.items()
        if name not in after or worse(name, after[name], value)
    ]


def worse(name: str, value: float, than: float) -> bool:
    """Whether a figure is worse than another: less, but for those that count what is wrong."""
    return value > than if name.rpartition(".")[2] in LOWER_IS_BETTER else value < than


def committed(path: str, repository: Path = ROOT) -> Iterator[tuple[str, Floors]]:
    """Each committed version of a file of floors, by commit; raises ``OSError`` where git or the history is missing."""
    for place in [path, *FORMER_PLACES.get(path, [])]:
        for commit in _git(repository, "log", "--format=%H", "--diff-filter=AM", "--", place).split():
            yield commit[:10], parse(_git(repository, "show", f"{commit}:{place}"))


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
    return done.stdout
