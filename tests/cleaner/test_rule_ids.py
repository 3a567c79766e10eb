"""Every rule id that the code can emit has an entry in a rule file, and every entry has a function or patterns."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import copydesk_cleaner
from copydesk_cleaner.extract import extract
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rules import tidy
from copydesk_cleaner.stage import context_of
from copydesk_cleaner.story import Kind
from tests.cleaner.pages import SHARED_DATA
from tests.cleaner.test_accounting import data_pages

BOOK = shipped()
IDS = {rule.id: rule for rule in BOOK.rules()}
CODE_IDS = {rule.id for rule in BOOK.rules(scope="code")}
PREFIXES = {name.split(".")[0] for name in IDS} | set(get_args(Kind))
RULE_ID = re.compile(rf"(?:{'|'.join(sorted(PREFIXES))})\.[a-z0-9-]+")


def constants() -> Iterator[str]:
    """The texts in the code that have the form of a rule's id."""
    for path in sorted(Path(copydesk_cleaner.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and RULE_ID.fullmatch(node.value):
                yield node.value


def test_every_id_in_the_code_has_an_entry() -> None:
    assert set(constants()) <= set(IDS)


def test_every_entry_of_scope_code_is_done_by_the_code() -> None:
    assert set(constants()) >= CODE_IDS


@pytest.mark.seed
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs ../shared/data/clean")
def test_every_id_and_kind_that_the_developer_data_brings_about_has_an_entry() -> None:
    seen = set()
    for page in data_pages(SHARED_DATA):
        extracted = extract(page)
        story = tidy(extracted.text, context_of(extracted, extracted.metadata.title, page))
        seen |= {cut.rule for cut in story.cuts()}
    assert len(seen) > 40
    assert seen <= set(IDS)
