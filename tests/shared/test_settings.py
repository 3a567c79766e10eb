import re
from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from copydesk_shared.errors import SettingsError
from copydesk_shared.settings import PROGRAMS, ServiceSettings, load_settings, variable_of
from copydesk_standalone.settings_command import PROGRAMS as MODELS

ROOT = Path(__file__).parents[2]


class SampleSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="COPYDESK_SAMPLE_")

    tries: int = 3


def test_the_environment_wins_over_the_default_and_an_argument_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(SampleSettings).tries == 3
    monkeypatch.setenv("COPYDESK_SAMPLE_TRIES", "5")
    assert load_settings(SampleSettings).tries == 5
    assert load_settings(SampleSettings, tries=7).tries == 7


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("TRIES", "many", "valid integer"),
        ("TRIES", "", "valid integer"),
        ("HEALTH_PORT", "70000", "less than or equal to 65535"),
        ("DRAIN_SECONDS", "0", "greater than 0"),
        ("DRAIN_SECONDS", "nan", "COPYDESK_SAMPLE_DRAIN_SECONDS"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("BOOTSTRAP_SERVERS", "kafka", "not host:port"),
        ("BOOTSTRAP_SERVERS", "a:1,b:99999", "'b:99999' is not host:port"),
        ("EXIT_WITH_PARENT", "perhaps", "boolean"),
    ],
)
def test_a_bad_value_is_one_line_with_the_variable(
    variable: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"COPYDESK_SAMPLE_{variable}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings(SampleSettings)
    text = str(caught.value)
    assert text.startswith(f"COPYDESK_SAMPLE_{variable}=")
    assert problem in text
    assert "\n" not in text


def test_a_misspelt_variable_is_refused_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_SAMPLE_TIRES", "5")
    with pytest.raises(
        SettingsError, match="COPYDESK_SAMPLE_TIRES is not a setting; did you mean COPYDESK_SAMPLE_TRIES"
    ):
        load_settings(SampleSettings)


@pytest.mark.parametrize(
    ("variable", "likely"),
    [
        ("COPYDESK_SAMPEL_TRIES", "; did you mean COPYDESK_SAMPLE_TRIES?"),
        ("COPYDESK_APY_PORT", ""),
        ("COPYDESK_HEALTH_PORT", "; did you mean COPYDESK_SAMPLE_HEALTH_PORT?"),
        ("COPYDESK_OX", ""),
    ],
)
def test_a_variable_of_nobody_is_refused(variable: str, likely: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "5")
    with pytest.raises(SettingsError) as caught:
        load_settings(SampleSettings)
    assert str(caught.value) == f"{variable} is not a setting{likely}"


def test_variables_of_other_programs_and_of_compose_are_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    read = set(re.findall(r"\$\{(COPYDESK_\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert len(read) > 10
    for variable in (*read, "COPYDESK_CLEANER_NONE", "COPYDESK_STANDALONE_NONE"):
        monkeypatch.setenv(variable, "5")
    assert load_settings(SampleSettings).tries == 3


def test_the_programs_are_those_that_have_settings() -> None:
    assert sorted(variable_of(model, "") for model in MODELS.values()) == sorted(
        f"COPYDESK_{each}" for each in PROGRAMS
    )


def test_waits_of_the_tiers_that_do_not_rise_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_SAMPLE_RETRY_LONG_SECONDS", "60")
    with pytest.raises(SettingsError) as caught:
        load_settings(SampleSettings)
    assert (
        str(caught.value) == "COPYDESK_SAMPLE_RETRY_LONG_SECONDS is less than the 300 seconds of retry_medium_seconds"
    )
