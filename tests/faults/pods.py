"""Services as Kubernetes would run them: a process each, settings by environment, restarted when they end."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import psutil
from prometheus_client.parser import text_string_to_metric_families

DRAIN_SECONDS = 8.0
GRACE_SECONDS = DRAIN_SECONDS + 7.0
ORPHAN_SECONDS = 60.0  # on a busy machine, one that is still starting takes long to notice
PATIENCE_SECONDS = 120.0  # what takes a second where nothing else runs
URLS = {"health": re.compile(rb'"health": "([^"]+)"'), "api": re.compile(rb'"url": "([^"]+)"')}

Counts = dict[tuple[str, ...], float]


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something; fails after that long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def get(url: str, path: str, **parameters: object) -> tuple[int, bytes]:
    """Status and body; status 0 while nobody answers."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("GET", path + query)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def samples(exposition: bytes, name: str, *labels: str) -> Counts:
    """The values of a metric that are not 0, by these labels, summed over all others."""
    found: Counts = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            if sample.name == name and sample.value:
                key = tuple(sample.labels[label] for label in labels)
                found[key] = found.get(key, 0.0) + sample.value
    return found


def outcomes(exposition: bytes) -> Counts:
    """What was counted, by stage, outcome and reason."""
    return samples(exposition, "copydesk_records_total", "stage", "outcome", "reason")


class Pod:
    """One replica of a service: ``name`` is unique, ``module`` what runs, ``env`` its settings."""

    def __init__(self, name: str, module: str, folder: Path, env: Mapping[str, str], *arguments: str) -> None:
        self.name = name
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.farewells: list[bytes] = []
        self.orphans: list[psutil.Process] = []
        self._command = (module, *arguments)
        self._folder = folder
        self._env = env
        self._since = 0
        self._is_ended = True

    @property
    def log_file(self) -> Path:
        return self._folder / f"{self.name}.log"

    @property
    def _farewell(self) -> Path:
        return self._folder / f"{self.name}.metrics"

    def start(self) -> None:
        """Start the process."""
        self._since = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._farewell.unlink(missing_ok=True)
        self._is_ended = False
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.farewell", str(self._farewell), *self._command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self._env},
            )  # fmt: skip

    def log(self) -> str:
        """What the process that runs now said so far."""
        return self.log_file.read_bytes()[self._since :].decode(errors="replace")

    def url(self, what: str = "health") -> str:
        """Where it answers; empty while it has not said."""
        said = URLS[what].search(self.log_file.read_bytes()[self._since :]) if self.log_file.exists() else None
        return said[1].decode() if said else ""

    def ask(self, path: str) -> tuple[int, Any]:
        """Status and JSON of its health address; status 0 while it does not answer."""
        status, body = get(self.url(), path) if self.url() else (0, b"")
        return status, json.loads(body) if status else None

    def is_ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def scrape(self) -> bytes:
        """Its metrics; empty while it does not answer."""
        return get(self.url(), "/metrics")[1] if self.url() else b""

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        found = []
        if self.process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self.process.pid).children():
                    with contextlib.suppress(psutil.NoSuchProcess):
                        found += [child] if "anyio.to_process" in child.cmdline() else []
        return found

    def kill(self) -> None:
        """``kill -9``; see :meth:`assert_no_orphans` for its workers."""
        assert self.process is not None
        self.orphans += self.workers()
        self._is_ended = True
        self.process.kill()
        self.process.wait()

    def assert_no_orphans(self) -> None:
        """The workers of a service that was killed end when they next look for work."""
        _, left = psutil.wait_procs(self.orphans, timeout=ORPHAN_SECONDS)
        assert not left, f"{self.name}: workers outlive their service: {left}"

    def terminate(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """SIGTERM, exit code 0 within the grace period; its last counters are kept."""
        self.terminate()
        self.stopped()

    def stopped(self) -> None:
        """See that it ends well after SIGTERM."""
        assert self.process is not None
        self._is_ended = True
        try:
            code = self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not stop within {GRACE_SECONDS:g} s: {self.log()[-4000:]}") from None
        assert code == 0, f"{self.name} ended with {code}: {self.log()[-4000:]}"
        self.farewells.append(self._farewell.read_bytes())

    def tend(self) -> None:
        """Start it again where it was killed. Fails when it ended by itself."""
        self.check()
        if not self.is_running():
            self.restarts += 1
            self.start()

    def check(self) -> None:
        """Fails when it ended by itself."""
        if self.process is not None and not self.is_running():
            assert self._is_ended, f"{self.name} ended with {self.process.returncode}: {self.log()[-4000:]}"

    def end(self) -> None:
        """Leave no process behind."""
        if self.process is not None and self.is_running():
            self.terminate()
            try:
                self.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Fleet:
    """The pods of a test. ``servers`` are the brokers."""

    def __init__(self, servers: str, folder: Path) -> None:
        self._servers = servers
        self._folder = folder
        self.pods: dict[str, Pod] = {}

    def add(
        self, service: str, *, name: str = "", module: str = "", named: bool = False, arguments: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None, **settings: object,
    ) -> Pod:  # fmt: skip
        """Start a replica of a service. ``named``: it comes back to its partitions under its name (KIP-345)."""
        name = name or service
        given = {
            "bootstrap_servers": self._servers,
            "health_port": 0,
            "drain_seconds": DRAIN_SECONDS,
            "retry_short_seconds": 1,
            "retry_medium_seconds": 2,
            "retry_long_seconds": 3,
            **({"instance_id": name} if named else {}),
            **(DEFAULTS.get(service, {})),
            **settings,
        }
        env = {f"COPYDESK_{service}_{setting}".upper(): str(value) for setting, value in given.items()}
        env |= variables or {}
        pod = Pod(name, module or f"copydesk_{service}", self._folder, env, *arguments)
        self.pods[name] = pod
        pod.start()
        return pod

    def tend(self) -> None:
        """Restart what was killed."""
        for pod in self.pods.values():
            pod.tend()

    def stop(self) -> None:
        """All that run, at once; see :meth:`Pod.stop`."""
        running = [pod for pod in self.pods.values() if pod.is_running()]
        for pod in running:
            pod.terminate()
        for pod in running:
            pod.stopped()

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for something; fails after that long, and when a pod ends by itself."""

        def look() -> bool:
            for pod in self.pods.values():
                pod.check()
            return condition()

        until(look, what, seconds)

    def counted(self, stage: str) -> Counts:
        """The outcomes that the processes of a stage said farewell with, by outcome and reason."""
        total: Counts = {}
        for pod in self.pods.values():
            for exposition in pod.farewells:
                for (name, *key), value in outcomes(exposition).items():
                    if name == stage:
                        total[tuple(key)] = total.get(tuple(key), 0.0) + value
        return total

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pod in self.pods.values():
            if pod.is_running():
                pod.terminate()
        for pod in self.pods.values():
            pod.end()
            if kind is not None:
                sys.stderr.write(f"--- {pod.name}\n{pod.log()[-3000:]}\n")


DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "fetcher": {
        "allow_networks": "127.0.0.0/8",
        "user_agent": "copydesk-tests (+http://localhost/)",
        "per_host_delay_seconds": 0,
        "per_host_concurrency": 4,
        "feed_entries": 10_000,
    },
    "cleaner": {"workers": 1},
    "api": {"port": 0},
}
