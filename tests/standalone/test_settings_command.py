"""``copydesk settings``: all of them, what is set here, nothing that is secret, and what would be refused."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from copydesk_shared.errors import SettingsError
from copydesk_shared.settings import variable_of
from copydesk_standalone.cli import copydesk
from copydesk_standalone.settings_command import PROGRAMS, rows


def run(*arguments: str) -> Result:
    return CliRunner().invoke(copydesk, ["settings", *arguments])


def told(*arguments: str) -> Any:
    done = run(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["programs"]


def test_every_setting_of_every_program_is_told() -> None:
    found = told()
    for name, model in PROGRAMS.items():
        assert [row["variable"] for row in found[name]] == [variable_of(model, field) for field in model.model_fields]
        assert all(row["what"] for row in found[name])
        for row in found[name]:
            assert f"  {row['variable']}=" in run(name).stdout


def test_the_choices_are_the_programs() -> None:
    assert list(copydesk.commands["settings"].params[0].type.choices) == list(PROGRAMS)  # type: ignore[attr-defined]


def test_what_is_set_here_stands_beside_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_WORKERS", "7")
    (row,) = (row for row in told("cleaner")["cleaner"] if row["given"] is not None)
    assert (row["variable"], row["given"]) == ("COPYDESK_CLEANER_WORKERS", "7")
    assert "COPYDESK_CLEANER_WORKERS=7   (set here; without it " in run("cleaner").stdout
    assert "COPYDESK_CLEANER_HEALTH_PORT=9090\n" in run("cleaner").stdout


@pytest.mark.parametrize(
    ("program", "variable"),
    [
        ("api", "COPYDESK_API_DATABASE_URL"),
        ("api", "COPYDESK_API_ADMIN_KEY"),
        ("standalone", "COPYDESK_STANDALONE_DATABASE_URL"),
        ("cleaner", "COPYDESK_CLEANER_KAFKA_SASL_PASSWORD"),
        ("fetcher", "COPYDESK_FETCHER_KAFKA_SSL_KEY_PASSWORD"),
        ("fetcher", "COPYDESK_FETCHER_WEBSUB_SECRET"),
    ],
)
def test_a_secret_is_not_shown(program: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "postgresql://user:t0psecret@db/x")
    done = run(program)
    assert "t0psecret" not in done.output + str(done.exception)
    assert f"{variable}=(not shown)" in done.stdout


def test_whatever_names_a_password_or_a_key_is_a_secret() -> None:
    for model in PROGRAMS.values():
        for name in model.model_fields:
            if name.endswith(("password", "secret", "admin_key", "database_url")):
                (row,) = (row for row in _with(model, name) if row.given)
                assert row.given == "(not shown)", row.variable


def _with(model: Any, name: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable_of(model, name), "x")
        return list(rows(model))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "COPYDESK_CLEANER_WORKRES",
            "2",
            "COPYDESK_CLEANER_WORKRES is not a setting; did you mean COPYDESK_CLEANER_WORK",
        ),
        ("COPYDESK_APY_PORT", "1", "COPYDESK_APY_PORT is not a setting; did you mean COPYDESK_API_PORT?"),
        ("COPYDESK_API_PORT", "70000", "COPYDESK_API_PORT='70000': "),
    ],
)
def test_what_would_be_refused_is_told_at_the_end(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    done = run()
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception).startswith(said)
    assert "COPYDESK_STANDALONE_VERBOSE=False" in done.stdout
