"""checkov, with what we mean to be so written down. It has a hundred dependencies: uv runs it beside ours."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import OVERLAYS
from tests.tiers import unavailable
from tools.manifests.render import K8S, KUBECTL

ROOT = Path(__file__).parents[2]
UV = ROOT / ".tools" / "uv"
CHECKOV = "checkov==3.3.30"
OPTIONS = ["--framework", "kubernetes", "--skip-download", "--compact", "--quiet", "-o", "json", "-d"]
SECONDS = 280


def report_on(folder: Path) -> Any:
    """What checkov says of the files in a folder; skipped, or failed where required, when it cannot be had."""
    if not UV.is_file():
        unavailable("checkov", "there is no .tools/uv: run make setup")
    done = subprocess.run(
        [UV, "tool", "run", "--system-certs", "--from", CHECKOV, "checkov", *OPTIONS, folder],
        capture_output=True, text=True, check=False, timeout=SECONDS, cwd=folder,
    )  # fmt: skip
    if not done.stdout.startswith("{"):
        unavailable("checkov", (done.stderr.strip().splitlines() or ["it says nothing"])[-1])
    return json.loads(done.stdout)


@pytest.mark.timeout(SECONDS + 20)
def test_checkov_finds_what_is_meant_and_nothing_else(tmp_path: Path) -> None:
    for name in OVERLAYS:
        with (tmp_path / f"{name}.yaml").open("w") as file:
            subprocess.run([KUBECTL, "kustomize", K8S / "overlays" / name], stdout=file, check=True)
    report = report_on(tmp_path)
    found = {
        name: {each["check_id"] for each in report["results"]["failed_checks"] if each["file_path"] == f"/{name}.yaml"}
        for name in OVERLAYS
    }
    meant = tomllib.loads((Path(__file__).parent / "checkov.toml").read_text())
    assert found == {name: set(meant[name]) for name in OVERLAYS}
    assert report["summary"]["passed"] > 1000
    assert report["summary"]["parsing_errors"] == 0
