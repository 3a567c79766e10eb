"""The manifests against the programs: settings, ports, probes, and how long stopping takes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from copydesk_api.settings import ApiSettings
from copydesk_classifier.settings import ClassifierSettings
from copydesk_cleaner.settings import CleanerSettings
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.brokers import Security, SecurityProtocol
from copydesk_shared.credentials import CredentialError, check_combination
from copydesk_shared.service import CLOSE_SECONDS
from copydesk_shared.settings import ServiceSettings
from copydesk_standalone.settings import StandaloneSettings
from tools.manifests.findings import Finding
from tools.manifests.render import (
    TOOLBOX,
    Object,
    containers_of,
    deployments,
    environment,
    name_of,
    of_kind,
    template_of,
    workloads,
)

SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "fetcher": FetcherSettings,
    "cleaner": CleanerSettings,
    "classifier": ClassifierSettings,
    "api": ApiSettings,
}
PREFIX = "COPYDESK_"
OPEN = "0.0.0.0"  # noqa: S104 - of a pod
HEALTH_GRACE_SECONDS = 1
MANAGEMENT = "management"
# Where each probe asks. The API serves without brokers, so it is asked whether it serves.
PROBES: Mapping[str, str] = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
READY_PART: Mapping[str, str] = {"api": "/readyz/serve"}
# Not left to the number of processors, which is that of the node.
SAID: Mapping[str, tuple[str, ...]] = {"cleaner": ("workers",), "classifier": ("workers",)}
# A static member leaves without a word: its partitions would wait for a pod that never comes back by that name.
NOT_SAID = ("instance_id", "exit_with_parent")
KAFKA = "kafka_"


def services_of(objects: Sequence[Object]) -> Iterator[tuple[str, Object, Object, dict[str, str]]]:
    """Each service: its name, its Deployment, its container and the variables of that."""
    for service, deployment in deployments(objects).items():
        container = next(each for each in containers_of(deployment) if each["name"] == service)
        yield service, deployment, container, environment(objects, container)


def _field(service: str, variable: str) -> str:
    return variable.removeprefix(f"{PREFIX}{service.upper()}_").lower()


def _setting(service: str, env: Mapping[str, str], field: str) -> Any:
    variable = f"{PREFIX}{service.upper()}_{field.upper()}"
    default = SETTINGS[service].model_fields[field].default
    return type(default)(env[variable]) if variable in env else default


def all_there(objects: Sequence[Object]) -> Iterator[Finding]:
    """All services are there, and nothing that is none."""
    if (found := set(deployments(objects))) != set(SETTINGS):
        yield Finding("Deployments", f"of Copydesk are {sorted(found)}, not {sorted(SETTINGS)}")


def settings(objects: Sequence[Object]) -> Iterator[Finding]:
    """Variables are settings of the service, with values that it takes."""
    for service, deployment, _, env in services_of(objects):
        where = name_of(deployment)
        ours = {name for name in env if name.startswith(PREFIX)}
        known = {name for name in ours if _field(service, name) in SETTINGS[service].model_fields}
        yield from (Finding(where, f"{name} is not a setting") for name in sorted(ours - known))
        yield from (Finding(where, f"{name} is not for replicas of a Deployment") for name in sorted(known)
                    if _field(service, name) in NOT_SAID)  # fmt: skip
        for field in SAID.get(service, ()):
            if f"{PREFIX}{service.upper()}_{field.upper()}" not in ours:
                yield Finding(where, f"{field} is left to the number of processors of the node")
        values = {_field(service, name): env[name] for name in known}
        yield from (Finding(where, problem) for problem in (*_problems(service, values), *_door(values)))


def _problems(service: str, values: Mapping[str, str]) -> Iterator[str]:
    """What the service would say of the values; those that need their files are another check's."""
    given: dict[str, Any] = {
        field: value for field, value in values.items() if not field.startswith(KAFKA) and not field.endswith("_file")
    }
    try:
        SETTINGS[service](**given)
    except ValidationError as error:
        yield from (f"{each['loc'][0] if each['loc'] else ''}: {each['msg']}" for each in error.errors())


def _door(values: Mapping[str, str]) -> Iterator[str]:
    """What makes no sense of TLS and SASL together; their files are another check's."""
    kafka: dict[str, Any] = {
        field.removeprefix(KAFKA): value for field, value in values.items() if field.startswith(KAFKA)
    }
    try:
        kafka["security_protocol"] = SecurityProtocol(kafka.get("security_protocol", SecurityProtocol.PLAINTEXT))
        check_combination(Security(**kafka))
    except CredentialError as error:
        yield f"{KAFKA}{error.field} {error}"
    except ValueError as error:
        yield f"{KAFKA}security_protocol: {error}"


def toolbox(objects: Sequence[Object]) -> Iterator[Finding]:
    """The toolbox is told what its commands understand."""
    for deployment in (each for each in of_kind(objects, "Deployment") if each["metadata"]["name"] == TOOLBOX):
        prefix = str(StandaloneSettings.model_config["env_prefix"])
        for container in containers_of(deployment):
            for name in environment(objects, container):
                if name.removeprefix(prefix).lower() not in StandaloneSettings.model_fields:
                    yield Finding(name_of(deployment), f"{name} is not a setting of the commands")


def files(objects: Sequence[Object]) -> Iterator[Finding]:
    """Where a setting names a file or folder, a volume puts it there."""
    for workload in workloads(objects):
        for container in containers_of(workload):
            mounted = dict(_mounted(template_of(workload)["spec"], container))
            for name, value in environment(objects, container).items():
                if value.startswith("/etc/") and not _is_there(PurePosixPath(value), mounted):
                    yield Finding(f"{name_of(workload)} {container['name']}", f"{name}={value}: nothing puts it there")


def _mounted(spec: Mapping[str, Any], container: Object) -> Iterator[tuple[PurePosixPath, set[str] | None]]:
    """The folders that are mounted, each with its files where the volume names them."""
    volumes = {each["name"]: each for each in spec.get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        volume = volumes.get(mount["name"], {})
        sources = (volume.get("projected") or {}).get("sources") or [volume]
        kinds = [source.get("secret") or source.get("configMap") or {} for source in sources]
        items = {item["path"] for kind in kinds for item in kind.get("items") or ()}
        yield PurePosixPath(mount["mountPath"]), items if all("items" in kind for kind in kinds) else None


def _is_there(path: PurePosixPath, mounted: Mapping[PurePosixPath, set[str] | None]) -> bool:
    if path in mounted:
        return True
    items = mounted.get(path.parent, set())
    return items is None or path.name in items


def ports(objects: Sequence[Object]) -> Iterator[Finding]:
    """What a service listens on is what its container says, on all addresses of the pod."""
    for service, deployment, container, env in services_of(objects):
        where = name_of(deployment)
        said = {port["name"]: port["containerPort"] for port in container.get("ports") or ()}
        listens = {MANAGEMENT: ("health_host", "health_port")}
        if service == "api":
            listens["http"] = ("host", "port")
        if f"{PREFIX}FETCHER_WEBSUB_URL" in env:
            listens["websub"] = ("websub_host", "websub_port")
        if said.keys() != listens.keys():
            yield Finding(where, f"ports are {sorted(said)}, not {sorted(listens)}")
        for name, (host, port) in listens.items():
            if _setting(service, env, host) != OPEN:
                yield Finding(where, f"{host} is {_setting(service, env, host)}: nobody outside of the pod gets there")
            if said.get(name) != _setting(service, env, port):
                yield Finding(
                    where, f"port {name} is {said.get(name)}, the service's is {_setting(service, env, port)}"
                )


def probes(objects: Sequence[Object]) -> Iterator[Finding]:
    """Probes ask the management port; liveness depends on nothing outside."""
    for service, deployment, container, _ in services_of(objects):
        where = name_of(deployment)
        for probe, path in PROBES.items():
            wanted = READY_PART.get(service, path) if probe == "readinessProbe" else path
            asked = (container.get(probe) or {}).get("httpGet") or {}
            if (asked.get("path"), asked.get("port")) != (wanted, MANAGEMENT):
                yield Finding(where, f"{probe} asks {asked.get('port')}{asked.get('path')}, not {MANAGEMENT}{wanted}")


def grace(objects: Sequence[Object]) -> Iterator[Finding]:
    """A pod has the time to drain."""
    for service, deployment, container, env in services_of(objects):
        hook = (container.get("lifecycle") or {}).get("preStop") or {}
        waits = (hook.get("sleep") or {}).get("seconds", 0)
        needs = waits + _setting(service, env, "drain_seconds") + CLOSE_SECONDS + HEALTH_GRACE_SECONDS
        has = template_of(deployment)["spec"].get("terminationGracePeriodSeconds", 30)
        if has <= needs:
            yield Finding(name_of(deployment), f"is killed after {has} s and may need {needs:g} s to stop")


def metrics(objects: Sequence[Object]) -> Iterator[Finding]:
    """Prometheus asks where the services answer."""
    for monitor in of_kind(objects, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            if (endpoint.get("port"), endpoint.get("path")) != (MANAGEMENT, "/metrics"):
                yield Finding(name_of(monitor), f"asks {endpoint.get('port')}{endpoint.get('path')}")
