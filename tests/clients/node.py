"""Runs the scripts in ``js``, where ``tests.npm`` installed the packages of its lock file."""

import json
import subprocess
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "js"


class NodeError(Exception):
    """A script failed; says what it wrote to standard error."""


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
