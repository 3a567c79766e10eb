"""The images of docker-compose.yml, built here: ours by the Dockerfile, the others by one that stands in."""

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.containers.base import base_archive
from tests.containers.engine import ROOT, Engine
from tests.containers.index import package_index
from tools import kafka_jars

BASE = "copydesk-test-base"
SERVICES = ("copydesk", "fetcher", "cleaner", "classifier", "api")  # the one with the packages of all others first
BY_INDEX = "fetcher"  # the one that is built as behind a mirror
SERVERS: Mapping[str, str] = {
    "kafka": f"apache/kafka:{kafka_jars.kafka_version()}",
    "postgres": "postgres:17",
    "prometheus": "prom/prometheus:v3.5.0",
}
AT_ONCE = 3
BUILD_SECONDS = 400
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def build_all(engine: Engine, folder: Path) -> set[str]:
    """Build every image; returns the packages that the build with an index of its own asked it for."""
    engine.docker("import", str(base_archive()), BASE, seconds=120)
    with ThreadPoolExecutor(AT_ONCE) as pool, package_index(ROOT / "uv.lock") as index:
        (folder / "index").write_text(index.url)
        servers = pool.submit(_build_servers, engine, folder / "servers")
        # Before the others, which share the steps that it begins with.
        _build_service(engine, BY_INDEX, ("--secret", f"id=index,src={folder / 'index'}"))
        others = [pool.submit(_build_service, engine, each) for each in SERVICES if each != BY_INDEX]
        for built in [servers, *others]:
            built.result()
    return index.asked


def _build_service(engine: Engine, service: str, arguments: tuple[str, ...] = ()) -> None:
    certificates = os.environ.get("SSL_CERT_FILE")
    secret = ("--secret", f"id=certificates,src={certificates}") if certificates else ()
    labels = ("--build-arg", f"SERVICE={service}", "--build-arg", "REVISION=tested")
    _build(engine, ROOT, f"copydesk/{service}:local", *secret, *arguments, *labels)


def _build_servers(engine: Engine, context: Path) -> None:
    shutil.copytree(Path(__file__).parent / "servers", context)
    jars = Path(kafka_jars.class_path()).parent
    shutil.copytree(jars, context / "libs", ignore=shutil.ignore_patterns("pom.xml"))
    for target, name in SERVERS.items():
        _build(engine, context, name, "--target", target)


def _build(engine: Engine, context: Path, name: str, *arguments: str) -> None:
    proxies = [part for each in PROXIES if each in os.environ for part in ("--build-arg", each)]
    engine.docker(
        "build", "--quiet", "--network", "host", "--build-arg", f"BASE={BASE}", *proxies, *arguments,
        "--tag", name, str(context), seconds=BUILD_SECONDS,
    )  # fmt: skip
