"""Secrets from files: their one line is the value, and no complaint shows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from copydesk_shared.errors import SettingsError
from copydesk_shared.secret_files import MOST_BYTES, from_file
from copydesk_shared.settings import ServiceSettings, load_settings


class VaultSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="COPYDESK_VAULT_")

    word: Annotated[SecretStr | None, Field(min_length=1)] = None
    word_file: Path | None = None

    _word = model_validator(mode="before")(from_file("word", "word"))


@pytest.mark.parametrize("content", ["open sesame", "open sesame\n", "open sesame\r\n"])
def test_the_one_line_of_the_file_is_the_value(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text(content)
    monkeypatch.setenv("COPYDESK_VAULT_WORD_FILE", str(tmp_path / "word"))
    word = load_settings(VaultSettings).word
    assert word is not None
    assert word.get_secret_value() == "open sesame"


def test_without_a_file_the_variable_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(VaultSettings).word is None
    monkeypatch.setenv("COPYDESK_VAULT_WORD", "direct")
    assert str(load_settings(VaultSettings).word) == "**********"


def _nothing(_path: Path) -> None:
    """Leave the file away."""


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_nothing, "there is no file"),
        (Path.mkdir, "there is no file"),
        (lambda path: path.write_text(""), "must hold one line: the word"),
        (lambda path: path.write_text("hunter\n2"), "must hold one line: the word"),
        (lambda path: path.write_bytes(b"hunter\xff"), "is not UTF-8"),
        (lambda path: path.write_text("hunter" * MOST_BYTES), f"is larger than {MOST_BYTES} bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_without_the_secret(
    make: Callable[[Path], object], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "word")
    monkeypatch.setenv("COPYDESK_VAULT_WORD_FILE", str(tmp_path / "word"))
    with pytest.raises(SettingsError) as caught:
        load_settings(VaultSettings)
    assert str(caught.value).startswith("COPYDESK_VAULT_WORD_FILE ")
    assert problem in str(caught.value)
    assert "hunter" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_both_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text("hunter2")
    monkeypatch.setenv("COPYDESK_VAULT_WORD", "hunter3")
    monkeypatch.setenv("COPYDESK_VAULT_WORD_FILE", str(tmp_path / "word"))
    with pytest.raises(SettingsError, match=r"^COPYDESK_VAULT_WORD_FILE cannot be set together with WORD$"):
        load_settings(VaultSettings)
