"""Compiles ``java/Client.java`` against Kafka's own jars, and runs it."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.tiers import unavailable
from tools import kafka_jars

from .cache import locked

TIER = "java"
SOURCE = Path(__file__).parent / "java" / "Client.java"
_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off")


class JavaError(Exception):
    """The program failed; says what it wrote to standard error."""


def class_path() -> str:
    """The compiled client and the jars, made by the first process that asks for this source and version."""
    try:
        kafka_jars.java()
        jars = kafka_jars.class_path()
    except kafka_jars.Unavailable as error:
        unavailable(TIER, str(error))
    compiler = shutil.which("javac") or unavailable(TIER, "there is no javac on the PATH")
    key = hashlib.sha256(SOURCE.read_bytes() + jars.encode()).hexdigest()[:16]
    with locked(f"java-{key}") as folder:
        if not (folder / "Client.class").exists():
            subprocess.run([compiler, "-cp", jars, "-d", folder, SOURCE], check=True, timeout=100)
    return f"{folder}:{jars}"


def run(class_path: str, task: str, **arguments: Any) -> Any:
    """What the task printed as JSON. Raises JavaError."""
    command = [kafka_jars.java(), *_OPTIONS, "-cp", class_path, "Client", task, json.dumps(arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if ended.returncode:
        raise JavaError(ended.stderr)
    return json.loads(ended.stdout)
