"""Real servers for the tests: PostgreSQL in a temporary folder, and uvicorn in a thread."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from starlette.types import ASGIApp

from copydesk_standalone.probes import free_port
from tests.tiers import unavailable

BINARIES = Path("/usr/lib/postgresql")
START_SECONDS = 20.0
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


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a server: the one that is named by the environment, or a private one that ends with the tests."""
    if given := os.environ.get("COPYDESK_TEST_POSTGRES_URL"):
        yield given
        return
    programs = _postgres_programs()
    if programs is None:
        unavailable("postgres", "PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="copydesk-postgres-"))
    try:
        yield from _private_postgres(programs, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_postgres(programs: Path, folder: Path) -> Iterator[str]:
    run_as = _unprivileged(folder)
    data, log, port = folder / "data", folder / "log", free_port()
    setup = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(setup, check=True, capture_output=True, cwd=folder, **run_as)
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
    flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *flags], stdout=output, stderr=output, cwd=folder, **run_as
        )
    url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
    try:
        _wait(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The base URL of the app on a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
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
