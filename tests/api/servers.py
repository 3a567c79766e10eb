"""Real servers for the tests: PostgreSQL in a temporary folder, and uvicorn in a thread."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from starlette.types import ASGIApp

from copydesk_standalone.probes import free_port
from tests.tiers import unavailable

BINARIES = Path("/usr/lib/postgresql")
START_SECONDS = 60.0
SUPERUSER = "copydesk"


def _postgres_programs() -> Path | None:
    found = sorted(BINARIES.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def _unprivileged(folder: Path) -> Mapping[str, Any]:
    """PostgreSQL refuses to run as root: then another user runs it and owns the folder."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return unavailable("postgres", "there is no user that PostgreSQL could run as")


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and server.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"PostgreSQL did not start: {log.read_text()[-2000:]}")


def _tell(processes: Iterable[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):  # a session that has ended meanwhile
            os.kill(pid, number)


class PostgresServer:
    """A server with its data in a folder of its own; it can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._run_as = _unprivileged(folder)
        self._port = free_port()
        self.url = f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/postgres"
        setup: list[str | Path] = [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(setup, check=True, capture_output=True, cwd=folder, **self._run_as)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self._folder / "log"
        options = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "fsync": "off",
        }
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._programs / "postgres", "-D", self._folder / "data", *flags]
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self._folder, **self._run_as)
        _wait(self.url, self._process, log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM waits for sessions to end, SIGINT ends them, SIGQUIT leaves everything as it lies."""
        self._process.send_signal(number)
        self._process.wait(60)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile it takes connections and questions, as far as the kernel does that for it, and answers nothing."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        stopped = [self._process.pid]
        self._process.send_signal(signal.SIGSTOP)  # so that there are no more of its processes than are read now
        try:
            stopped += map(int, children.read_text().split())
            _tell(stopped, signal.SIGSTOP)
            yield
        finally:
            _tell(stopped, signal.SIGCONT)


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A private server that ends with the test."""
    programs = _postgres_programs()
    if programs is None:
        unavailable("postgres", "PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="copydesk-postgres-"))
    try:
        server = PostgresServer(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGINT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a server: the one that is named by the environment, or a private one that ends with the tests."""
    if given := os.environ.get("COPYDESK_TEST_POSTGRES_URL"):
        yield given
        return
    with own_postgres() as server:
        yield server.url


@contextmanager
def serving(app: ASGIApp, *trusted_proxies: str) -> Iterator[str]:
    """The base URL of the app on a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxies = {"proxy_headers": bool(trusted_proxies), "forwarded_allow_ips": list(trusted_proxies)}
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, **proxies)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
