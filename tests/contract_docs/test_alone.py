"""``shared`` by itself: what a subscriber installs who wants the models."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_shared.topics import CLASSIFIED
from tests.tiers import unavailable
from tools.contract import samples

ROOT = Path(__file__).parent.parent.parent
TIER = "packages"
NETWORK = (
    "error sending request",
    "failed to fetch",
    "dns error",
    "network was disabled",
    "network connectivity is disabled",
)
# A reader of the models needs no client of Kafka, no server and no metrics.
READER = """
import importlib.metadata, json, sys
from copydesk_shared.log import Record
from copydesk_shared.removals import restore
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import decode

told = json.load(sys.stdin)
record = Record(CLASSIFIED.name, 0, 0, told["key"].encode(), told["value"].encode())
article = decode(CLASSIFIED, record)
json.dump({
    "title": article.title,
    "tags": [tag.tag for tag in article.tags],
    "restored": restore(article).splitlines(),
    "copydesk": sorted(each.name for each in importlib.metadata.distributions() if each.name.startswith("copydesk")),
    "heavy": sorted({"aiokafka", "uvicorn", "structlog", "prometheus_client", "yaml", "anyio"} & sys.modules.keys()),
}, sys.stdout)
"""


def uv(*arguments: str) -> None:
    """Run uv: without the network if that will do, else with it."""
    found = shutil.which("uv", path=f"{ROOT / '.tools'}{os.pathsep}{os.environ.get('PATH', '')}")
    command = [found or unavailable(TIER, "uv is not installed"), *arguments, "--quiet"]
    for more in (["--offline"], ["--system-certs"]):
        ended = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
        if ended.returncode == 0:
            return
    if any(word in ended.stderr.lower() for word in NETWORK):
        unavailable(TIER, f"uv {arguments[0]} needs packages that cannot be had now")
    pytest.fail(f"uv {arguments[0]}: {ended.stderr}")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel of ``shared`` and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    uv("build", "--package", "copydesk-shared", "--wheel", "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    uv("venv", "--python", sys.executable, str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--python", str(python), str(wheel))
    return python


def test_the_models_are_used_without_the_services(alone: Path) -> None:
    record = samples.message(CLASSIFIED, "classifier")
    assert record.key is not None
    assert record.value is not None
    told = json.dumps({"key": record.key.decode(), "value": record.value.decode()})
    ended = subprocess.run(
        [alone, "-I", "-W", "error", "-c", READER],
        cwd="/", input=told, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "title": "Harbour airport reopens after nine days",
        "tags": ["aviation"],
        "restored": [
            "Harbour airport reopens after nine days",
            "Harbour airport reopened on Sunday, nine days after a storm closed its runway.",
            "Photo: A. Quay/Harbour Pictures",
            "READ MORE: Ferry fares to rise in spring",
            "The first flight left at noon. Airlines expect all flights to run from Monday.",
        ],
        "copydesk": ["copydesk-shared"],
        "heavy": [],
    }
