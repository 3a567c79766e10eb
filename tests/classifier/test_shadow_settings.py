"""The setting that puts a taxonomy on trial."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_classifier.settings import ClassifierSettings
from copydesk_shared.settings import load_settings
from tests.classifier.samples import TAG_FILE, folder

BROKEN = TAG_FILE.replace("threshold: 2.0", "threshold: 9.0")


def _settings(monkeypatch: pytest.MonkeyPatch, value: str) -> ClassifierSettings:
    monkeypatch.setenv("COPYDESK_CLASSIFIER_SHADOW_TAXONOMY", value)
    return load_settings(ClassifierSettings)


def test_nothing_is_on_trial_when_the_setting_is_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert [_settings(monkeypatch, value).shadow_taxonomy for value in ("", " ")] == [None, None]
    assert _settings(monkeypatch, str(tmp_path)).shadow_taxonomy == tmp_path


def test_a_bad_candidate_stops_the_start_with_one_line(tmp_path: Path) -> None:
    folder(tmp_path, BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "copydesk_classifier"],
        env={**os.environ, "COPYDESK_CLASSIFIER_SHADOW_TAXONOMY": str(tmp_path)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"{tmp_path}/a.yaml:39: tests.positive[0]: does not get the tag 'ferry'" in line
