"""Which processes a standalone run has, and what each is told."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from copydesk_api.database import database_url
from copydesk_api.settings import ApiSettings
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.settings import CleanerSettings
from copydesk_fetcher.contact import check_contact
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError
from copydesk_shared.identity import short_digest
from copydesk_shared.settings import KafkaSettings, ServiceSettings, load_settings
from copydesk_standalone.children import Child
from copydesk_standalone.probes import LOOPBACK, free_port
from copydesk_standalone.settings import StandaloneSettings

DRAIN_SECONDS = 3
# A service may be told otherwise by its own variable: each may have a Kafka user of its own, with fewer rights.
OVERRIDABLE = (
    "drain_seconds", "log_format", "log_level", "user_agent", "per_host_delay_seconds", *KafkaSettings.model_fields
)  # fmt: skip
SERVICES: Mapping[str, type[ServiceSettings]] = {
    "fetcher": FetcherSettings,
    "cleaner": CleanerSettings,
    "classifier": ClassifierSettings,
    "api": ApiSettings,
}


@dataclass(frozen=True)
class Plan:
    """The processes of a run, in the order they start; they stop in the reverse order."""

    brokers: Brokers
    broker: Child | None
    services: tuple[Child, ...]
    extra: tuple[Child, ...] = field(default=())


def _security(settings: StandaloneSettings) -> dict[str, str]:
    given = {name: getattr(settings, name) for name in KafkaSettings.model_fields}
    secrets = {name: value.get_secret_value() for name, value in given.items() if isinstance(value, SecretStr)}
    return {name: str(secrets.get(name, value)) for name, value in given.items() if value is not None}


def _given(settings: StandaloneSettings, name: str) -> dict[str, str]:
    given = {
        **_security(settings),
        "bootstrap_servers": settings.brokers.servers,
        "health_host": LOOPBACK,
        "health_port": str(free_port()),
        "drain_seconds": str(DRAIN_SECONDS),
        "exit_with_parent": "true",
        "instance_id": _instance_id(settings),
        "log_format": "console",
        "log_level": "info" if settings.verbose else "warning",
    }
    if name == "api":
        given["host"] = LOOPBACK
        given["port"] = str(settings.api_port)
        given["database_url"] = settings.store_url
        given["migrate"] = "always"
    return given


def _instance_id(settings: StandaloneSettings) -> str:
    """The same for every start on this data dir, another for every other: two runs may share one Apache Kafka."""
    return f"standalone-{short_digest(f'{socket.gethostname()}:{_absolute(settings.data_dir)}')}"


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


def _variable(name: str, field: str) -> str:
    return f"COPYDESK_{name}_{field}".upper()


def _check(settings: ServiceSettings) -> None:
    """Show a person's mistake before anything starts. Raises :class:`UserError`."""
    match settings:
        case ApiSettings():
            database_url(settings.database_url)
        case ClassifierSettings():
            # the tags that come with the package are no person's work, and loading them takes seconds
            for folder in (settings.taxonomy_dir, settings.shadow_taxonomy):
                if folder is not None:
                    load_taxonomy(folder)
        case _:
            pass


def _service(name: str, settings: StandaloneSettings, extra: Mapping[str, str], lock: int) -> Child:
    given = {**_given(settings, name), **extra}
    for each in [each for each in given if _variable(name, each) in os.environ]:
        if each not in OVERRIDABLE:
            raise SettingsError(f"{_variable(name, each)} is decided by copydesk itself here; use its options")
        del given[each]
    _check(load_settings(SERVICES[name], **given))
    env = {_variable(name, field): value for field, value in given.items()}
    return Child(name, (f"copydesk_{name}",), env=env, health_port=int(given["health_port"]), inherited=(lock,))


def _check_contact(imposed: Mapping[str, str]) -> None:
    """Last of all: what else is wrong is told first to somebody who only wants to see it run."""
    given = {name: value for name, value in imposed.items() if _variable("fetcher", name) not in os.environ}
    check_contact(load_settings(FetcherSettings, **given))


def make_plan(
    settings: StandaloneSettings,
    lock: int,
    *,
    fetcher: Mapping[str, str] | None = None,
    extra: tuple[Child, ...] = (),
) -> Plan:
    """The processes for these settings. ``fetcher`` holds settings of the fetcher that the run imposes (the demo's).

    Raises :class:`SettingsError` for an environment that a service would refuse.
    """
    broker = None
    if settings.bootstrap_servers is None:
        arguments = (
            "copydesk_standalone.broker",
            "--host", LOOPBACK, "--port", str(settings.kafka_port),
            "--data-dir", str(_absolute(settings.data_dir) / "broker"), "--exit-with-parent",
            "--fsync", settings.fsync,
        )  # fmt: skip
        broker = Child("broker", arguments, port=settings.kafka_port, inherited=(lock,))
    imposed = {"fetcher": fetcher or {}}
    services = tuple(_service(name, settings, imposed.get(name, {}), lock) for name in SERVICES)
    _check_contact(imposed["fetcher"])
    return Plan(settings.brokers, broker, services, extra)
