"""How pods start, are waited for, stop, and are seen at it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk_api.__main__ import COMMANDS
from tools.manifests.findings import Finding
from tools.manifests.program import services_of
from tools.manifests.render import Object, containers_of, labels_of, matches, name_of, of_kind, template_of

# Models, tag files and rules are loaded before the first answer: on a busy node that takes most of a minute.
LEAST_START_SECONDS = 60
LEAST_DEAD_SECONDS = 20
DEFAULTS: Mapping[str, int] = {"periodSeconds": 10, "failureThreshold": 3}
MIGRATE = "copydesk-migrate"
SHOWN_OUTSIDE = ("NodePort", "LoadBalancer", "ExternalName")


def _seconds(probe: Mapping[str, Any]) -> int:
    return int(probe.get("periodSeconds", DEFAULTS["periodSeconds"])) * int(
        probe.get("failureThreshold", DEFAULTS["failureThreshold"])
    )


def patience(objects: Sequence[Object]) -> Iterator[Finding]:
    """A pod has the time to start, and is not restarted for a moment's silence."""
    for _, deployment, container, _ in services_of(objects):
        for probe, least in (("startupProbe", LEAST_START_SECONDS), ("livenessProbe", LEAST_DEAD_SECONDS)):
            given = _seconds(container.get(probe) or {})
            if given < least:
                yield Finding(name_of(deployment), f"{probe} gives up after {given} s, less than {least} s")


def farewell(objects: Sequence[Object]) -> Iterator[Finding]:
    """Who sends requests hears of the end of a pod before the pod does."""
    for service, deployment, container, _ in services_of(objects):
        hook = (container.get("lifecycle") or {}).get("preStop") or {}
        if service == "api" and (hook.get("sleep") or {}).get("seconds", 0) < 1:
            yield Finding(name_of(deployment), "stops while requests are still sent to it: no preStop.sleep")


def way_back(objects: Sequence[Object]) -> Iterator[Finding]:
    """``kubectl rollout undo`` finds the version before."""
    for _, deployment, _, _ in services_of(objects):
        if deployment["spec"].get("revisionHistoryLimit", 10) < 1:
            yield Finding(name_of(deployment), "keeps no version to go back to: revisionHistoryLimit is 0")


def migration(objects: Sequence[Object]) -> Iterator[Finding]:
    """A job brings the database up to date, with the image of the API; new pods wait for it."""
    images = {container["image"] for service, _, container, _ in services_of(objects) if service == "api"}
    if not images:
        return
    jobs = [each for each in of_kind(objects, "Job") if each["metadata"]["name"] == MIGRATE]
    if not jobs:
        yield Finding(f"Job/{MIGRATE}", "is missing: pods of the API wait for it")
    for job in jobs:
        (container,) = containers_of(job)
        if tuple(container.get("args") or ()) not in COMMANDS or container.get("args") != ["migrate"]:
            yield Finding(name_of(job), f"is told {container.get('args')}, not ['migrate']")
        if container["image"] not in images:
            yield Finding(name_of(job), f"runs {container['image']}, the API {', '.join(images)}")


def seen(objects: Sequence[Object]) -> Iterator[Finding]:
    """Prometheus finds the pods of all services."""
    for monitor in of_kind(objects, "PodMonitor"):
        for service, deployment, _, _ in services_of(objects):
            if not matches(monitor["spec"].get("selector"), labels_of(template_of(deployment))):
                yield Finding(name_of(monitor), f"does not find the pods of {service}")


def shown(objects: Sequence[Object]) -> Iterator[Finding]:
    """What the world reaches it reaches by a gateway, which has TLS."""
    for service in of_kind(objects, "Service"):
        kind = service["spec"].get("type", "ClusterIP")
        if kind in SHOWN_OUTSIDE:
            yield Finding(name_of(service), f"type {kind} passes the gateway by")
