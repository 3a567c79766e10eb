"""The publisher as a process: real sockets, signals and the end of its input."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from copydesk_shared.errors import SettingsError
from copydesk_standalone.demo.__main__ import main
from copydesk_standalone.demo.server import listen

COMMAND = (sys.executable, "-m", "copydesk_standalone.demo")


@contextmanager
def publisher(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL it says it is ready at; killed at the end if it still runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("publisher ready http://127.0.0.1:"), line
            assert line.endswith("/\n")
            yield process, line.split()[-1]
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_it_serves_over_http_until_sigterm() -> None:
    with publisher("--port", "0") as (process, url):
        with urllib.request.urlopen(f"{url}rss.xml?utm_source=x", timeout=10) as answer:
            body, etag = answer.read().decode(), answer.headers["ETag"]
            assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert f"<link>{url}world/" in body
        with pytest.raises(urllib.error.HTTPError) as unchanged:
            urllib.request.urlopen(urllib.request.Request(f"{url}rss.xml", headers={"If-None-Match": etag}), timeout=10)
        with unchanged.value as answer:
            assert answer.code == 304
        process.send_signal(signal.SIGTERM)
        assert finish(process) == (0, "", "")


def test_head_has_no_body_and_other_methods_are_refused() -> None:
    with publisher("--port", "0") as (_, url):
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
            assert int(answer.headers["Content-Length"]) > 0
            assert answer.read() == b""
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}newsletter", data=b"email=a", timeout=10)
        with refused.value as answer:
            assert (answer.code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_new_articles_appear_at_the_pace_that_was_asked_for() -> None:
    with publisher("--port", "0", "--every-seconds", "0.01", "--started", "2024-01-31T09:00:00+00:00") as (_, url):
        with urllib.request.urlopen(f"{url}wire.xml", timeout=10) as answer:
            body = answer.read().decode()
        assert body.count("<item>") == 4
        assert body.count("Wed, 31 Jan 2024 ") == 5


def test_sigint_stops_it_quietly() -> None:
    with publisher("--port", "0") as (process, _):
        process.send_signal(signal.SIGINT)
        assert finish(process) == (0, "", "")


def test_it_stops_with_its_parent_when_asked_to() -> None:
    with publisher("--port", "0", "--exit-with-parent") as (process, _):
        assert process.stdin is not None
        process.stdin.write("this is not the end\n")
        process.stdin.flush()
        assert finish(process) == (0, "", "")


def test_it_ignores_the_end_of_input_otherwise() -> None:
    with publisher("--port", "0") as (process, url):
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert finish(process) == (0, "", "")


def test_an_idle_client_does_not_hold_up_the_stop() -> None:
    with publisher("--port", "0") as (process, url):
        port = int(url.rsplit(":", 1)[1].rstrip("/"))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            process.send_signal(signal.SIGTERM)
            code, _, _ = finish(process)
        assert code == 0


def test_a_port_that_is_taken_is_one_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("--port", str(port)) == (
            2,
            "",
            f"publisher: cannot listen on 127.0.0.1:{port}: Address already in use\n",
        )


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--port", "http"),
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "0", "--every-seconds", "0"),
        ("--port", "0", "--every-seconds", "nan"),
        ("--port", "0", "--every-seconds", "soon"),
        ("--port", "0", "--started", "yesterday"),
        ("--port", "0", "--started", "2024-01-31T09:00:00"),
        ("--port", "0", "--colour"),
    ],
    ids=" ".join,
)
def test_a_mistake_in_the_options_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("publisher: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "localhost", "", "127.0.0.1.example"])
def test_it_binds_loopback_addresses_only(host: str) -> None:
    with pytest.raises(SettingsError, match="listens on loopback only"):
        listen(host, 0)
