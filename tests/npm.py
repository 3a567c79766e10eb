"""Packages of the npm registry for tests: installed once into a cache, by the lock file beside their package.json."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.clients.cache import locked
from tests.tiers import unavailable

TIER = "javascript"
TIMEOUT_SECONDS = 100
_MANIFESTS = ("package.json", "package-lock.json")
_INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def install(folder: Path) -> Path:
    """The folder that has the node_modules which the manifests in ``folder`` ask for.

    The first process that asks for these manifests installs them, the others wait for it. Without node or the network
    the tier is unavailable.
    """
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            unavailable(TIER, f"{command} is not installed")
    key = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _MANIFESTS)).hexdigest()[:16]
    with locked(f"npm-{key}") as cached:
        complete = cached / "complete"
        if not complete.exists():
            _install(folder, cached)
            complete.touch()
    return cached


def _install(manifests: Path, cached: Path) -> None:
    for name in _MANIFESTS:
        shutil.copy(manifests / name, cached)
    try:
        subprocess.run(_INSTALL, cwd=cached, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no message"]
        unavailable(TIER, f"npm ci failed: {lines[0]}")
    except subprocess.TimeoutExpired:
        unavailable(TIER, f"npm ci did not finish in {TIMEOUT_SECONDS} s")
