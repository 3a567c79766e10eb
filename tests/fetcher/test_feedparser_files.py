"""Every test file of feedparser through our parser: what it expects of fields that we carry must hold for ours.

``feedparser_files.toml`` says how many there are, so that none is lost without notice, and where we differ and why.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.tiers import unavailable
from tools.feedparser_files import Unavailable, folder, pinned

from .expectations import Expectation, Result, examine, expectations

TABLE = tomllib.loads(Path(__file__).with_name("feedparser_files.toml").read_text(encoding="utf-8"))


@cache
def files() -> Path:
    try:
        return folder()
    except Unavailable as error:
        unavailable("feedparser-files", str(error))


def results_of(group: str) -> dict[str, Result]:
    names = sorted(path.relative_to(files()).as_posix() for path in (files() / group).glob("*.xml"))
    return {name: examine(name, (files() / name).read_bytes()) for name in names}


@pytest.mark.parametrize("group", sorted(TABLE["groups"]))
def test_we_read_what_feedparser_expects_of_its_files(group: str) -> None:
    results = results_of(group)
    different = {name: list(result.unmet) for name, result in results.items() if result.unmet}
    known = {name: each["differs"] for name, each in TABLE["differences"].items() if name.rpartition("/")[0] == group}
    assert different == known, [results[name].detail for name in different]
    count = {"files": len(results), "expectations": sum(result.checked for result in results.values())}
    assert count == TABLE["groups"][group]


def test_the_table_is_of_the_version_that_is_pinned_and_leaves_no_folder_out() -> None:
    assert TABLE["version"] == pinned()[0]
    found = {path.parent.relative_to(files()).as_posix() for path in files().rglob("*.xml")}
    assert found == set(TABLE["groups"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not bozo and entries[0]['title'] == u'x'", [(("bozo",), False), (("entries", 0, "title"), "x")]),
        ("bozo", [(("bozo",), True)]),
        ("feed.link == 'a' and len(entries) == 2", [(("feed", "link"), "a"), (("len", "entries"), 2)]),
        ("entries[0]['updated_parsed'] == (2004, 1, 1)", [(("entries", 0, "updated_parsed"), (2004, 1, 1))]),
        ("__import__('os').system('x') == 0", []),
        ("entries[0]['x'] == open('/etc/passwd').read()", []),
        ("1 < 2 == 3", []),
        ("not a feed", []),
    ],
)
def test_expectations_are_data(text: str, expected: list[Any]) -> None:
    assert expectations(f"<!--\nExpect: {text}\n-->") == [Expectation(path, value) for path, value in expected]


def test_an_expectation_that_does_not_hold_is_seen() -> None:
    body = b"<!--\nExpect: not bozo and entries[0]['title'] == 'Other'\n--><rss><channel><item><title>T</title></item>"
    assert examine("x.xml", body).unmet == ("bozo", "entries.0.title")
    assert examine("x.xml", body + b"</channel></rss>").unmet == ("entries.0.title",)
