"""The Dockerfile and docker-compose.yml agree with the code, and say what is missing."""

import lzma
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from py3langid.langid import MODEL_DIR, MODEL_FILE

from copydesk_api.settings import ApiSettings
from copydesk_shared.settings import ServiceSettings
from copydesk_standalone.plan import SERVICES
from tests.tiers import unavailable
from tools import kafka_jars

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(sys.executable).parent
NEEDED = {"COPYDESK_SECRETS": "/secrets", "COPYDESK_FETCHER_USER_AGENT": "Desk (desk@example.org)"}
MIB = 1 << 20
MOST_WORKERS = 4  # copydesk_shared.workers.default_workers
HEALTH_PORT = ServiceSettings.model_fields["health_port"].default


def _config(given: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COPYDESK_", "COMPOSE_"))}
    return subprocess.run(
        [PROGRAMS / "docker-compose", "--profile", "*", "config", *options],
        cwd=ROOT, env={**clean, **given}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    said = _config(NEEDED)
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = yaml.safe_load(said.stdout)
    return found


def test_hadolint_finds_nothing() -> None:
    command = [str(PROGRAMS / "hadolint"), "Dockerfile"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert said.stdout == ""


@pytest.mark.parametrize("name", NEEDED)
def test_what_must_be_set_is_asked_for(name: str) -> None:
    said = _config({each: value for each, value in NEEDED.items() if each != name}, "--quiet")
    assert said.returncode != 0
    assert f"{name} is missing a value: " in said.stderr


def test_variables_of_services_are_settings(compose: dict[str, Any]) -> None:
    for name, model in SERVICES.items():
        known = {f"COPYDESK_{name}_{each}".upper() for each in model.model_fields}
        assert set(compose["services"][name]["environment"]) <= known


def test_time_to_stop_is_longer_than_the_services_take(compose: dict[str, Any]) -> None:
    drain = ServiceSettings.model_fields["drain_seconds"].default
    for name in SERVICES:
        assert int(compose["services"][name]["stop_grace_period"].removesuffix("s")) > drain


def test_kafka_is_the_version_that_is_tested(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{kafka_jars.kafka_version()}"


def test_everything_is_hardened(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert not re.search(r":latest$|^[^:]+$", service["image"]), name


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if service.get("ports")}
    assert set(published) == {"api", "grafana"}
    assert all(port["host_ip"] == "127.0.0.1" for ports in published.values() for port in ports)
    assert published["api"][0]["target"] == ApiSettings.model_fields["port"].default


def test_images_are_asked_and_scraped_where_services_answer(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"'127.0.0.1', {HEALTH_PORT}," in dockerfile
    scraped = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())["scrape_configs"][0]
    assert {(*each["names"], each["port"]) for each in scraped["dns_sd_configs"]} == {
        (name, HEALTH_PORT) for name in SERVICES
    }


def test_what_is_mounted_is_there(compose: dict[str, Any]) -> None:
    mounts = [
        each
        for service in compose["services"].values()
        for each in service.get("volumes", ())
        if each["type"] == "bind"
    ]
    assert len(mounts) == 4
    assert all(Path(each["source"]).exists() and each["read_only"] for each in mounts)


def test_prometheus_reads_its_file() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        unavailable("promtool", "promtool is not installed")
    command = [promtool, "check", "config", "--syntax-only", str(ROOT / "deploy/compose/prometheus.yml")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_each_service_has_an_image() -> None:
    stages = re.findall(r"^FROM runtime AS image-(\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert sorted(stages) == sorted([*SERVICES, "copydesk"])


def test_secrets_are_made_once_and_fit_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run([ROOT / "deploy/compose/secrets.sh", folder], check=True, timeout=60)
        made = {path.name: path.read_text() for path in folder.iterdir()}
    assert made["database_url"] == f"postgresql://copydesk:{made['database_password']}@postgres:5432/copydesk"
    assert re.fullmatch(r"[0-9a-f]{48}", made["grafana_password"])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_every_worker_of_the_cleaner_can_unpack_what_tells_languages(compose: dict[str, Any]) -> None:
    """Each does so into a file of its own below /tmp, all of them at the same time, when the first pages come."""
    with lzma.open(MODEL_DIR / MODEL_FILE) as model:
        room = MOST_WORKERS * len(model.read())
    (tmp,) = [each for each in compose["services"]["cleaner"]["tmpfs"] if each.startswith("/tmp:")]
    size = re.search(r"size=(\d+)m", tmp)
    assert size
    assert int(size[1]) * MIB > room
    deployment = yaml.safe_load((ROOT / "deploy/k8s/base/cleaner/deployment.yaml").read_text())
    (volume,) = [each for each in deployment["spec"]["template"]["spec"]["volumes"] if each["name"] == "tmp"]
    assert int(volume["emptyDir"]["sizeLimit"].removesuffix("Mi")) * MIB > room
