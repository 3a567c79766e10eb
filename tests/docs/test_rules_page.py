"""The rules that the pages show are good ones."""

import re
import textwrap
from pathlib import Path

import pytest

from copydesk_cleaner.rulebook import Source, book_with
from copydesk_cleaner.rulebook.check import check_patterns, failures
from copydesk_cleaner.rulebook.schema import Example, RuleEntry

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
HEAD = "family: quay\nabout: What the newspapers of the harbour print around their stories.\nrules:\n"


def shown(page: str) -> str:
    """The first YAML of a page, as a whole file."""
    match = BLOCK.search((ROOT / page).read_text())
    assert match is not None
    text = textwrap.dedent(match[2])
    return text if text.startswith("family:") else HEAD + textwrap.indent(text, "  ")


@pytest.mark.parametrize("page", ["docs/rules.md", "CONTRIBUTING.md"])
def test_the_rule_that_a_page_shows_holds(page: str) -> None:
    book = book_with((Source(page, "quay", shown(page)),))
    check_patterns(book, ["quay"])
    assert list(failures(book, ["quay"])) == []
    assert len(book.rules("quay")) == 1


def test_every_key_is_described() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    for key in (*RuleEntry.model_fields, *Example.model_fields):
        assert f"`{key}`" in text or f"{key}:" in text
