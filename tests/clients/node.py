"""Runs the scripts in ``js`` with the packages of its lock file."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.tiers import unavailable

from .cache import locked

TIER = "javascript"
SCRIPTS = Path(__file__).parent / "js"
_MANIFESTS = ("package.json", "package-lock.json")
_INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


class NodeError(Exception):
    """A script failed; says what it wrote to standard error."""


def packages() -> Path:
    """The folder where the packages are, installed by the first process that asks for this lock file."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            unavailable(TIER, f"{command} is not installed")
    key = hashlib.sha256(b"".join((SCRIPTS / name).read_bytes() for name in _MANIFESTS)).hexdigest()[:16]
    with locked(f"clients-{key}") as folder:
        complete = folder / "complete"
        if not complete.exists():
            _install(folder)
            complete.touch()
    return folder


def _install(folder: Path) -> None:
    for name in _MANIFESTS:
        shutil.copy(SCRIPTS / name, folder)
    try:
        subprocess.run(_INSTALL, cwd=folder, check=True, capture_output=True, text=True, timeout=100)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no message"]
        unavailable(TIER, f"npm ci failed: {lines[0]}")
    except subprocess.TimeoutExpired:
        unavailable(TIER, "npm ci did not finish in 100 s")


def run(folder: Path, script: str, task: str, **arguments: Any) -> Any:
    """What the task printed as JSON. The script is read from standard input, so that its imports are looked for in
    ``folder``. Raises NodeError.
    """
    command = ["node", "--input-type=module", "-", task, json.dumps(arguments)]
    with (SCRIPTS / f"{script}.mjs").open() as source:
        ended = subprocess.run(
            command, cwd=folder, stdin=source, capture_output=True, text=True, timeout=60, check=False
        )
    if ended.returncode:
        raise NodeError(ended.stderr)
    return json.loads(ended.stdout)
