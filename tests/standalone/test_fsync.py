"""When the embedded broker forces its disk: told by option or environment, passed on to the broker."""

from pathlib import Path

import pytest

from copydesk_shared.settings import load_settings
from copydesk_standalone.broker.__main__ import FSYNC_POLICIES, _parser
from copydesk_standalone.plan import make_plan
from copydesk_standalone.settings import StandaloneSettings

from .test_cli import copydesk


@pytest.fixture(autouse=True)
def contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_FETCHER_USER_AGENT", "test (+http://127.0.0.1/)")
    monkeypatch.setenv("COPYDESK_FETCHER_ALLOW_NETWORKS", "127.0.0.0/8")


def broker_arguments(data_dir: Path) -> list[str]:
    settings = load_settings(StandaloneSettings, data_dir=str(data_dir))
    broker = make_plan(settings, lock=0).broker
    assert broker is not None
    return list(broker.arguments)[1:]


@pytest.mark.parametrize("policy", FSYNC_POLICIES)
def test_the_broker_is_told(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_STANDALONE_FSYNC", policy)
    assert _parser().parse_args(broker_arguments(tmp_path)).fsync == policy


def test_nothing_is_forced_by_default(tmp_path: Path) -> None:
    assert _parser().parse_args(broker_arguments(tmp_path)).fsync == "never"


@pytest.mark.parametrize(
    ("arguments", "env", "named"),
    [
        (("--fsync", "often"), {}, "--fsync"),
        ((), {"COPYDESK_STANDALONE_FSYNC": "often"}, "COPYDESK_STANDALONE_FSYNC"),
    ],
)
def test_a_policy_that_is_none_is_one_line(arguments: tuple[str, ...], env: dict[str, str], named: str) -> None:
    answer = copydesk("up", *arguments, env=env)
    assert answer.returncode == 2
    assert answer.stdout == b""
    assert named in answer.stderr.decode()
    assert answer.stderr.count(b"\n") == 1
