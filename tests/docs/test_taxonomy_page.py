"""The tag that docs/taxonomy.md makes in five minutes is made as the page says."""

import re
from pathlib import Path

import pytest

from copydesk_classifier.folder import TAG_SUFFIX
from copydesk_classifier.lint import findings
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.tag_file import Core, LanguageFile, Near, PhraseGroup, Rule, TagFile, Veto
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_standalone.taxonomy.checking import copy_packaged
from copydesk_standalone.taxonomy.command import taxonomy
from copydesk_standalone.taxonomy.comparing import compare
from copydesk_standalone.taxonomy.explaining import explain_article
from copydesk_standalone.taxonomy.places import folder_of

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "taxonomy.md").read_text()
KEYS = (ROOT / "services/classifier/copydesk_classifier/taxonomy/README.md").read_text()
YAML = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TAG: str = next(block for block in YAML if block.startswith("id:"))
GERMAN = next(block for block in YAML if block.startswith("tag:"))
MENDED: str = next(block for block in YAML if block.strip().startswith("unless:"))
SHOWN = re.findall(r"^```\n(\$ copydesk taxonomy .*?)^```", PAGE, re.DOTALL | re.MULTILINE)
# Digests of the files, which change with any word in them.
VERSION = re.compile(r"\d+\.\d+\.\d+\+[0-9a-f.]+")
STORIES = (
    "The ferry Sandling ran aground on a sandbank outside the harbour of Marram late on Tuesday, with 140 people on board.",
    "The council wants a bridge in place of the ferry.",
)
GAZETTEER = next(block for block in re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if "Marram" in block)


@pytest.fixture
def tags(tmp_path: Path) -> Path:
    (tmp_path / "ferry-accidents.yaml").write_text(TAG)
    (tmp_path / "ferries.gazetteer.txt").write_text(GAZETTEER)
    return tmp_path


def _said(tags: Path) -> list[str]:
    return [finding.text.removeprefix(f"{tags}/") for finding in findings(folder_of(str(tags)))]


def test_lint_says_what_the_page_says(tags: Path) -> None:
    [complaint] = _said(tags)
    assert f"my-tags/{complaint} (error)" in PAGE


def _shown(command: str) -> list[str]:
    """What the page shows that the last command in a block prints, if that is this one."""
    blocks = [block.strip().split("\n") for block in SHOWN]
    [lines] = [
        block[number + 1 :]
        for block in blocks
        for number, line in enumerate(block)
        if re.fullmatch(rf"\$ (echo .* \| )?copydesk taxonomy {command}\b.*", line)
    ]
    return [VERSION.sub("VERSION", line) for line in lines]


def _mended() -> str:
    [before] = [line for line in TAG.splitlines() if line.strip().startswith("unless:")]
    return TAG.replace(before, MENDED.rstrip())


def test_explain_says_what_the_page_says(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [sentence] = re.findall(r'\$ echo "(.*)" \| copydesk taxonomy explain', PAGE)
    (tags / "story.txt").write_text(sentence)
    explain_article(str(tags / "story.txt"), str(tags), ("ferry-accidents",), "text")
    printed = capsys.readouterr().out.strip().split("\n")
    assert printed[:-2] == _shown("explain")


def test_diff_and_shadow_say_what_the_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stories").mkdir()
    for number, story in enumerate(STORIES):
        (tmp_path / "stories" / f"{number}.txt").write_text(story)
    copy_packaged(tmp_path / "my-tags")
    (tmp_path / "my-tags" / "ferry-accidents.yaml").write_text(_mended())
    (tmp_path / "my-tags" / "ferries.gazetteer.txt").write_text(GAZETTEER)
    capsys.readouterr()
    assert compare("packaged", str(tmp_path / "my-tags"), str(tmp_path / "stories"), 20, "text") == 1
    printed = VERSION.sub("VERSION", capsys.readouterr().out).strip().split("\n")
    assert printed == _shown("diff") == _shown("shadow")


def test_the_mended_tag_is_clean_in_both_languages(tags: Path) -> None:
    (tags / "ferry-accidents.yaml").write_text(_mended())
    assert _said(tags) == []
    (tags / "ferry-accidents.de.yaml").write_text(GERMAN)
    [tag] = load_taxonomy(tags).tags
    assert tag.languages == {"en", "de"}


def test_every_key_is_described() -> None:
    for model in (TagFile, LanguageFile, PhraseGroup, Near, Rule, Veto, Core):
        for key in model.model_fields:
            assert re.search(rf"`{key}\b", KEYS), (model.__name__, key)


def test_every_command_and_setting_is_described() -> None:
    for command in taxonomy.commands:
        assert f"copydesk taxonomy {command}" in PAGE, command
    for field in ("taxonomy_dir", "taxonomy_check_seconds", "shadow_taxonomy"):
        assert field in ClassifierSettings.model_fields
        assert f"COPYDESK_CLASSIFIER_{field.upper()}" in PAGE


def test_the_page_names_files_as_the_code_does() -> None:
    assert f"ferry-accidents.de{TAG_SUFFIX}" in PAGE
