"""``copydesk rules`` as a person uses it, and the setting that names a folder of further rules."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_cleaner.rulebook import digest, shipped
from copydesk_cleaner.rulebook.files import folder_sources, shipped_path
from copydesk_cleaner.settings import CleanerSettings
from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_shared.errors import InputError, UserError
from copydesk_standalone import oneshot, rules_command
from tests.cleaner.test_rulebook import GOOD

TEXT = """\
The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable.
READ MORE: Two held after fire at the old cannery on the quay
Quay letter B: write to us
It will publish its answer next week, the chairwoman told the members after the meeting had closed.
Guards stand at the gate (Picture: Jon Quill/AP)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good rule file."""
    place = tmp_path / "rules"
    place.mkdir()
    (place / "mine.yaml").write_text(GOOD, encoding="utf-8")
    return place


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A text on which some rules fire."""
    path = tmp_path / "page.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_all_rules_and_leads_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_command.list_rules(None, None, "json") == 0
    assert len(rows(capsys)) == len(shipped().rules()) + len(shipped().leads)


def test_a_family_and_a_language_narrow_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    rules_command.list_rules("related", "uk", "json")
    listed = rows(capsys)
    assert listed
    for row in listed:
        assert row["family"] == "related"
        assert isinstance(row["languages"], list)
        assert {"uk", "any"} & set(row["languages"])


def test_the_table_has_a_line_for_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    rules_command.list_rules("edges", None, "table")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "kind", "scope", "languages", "family", "provenance"]
    assert [line.split()[0] for line in lines] == [rule.id for rule in shipped().rules("edges")]


@pytest.mark.parametrize(
    ("family", "language", "complaint"),
    [
        (None, "xx", "no rule has the language 'xx'"),
        ("nope", None, "no family is called 'nope'; there are: "),
        ("edges", "xx", "no rule has the language 'xx'; there are: any, "),
        ("bios", "ko", "no rule has the language 'ko' in"),
    ],
)
def test_what_is_not_there_is_a_mistake(family: str | None, language: str | None, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        rules_command.list_rules(family, language, "table")


def test_the_operators_rules_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_RULES", str(folder))
    rules_command.list_rules("mine", None, "json")
    (row,) = rows(capsys)
    assert (row["id"], row["file"]) == ("mine.quay-letter", str(folder / "mine.yaml"))


def test_the_rules_of_a_file_or_a_folder_are_tested(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (folder, folder / "mine.yaml"):
        assert rules_command.test_rules(place) == 0
        assert capsys.readouterr().out == "1 rule, 0 leads: 2 examples hold\n"


def test_a_file_of_ours_can_be_tested_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_command.test_rules(shipped_path("edges")) == 0
    assert capsys.readouterr().out.startswith(f"{len(shipped().rules('edges'))} rules, 0 leads: ")


def test_each_example_that_fails_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = GOOD.replace("hit: 'Quay letter A: write to us'", "hit: ['Quay letter A: write to us', Nothing, Nobody]")
    (folder / "mine.yaml").write_text(bad, encoding="utf-8")
    assert rules_command.test_rules(folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/mine.yaml:13: mine.quay-letter: hit is not cut: 'Nothing'",
        f"{folder}/mine.yaml:13: mine.quay-letter: hit is not cut: 'Nobody'",
        "1 rule, 0 leads: 2 of 4 examples fail",
    ]


def test_a_file_that_does_not_load_is_a_mistake(folder: Path) -> None:
    (folder / "mine.yaml").write_text(GOOD.replace("scope:", "scop:"), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml:8: rules\[0\]\.scop: there is no such key"):
        rules_command.test_rules(folder)


def test_what_fires_is_explained_in_order(
    folder: Path, page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_RULES", str(folder))
    assert rules_command.explain_rules(page, "text", None, "json") == 0
    fired = rows(capsys)
    assert [row["rule"] for row in fired] == [
        "related.read-more", "credit.bracketed", "credit.bracketed", "mine.quay-letter"
    ]  # fmt: skip
    assert [row["order"] for row in fired] == [1, 2, 3, 4]
    for row in fired:
        assert TEXT[int(str(row["start"])) : int(str(row["end"]))] == row["text"]
        assert TEXT.splitlines()[int(str(row["line"])) - 1].find(str(row["text"])) >= 0
    assert fired[3]["why"] == "Quay letter {{letters}}: write to us"
    assert fired[3]["place"] == f"{folder}/mine.yaml:12"
    assert fired[0]["why"] == "the lead 'read more' (en, sure)"


def test_people_get_two_lines_for_each_cut(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    rules_command.explain_rules(page, "auto", None, "table")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("  1  related.read-more  related-link  line 2, 98-159  'READ MORE: Two held")
    assert lines[1].strip().startswith("related.yaml:")


def test_a_text_without_junk_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clean.txt"
    path.write_text(TEXT.splitlines()[0], encoding="utf-8")
    rules_command.explain_rules(str(path), "auto", None, "table")
    assert capsys.readouterr().out == "no rule fires\n"


def test_clean_uses_the_operators_rules_and_names_them(
    folder: Path, page: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_RULES", str(folder))
    assert oneshot.clean_command(page, "text", None, "json") == 0
    article = json.loads(capfdbinary.readouterr().out)
    assert article["cleaner_version"] == f"{CLEANER_VERSION}+rules.{digest(folder_sources(folder))}"
    assert "mine.quay-letter" in {removal["rule"] for removal in article["removals"]}


def test_clean_refuses_a_bad_folder(folder: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_RULES", str(folder))
    (folder / "mine.yaml").write_text(GOOD.replace("family: mine", "family: edges"), encoding="utf-8")
    with pytest.raises(UserError, match=r"^COPYDESK_CLEANER_RULES: .*mine\.yaml:1: family: is 'edges'"):
        oneshot.clean_command(page, "text", None, "json")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("hit: 'Quay", "hit: 'Key"), "mine.yaml:13: mine.quay-letter: hit is not cut: 'Key letter A: write to us'"),
        (("[A-Z]+", "(?:[A-Z]+)*"), "mine.yaml:12: rules[0].patterns[0]: a repetition without end stands inside"),
        (("", ""), None),
    ],
)
def test_a_bad_folder_stops_the_service_at_start(folder: Path, change: tuple[str, str], complaint: str | None) -> None:
    (folder / "mine.yaml").write_text(GOOD.replace(*change), encoding="utf-8")
    if complaint is None:
        shutil.rmtree(folder)
        complaint = "rules: cannot be read: no such file or directory"
    answer = subprocess.run(
        [sys.executable, "-m", "copydesk_cleaner"], capture_output=True, text=True, check=False, timeout=50,
        env={**os.environ, "COPYDESK_CLEANER_RULES": str(folder)},
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith(f"copydesk: error: COPYDESK_CLEANER_RULES: {folder}")
    assert complaint in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(("arguments", "code"), [(["list", "--language", "de"], 0), (["test", "/no/such"], 2)])
def test_the_command_line(arguments: list[str], code: int) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "copydesk_standalone", "rules", *arguments], capture_output=True, check=False, timeout=50
    )
    assert answer.returncode == code
    assert answer.stderr.count(b"\n") == (code != 0)


def test_a_setting_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_RULES", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("family: other\n", encoding="utf-8")
    assert CleanerSettings().rules is None
