"""``copydesk-api keys`` and ``copydesk keys`` as a person uses them: no server, no other key, mistakes in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope, prefix_of
from copydesk_api.keys_command import keys_command
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.errors import UserError
from copydesk_standalone.keys_command import keys_of
from copydesk_standalone.settings import StandaloneSettings
from tests.api.servers import serving
from tests.api.test_keys import bearer

Run = Callable[..., str]


@pytest.fixture
def run(open_store: Callable[[], Store], capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, on either database; what it prints."""

    def command(*arguments: str) -> str:
        assert keys_command(arguments, open_store) == 0
        return capsys.readouterr().out

    return command


def test_a_key_from_its_beginning_to_its_end(run: Run, store: Store) -> None:
    token = run("create", "--name", "Ops", "--scope", "admin", "--expires", "90d").strip()
    assert prefix_of(token) is not None  # alone, so that it can go into a file
    with serving(create_app(store, ApiSettings())) as base_url:
        (known,) = httpx.get(f"{base_url}/v1/keys", headers=bearer(token)).json()["items"]
    assert (known["name"], known["scope"], known["expires_at"] is None) == ("Ops", "admin", False)
    listed = run("list")
    assert f"copydesk_{prefix_of(token)}" in listed
    assert token not in listed
    rotated = json.loads(run("rotate", known["key_id"], "--overlap", "0s", "--json"))
    assert KeyStore(store.engine).find(token) is None
    assert KeyStore(store.engine).find(rotated["token"]) is not None
    (shown,) = map(json.loads, run("list", "--json").splitlines())
    assert [each["prefix"] for each in shown["secrets"]] == [prefix_of(rotated["token"])]
    run("remove", known["key_id"])
    assert run("list") == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "create|list|rotate|remove"),
        (("make",), "invalid choice: 'make'"),
        (("create",), "--name"),
        (("create", "--name", ""), "a name has 1 to 100 characters"),
        (("create", "--name", "x", "--scope", "god"), "invalid choice: 'god'"),
        (("create", "--name", "x", "--expires", "soon"), "'soon' is not a time such as"),
        (("rotate", "nobody"), "there is no key 'nobody'"),
        (("remove", "nobody"), "there is no key 'nobody'"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(UserError) as error:
        keys_command(arguments, lambda: Store.open(f"sqlite:///{tmp_path / 'api.db'}"))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_database_that_nobody_has_migrated(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="copydesk-api migrate makes them"):
        keys_command(("list",), lambda: Store.open(f"sqlite:///{tmp_path / 'api.db'}", migrate=False))


def test_those_of_a_standalone_run_are_in_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys_of(StandaloneSettings(data_dir=tmp_path / "new"), ("create", "--name", "x")) == 0
    said = capsys.readouterr()
    assert "copydesk.db was not there and is made now: copydesk up with the same --data-dir serves it" in said.err
    token = said.out.strip()
    assert keys_of(StandaloneSettings(data_dir=tmp_path / "new"), ("list",)) == 0
    assert "made now" not in capsys.readouterr().err
    store = Store.open(f"sqlite:///{tmp_path / 'new' / 'copydesk.db'}")
    caller, _ = KeyStore(store.engine).find(token) or (None, None)
    store.close()
    assert caller is not None
    assert caller.scope is Scope.READ


@pytest.mark.parametrize("module", ["copydesk_api", "copydesk_standalone"])
def test_both_commands_have_it(tmp_path: Path, module: str) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
    ours = {"COPYDESK_API_DATABASE_URL": f"sqlite:///{tmp_path}/api.db", "COPYDESK_STANDALONE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", module, "keys", "create", "--name", "x", "--json"]
    done = subprocess.run(command, env={**others, **ours}, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    assert prefix_of(json.loads(done.stdout)["token"]) is not None


@pytest.mark.parametrize("asked", [["--help"], ["create", "--help"], ["create"], ["create", "--name", ""]])
def test_help_and_mistakes_make_no_database(tmp_path: Path, asked: list[str]) -> None:
    command = [sys.executable, "-m", "copydesk_standalone", "keys", "--data-dir", str(tmp_path / "data"), *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == (0 if "--help" in asked else 2), done.stderr
    assert not (tmp_path / "data").exists()
