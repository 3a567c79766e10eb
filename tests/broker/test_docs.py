"""docs/embedded-broker.md says what the code does."""

import re
from pathlib import Path

import pytest

from copydesk_standalone.broker.__main__ import _parser
from copydesk_standalone.broker.coordinator import MAX_GROUPS, MAX_MEMBERS
from copydesk_standalone.broker.handlers_groups import MAX_OFFSETS
from copydesk_standalone.broker.messages import APIS
from copydesk_standalone.broker.registry import MAX_PARTITIONS, MAX_PARTITIONS_IN_ALL
from copydesk_standalone.broker.transactions import MAX_HELD, MAX_IDS
from copydesk_standalone.broker.wire import MAX_ELEMENTS

DOC = (Path(__file__).parents[2] / "docs" / "embedded-broker.md").read_text()


def test_every_api_is_listed_with_its_versions() -> None:
    listed = dict(re.findall(r"\| (\w+) \| (\d+(?:-\d+)?) (?=\|)", DOC))
    span = {api.name: f"{api.first}-{api.last}" if api.first != api.last else str(api.first) for api in APIS}
    assert listed == span


def test_every_option_is_listed() -> None:
    listed = set(re.findall(r"^\| `(--[\w-]+)", DOC, re.MULTILINE))
    options = {option for action in _parser()._actions for option in action.option_strings}
    assert listed == options - {"-h", "--help"}


@pytest.mark.parametrize(
    "limit",
    [MAX_PARTITIONS, MAX_PARTITIONS_IN_ALL, MAX_MEMBERS, MAX_GROUPS, MAX_OFFSETS, MAX_ELEMENTS, MAX_IDS, MAX_HELD],
)
def test_the_limits_are_told(limit: int) -> None:
    assert f"{limit:,}" in DOC
