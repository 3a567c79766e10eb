"""The process: it serves while the broker is away, stops when told, and says in one line what it cannot use."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from copydesk_api.__main__ import make_loops
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.errors import SettingsError
from copydesk_standalone.probes import free_port
from tests.api.samples import article

COMMAND = [sys.executable, "-m", "copydesk_api"]


def environment(folder: Path, **settings: object) -> dict[str, str]:
    ours = {
        "BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": f"sqlite:///{folder / 'api.db'}",
        "HEALTH_PORT": free_port(),
        "PORT": free_port(),
        **settings,
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
    return others | {f"COPYDESK_API_{name}": str(value) for name, value in ours.items()}


def refused(folder: Path, **settings: object) -> str:
    done = subprocess.run(
        COMMAND, env=environment(folder, **settings), capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("copydesk")
    assert done.stderr.count("\n") == 1
    return done.stderr


@contextmanager
def running(env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(COMMAND, env=dict(env), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the service did not start")


def test_it_serves_without_a_broker_and_stops_when_told(tmp_path: Path) -> None:
    env = environment(tmp_path)
    store = Store.open(env["COPYDESK_API_DATABASE_URL"])
    store.write([("a", article("a"))], {0: 1})
    store.close()
    base_url = f"http://127.0.0.1:{env['COPYDESK_API_PORT']}"
    health = f"http://127.0.0.1:{env['COPYDESK_API_HEALTH_PORT']}"
    with running(env) as process:
        assert wait_for(f"{base_url}/v1/articles/a", process).json()["article_id"] == "a"
        assert httpx.get(f"{base_url}/", headers={"accept": "text/html"}).status_code == 200
        assert httpx.get(f"{health}/livez").status_code == 200
        assert httpx.get(f"{health}/readyz").status_code == 503  # the index has no broker
        assert httpx.get(f"{health}/readyz/serve").json() == {"ready": True, "why_not": ""}
        index = httpx.get(f"{health}/readyz/api")
        assert (index.status_code, index.json()["ready"]) == (503, False)
        assert httpx.get(f"{health}/readyz/nobody").status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_database_url_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:hunter2@127.0.0.1:1/d\n")
    others = {name: value for name, value in environment(tmp_path).items() if name != "COPYDESK_API_DATABASE_URL"}
    done = subprocess.run(
        COMMAND, env=others | {"COPYDESK_API_DATABASE_URL_FILE": str(tmp_path / "url")},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "postgresql://127.0.0.1:1/d cannot be used" in done.stderr
    assert "hunter2" not in done.stderr
    assert done.returncode == 2


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port}" in refused(tmp_path, PORT=port)


def test_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    line = refused(tmp_path, DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/d")
    assert "postgresql://127.0.0.1:1/d cannot be used" in line
    assert "hunter2" not in line


def test_an_address_that_cannot_be_used(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"999\.1\.1\.1"):
        make_loops(ApiSettings(host="999.1.1.1", port=free_port()), store)


@pytest.mark.postgres
def test_it_waits_until_somebody_has_migrated_the_database(tmp_path: Path, postgres_database: str) -> None:
    env = environment(tmp_path, DATABASE_URL=postgres_database)
    health = f"http://127.0.0.1:{env['COPYDESK_API_HEALTH_PORT']}"
    with running(env) as process:
        wait_for(f"{health}/livez", process)
        while "schema" not in (said := httpx.get(f"{health}/readyz").json())["parts"]:
            time.sleep(0.05)
        assert "copydesk-api migrate makes them" in said["why_not"]["schema"]
        assert httpx.get(f"{health}/livez").status_code == 200
        assert httpx.get(f"{health}/readyz/serve").status_code == 503
        for line in ("the database is migrated\n", "the database is up to date\n"):
            done = subprocess.run(
                [*COMMAND, "migrate"], env=env, capture_output=True, text=True, check=True, timeout=30
            )
            assert done.stdout == line
        assert wait_for(f"http://127.0.0.1:{env['COPYDESK_API_PORT']}/v1/articles", process).json()["items"] == []
        assert httpx.get(f"{health}/readyz/schema").json()["ready"] is True


def test_it_stops_when_told_while_it_waits(tmp_path: Path) -> None:
    env = environment(tmp_path, MIGRATE="never")
    health = f"http://127.0.0.1:{env['COPYDESK_API_HEALTH_PORT']}"
    with running(env) as process:
        wait_for(f"{health}/livez", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
