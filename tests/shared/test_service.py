"""A real service process: health, signals, the parent that goes away, mistakes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from copydesk_standalone.probes import free_port


@contextmanager
def _service(mode: str, port: int, **env: str) -> Iterator["subprocess.Popen[str]"]:
    settings = {"HEALTH_PORT": str(port), "DRAIN_SECONDS": "0.5", "LOG_FORMAT": "console", **env}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.shared.sample_service", mode],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **settings},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def _get(port: int, path: str) -> tuple[int, str]:
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def test_health_and_a_clean_stop() -> None:
    port = free_port()
    with _service("work", port) as process:
        status, body = _get(port, "/readyz")
        assert (status, json.loads(body)) == (200, {"ready": True, "parts": {"work": True}})
        assert _get(port, "/livez")[0] == 200
        assert _get(port, "/nothing")[0] == 404
        metrics = _get(port, "/metrics")[1]
        assert "copydesk_records_total" in metrics
        assert 'copydesk_ready{part="work"} 1.0' in metrics
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "finished" in out


def test_it_stops_when_its_parent_goes_away() -> None:
    port = free_port()
    with _service("work", port, EXIT_WITH_PARENT="true") as process:
        _get(port, "/livez")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_loop_that_does_not_stop_is_cancelled_after_the_drain_time(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with _service("stubborn", port) as process:
        _get(port, "/livez")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "did not finish in time" in errors


def test_a_second_signal_ends_it_at_once() -> None:
    port = free_port()
    with _service("stubborn", port, DRAIN_SECONDS="60") as process:
        _get(port, "/livez")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 128 + signal.SIGTERM


def test_a_crash_ends_the_process_so_that_it_is_started_again() -> None:
    with _service("crash", free_port()) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "RuntimeError: a bug" in errors


@pytest.mark.parametrize(
    ("mode", "env", "line"),
    [
        ("refuse", {}, "copydesk: error: the store cannot be used"),
        ("work", {"HEALTH_HOST": "192.0.2.1"}, "copydesk: error: sample health: 192.0.2.1:"),
        (
            "work",
            {"HEALTH_HOST": "no such host"},
            "copydesk: error: sample health: address 'no such host' cannot be used",
        ),
        ("work", {"DRAIN_SECONDS": "x"}, "copydesk: error: DRAIN_SECONDS='x'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(mode: str, env: dict[str, str], line: str) -> None:
    with _service(mode, free_port(), LOG_LEVEL="warning", **env) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2
        assert errors.startswith(line)
        assert errors.count("\n") == 1


SERVICES = ("copydesk_fetcher", "copydesk_cleaner", "copydesk_classifier", "copydesk_api")


@pytest.mark.parametrize("module", SERVICES)
@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("-h", 0), ("--port", 2), ("start", 2)])
def test_a_service_that_is_asked_for_help_does_not_start(module: str, argument: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, argument], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code
    said = done.stderr if code else done.stdout
    assert f"usage: python -m {module} (" in said
    assert "docs/settings.md" in said
    assert said.count("\n") == 1
    assert (argument in said) is (code == 2)


def test_a_health_port_that_is_taken_is_a_mistake_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        with _service("work", port, LOG_LEVEL="warning") as process:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 2
            assert (
                errors == f"copydesk: error: sample health: 127.0.0.1:{port} cannot be used: address already in use\n"
            )
