"""The images that the Dockerfile makes: small, alone, and without any right."""

import json

import pytest
import trustme

from tests.containers.engine import Engine
from tests.containers.images import BASE, BY_INDEX, SERVICES

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]

MB = 1_000_000
BASE_MB = 128  # what the bars reckon with; ours may be smaller
LARGEST_MB = {"fetcher": 165, "cleaner": 230, "classifier": 240, "api": 175, "copydesk": 300}
HARDENED = ("--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none")
PACKAGES = """
import importlib.metadata, json, os, pathlib
ours = sorted(each.name for each in pathlib.Path("/app").rglob("copydesk_*") if (each / "__init__.py").exists())
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
try:
    pathlib.Path("/app/written").touch()
except OSError as error:
    written = error.strerror
others = sorted(each.metadata["Name"].lower() for each in importlib.metadata.distributions())
print(json.dumps({"ours": ours, "others": others, "ids": [os.getuid(), os.getgid()], "written": written,
                  "rights": status["CapEff"].strip(), "no_new": status["NoNewPrivs"].strip()}))
"""
ELSEWHERE = {
    "fetcher": {"trafilatura", "sqlalchemy", "fastapi", "numpy"},
    "cleaner": {"httpx", "sqlalchemy", "fastapi", "wordllama"},
    "classifier": {"httpx", "sqlalchemy", "fastapi", "trafilatura"},
    "api": {"httpx", "trafilatura", "numpy", "wordllama"},
}
DEVELOPERS = {"pytest", "mypy", "ruff", "pip", "uv", "hatchling"}


def _size(engine: Engine, image: str) -> float:
    return int(engine.docker("image", "inspect", image, "--format", "{{.Size}}")) / MB


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_small(built: Engine, service: str) -> None:
    added = _size(built, f"copydesk/{service}:local") - _size(built, BASE)
    assert added < LARGEST_MB[service] - BASE_MB


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_service_and_nothing_of_the_others(built: Engine, service: str) -> None:
    said = built.docker(
        "run", *HARDENED, "--entrypoint", "/app/bin/python", f"copydesk/{service}:local", "-c", PACKAGES
    )
    seen = json.loads(said)
    assert seen["ids"] == [65532, 65532]
    assert seen["written"] == "Read-only file system"
    assert int(seen["rights"], 16) == 0
    assert seen["no_new"] == "1"
    if service != "copydesk":
        assert seen["ours"] == sorted([f"copydesk_{service}", "copydesk_shared"])
        assert not ELSEWHERE[service] & set(seen["others"])
    else:
        assert len(seen["ours"]) == 6
    assert not DEVELOPERS & set(seen["others"])


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is_and_how_it_is(built: Engine, service: str) -> None:
    config = json.loads(built.docker("image", "inspect", f"copydesk/{service}:local"))[0]["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == f"copydesk {service}"
    assert labels["revision"] == "tested"
    assert labels["licenses"] == "Apache-2.0"
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"][0].startswith("/app/bin/")
    assert config["Healthcheck"]["Test"][0] == ("NONE" if service == "copydesk" else "CMD")
    assert not [each for each in config["Env"] if "index" in each.lower() or "CERT" in each]


# A server that speaks as much of PostgreSQL's protocol as it takes to begin TLS, and says what libpq sent through it.
TLS = """
import os, pathlib, socket, ssl, threading
import psycopg
pathlib.Path("/tmp/pem").write_text(os.environ["PEM"])
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/tmp/pem")
server = socket.create_server(("127.0.0.1", 0))
said = []

def serve():
    connection, _ = server.accept()
    connection.recv(8)
    connection.sendall(b"S")
    with context.wrap_socket(connection, server_side=True) as secured:
        said.append(secured.recv(500))

thread = threading.Thread(target=serve)
thread.start()
try:
    psycopg.connect(host="127.0.0.1", port=server.getsockname()[1], user="desk", dbname="news",
                    sslmode="verify-ca", sslrootcert="/tmp/pem")
except psycopg.OperationalError as error:
    print(error)
thread.join()
assert b"desk" in said[0], said
libraries = {line.split()[-1] for line in open("/proc/self/maps") if "libcrypto" in line or "libssl" in line}
print(*sorted(libraries), sep="\\n")
"""


def test_the_api_speaks_tls_to_its_database_with_the_openssl_of_the_base(built: Engine) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes()
    said = built.docker(
        "run", *HARDENED, "--tmpfs", "/tmp", "--env", f"PEM={server.decode()}", "--entrypoint", "/app/bin/python",
        "copydesk/api:local", "-c", TLS,
    )  # fmt: skip
    libraries = [line for line in said.splitlines() if line.startswith("/")]
    assert len(libraries) == 2, said
    assert all(line.startswith("/usr/lib/") for line in libraries)


def test_a_package_index_of_ones_own_is_asked_for_everything(built: Engine, index_pages: set[str]) -> None:
    assert {"uv", "hatchling", "httpx", "pydantic"} <= index_pages
    assert "trafilatura" not in index_pages, f"only {BY_INDEX} was built with it"
