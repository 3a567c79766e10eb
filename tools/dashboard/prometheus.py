"""A Prometheus of our own on loopback, and what it answers."""

import json
import math
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from copydesk_shared.errors import InputError
from copydesk_standalone.probes import free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0
# What Grafana puts in: at least four times the interval of the scrapes.
RATE_INTERVAL, SCRAPES_IN_IT = "$__rate_interval", 4
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A line: its labels, and its values by time, in seconds since the epoch."""

    labels: Mapping[str, str]
    points: Sequence[Point]


@dataclass(frozen=True)
class Prometheus:
    """Where it answers, and how often it asks the services, in seconds."""

    url: str
    interval: int

    def instant(self, expression: str) -> list[Series]:
        """What the expression is now."""
        found = self._ask("query", expression, {})
        return _series((each["metric"], [each["value"]]) for each in found)

    def between(self, expression: str, start: float, end: float) -> list[Series]:
        """What it was, at each interval."""
        found = self._ask("query_range", expression, {"start": start, "end": end, "step": self.interval})
        return _series((each["metric"], each["values"]) for each in found)

    def up(self) -> int:
        """How many of the services were asked and answered."""
        return sum(int(series.points[0][1]) for series in self.instant("up"))

    def _ask(self, path: str, expression: str, more: Mapping[str, float]) -> list[Any]:
        query = expression.replace(RATE_INTERVAL, f"{SCRAPES_IN_IT * self.interval}s")
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode({'query': query, **more})}") as answer:  # noqa: S310 - of loopback
            result: list[Any] = json.load(answer)["data"]["result"]
        return result


def _series(found: Iterable[tuple[Mapping[str, str], Sequence[Sequence[Any]]]]) -> list[Series]:
    """The lines that have a point: a quantile of nothing is no number."""
    lines = [
        Series(labels, [(float(at), number) for at, value in values if not math.isnan(number := float(value))])
        for labels, values in found
    ]
    return [line for line in lines if line.points]


@contextmanager
def running_prometheus(targets: Sequence[str], interval: int) -> Iterator[Prometheus]:
    """One that asks these ``HOST:PORT`` for ``/metrics``. Raises :class:`InputError` where the program is not there."""
    program = shutil.which("prometheus")
    if program is None:
        raise InputError("prometheus is not installed (Debian: prometheus)")
    with tempfile.TemporaryDirectory(prefix="copydesk-prometheus-", ignore_cleanup_errors=True) as name:
        folder, address = Path(name), f"127.0.0.1:{free_port()}"
        every = f"{interval}s"
        asked = {"job_name": "copydesk", "static_configs": [{"targets": [*targets]}]}
        said = {"global": {"scrape_interval": every, "scrape_timeout": every}, "scrape_configs": [asked]}
        (folder / "prometheus.json").write_text(json.dumps(said), encoding="utf-8")  # YAML takes JSON
        command = [program, f"--config.file={folder / 'prometheus.json'}", f"--storage.tsdb.path={folder / 'data'}",
                   f"--web.listen-address={address}", "--log.level=error"]  # fmt: skip
        with subprocess.Popen(command) as process:  # noqa: S603 - our own arguments
            try:
                _wait(f"http://{address}/-/ready", process)
                yield Prometheus(f"http://{address}", interval)
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - of loopback
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise InputError("prometheus does not answer")
