"""The whole pipeline as a user starts it: the ``copydesk`` command in a process of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import psutil

from copydesk_standalone.probes import free_port


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


class Pipeline:
    """``copydesk up`` or ``copydesk demo`` on free ports; leaves no process behind."""

    def __init__(self, *arguments: str, data_dir: Path, env: dict[str, str] | None = None) -> None:
        self.api_port, self.kafka_port = free_port(), free_port()
        self._arguments = [
            *arguments,
            "--data-dir",
            str(data_dir),
            "--api-port",
            str(self.api_port),
            "--kafka-port",
            str(self.kafka_port),
        ]
        self._env = env or {}
        self._log = data_dir.parent / f"{data_dir.name}.log"
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "copydesk_standalone", *self._arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self._env},
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            left = self.children()
            self.process.kill()
            self.process.wait()
            for child in left:
                if child.is_running():
                    child.kill()
            psutil.wait_procs(left, timeout=10)
        if kind is not None:
            sys.stderr.write(self.output()[-8000:])

    def output(self) -> str:
        return self._log.read_bytes()[self._log_start :].decode(errors="replace")

    def wait_ready(self, seconds: float = 180) -> None:
        until(lambda: "web page" in self.output() or self._ended(), seconds, "ready")
        assert not self._ended(), self.output()

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def child(self, module: str) -> psutil.Process | None:
        """The direct child that runs this module."""
        assert self.process is not None
        for each in psutil.Process(self.process.pid).children():
            try:
                if module in each.cmdline():
                    return each
            except psutil.Error:
                continue
        return None

    def get(self, path: str, **parameters: object) -> tuple[int, Any]:
        """Status and JSON; status 0 while nobody answers."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=10)
        try:
            connection.request("GET", path + query)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def articles(self, **parameters: object) -> list[dict[str, Any]]:
        """Every article of the feed, through all its pages."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, object] = {}
        while True:
            status, body = self.get("/v1/articles", limit=200, **parameters, **cursor)
            if status != 200:
                return []
            items += body["items"]
            if body["next"] is None:
                return items
            cursor = {"cursor": body["next"]}

    def changes(self) -> list[dict[str, Any]]:
        """Every change from the start, as a poller sees it."""
        items: list[dict[str, Any]] = []
        after: dict[str, object] = {}
        while True:
            status, body = self.get("/v1/changes", limit=100, **after)
            assert status == 200
            if not body["items"]:
                return items
            items += body["items"]
            after = {"after": body["next"]}

    def interrupt(self, seconds: float = 30) -> int:
        """Ctrl-C; the exit code. Fails when it takes longer than that."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)
