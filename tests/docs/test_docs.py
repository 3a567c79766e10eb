"""What is written down agrees with what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from copydesk_fetcher.feeds_file import load_feeds
from copydesk_shared.topics import ALL_TOPICS

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    answer = subprocess.run(
        [sys.executable, "tools/settings_table.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout == (ROOT / "docs" / "settings.md").read_text(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_topic_is_described() -> None:
    for page in ("README.md", "docs/architecture.md"):
        text = (ROOT / page).read_text()
        names = {re.sub(r"^\w+(?=\.retry\.)", "<stage>", topic.name) for topic in ALL_TOPICS}
        assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_example_of_feeds_is_good() -> None:
    assert load_feeds(ROOT / "feeds.example.yaml")


def test_every_make_target_does_something_and_is_in_the_help() -> None:
    lines = (ROOT / "Makefile").read_text()
    targets = next(line for line in lines.splitlines() if line.startswith(".PHONY:")).split()[1:]
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in targets:
        rule = re.search(rf"^{target}:(?P<needs>[^#\n]*)##.*\n(?P<recipe>(?:\t.*\n)*)", lines, re.MULTILINE)
        assert rule, f"{target} has no rule with a description"
        assert rule["recipe"] or target == "check", f"{target} does nothing"
        assert re.search(rf"^  {target}\b", shown, re.MULTILINE)


def test_the_commit_hooks_name_programs_that_are_locked() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    locked = (ROOT / "uv.lock").read_text()
    packages = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "import-linter"}
    for hook in hooks:
        program = Path(hook["entry"].split()[0]).name
        assert f'name = "{packages[program]}"' in locked
