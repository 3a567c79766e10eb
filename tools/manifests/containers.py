"""Containers: what runs in them, what they may write to, and what they are given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk_shared.settings import is_secret
from tools.manifests.findings import Finding
from tools.manifests.program import PREFIX, SETTINGS, services_of
from tools.manifests.render import Object, containers_of, name_of, template_of, workloads

QUANTITY = re.compile(r"([0-9.]+)(m|[KMGT]i|[kMGT]|)")
FACTORS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
FACTORS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGT", 1)}
SCRATCH = "/tmp"  # noqa: S108 - of a container: HOME of the image, where libraries unpack what they bring


def entry_points(objects: Sequence[Object]) -> Iterator[Finding]:
    """The image says what runs: a shell before it would keep the signal to stop to itself."""
    for _, deployment, container, _ in services_of(objects):
        if "command" in container:
            yield Finding(name_of(deployment), f"command {container['command']} takes the place of the image's own")


def each_its_image(objects: Sequence[Object]) -> Iterator[Finding]:
    """No two services run the same image: each holds one service and nothing of the others."""
    taken: dict[str, str] = {}
    for service, deployment, container, _ in services_of(objects):
        other = taken.setdefault(container.get("image") or "", service)
        if other != service:
            yield Finding(name_of(deployment), f"runs the image of {other}: {container.get('image')}")


def scratch(objects: Sequence[Object]) -> Iterator[Finding]:
    """All have a folder to write to, and none that fills the disk of the node."""
    for workload in workloads(objects):
        for volume in template_of(workload)["spec"].get("volumes") or ():
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield Finding(name_of(workload), f"volume {volume['name']} may fill the disk of its node")
    for _, deployment, container, _ in services_of(objects):
        if SCRATCH not in {mount["mountPath"] for mount in container.get("volumeMounts") or ()}:
            yield Finding(name_of(deployment), f"nothing can be written to {SCRATCH}")


def balance(objects: Sequence[Object]) -> Iterator[Finding]:
    """What is asked for is not more than what is allowed: the API server refuses such pods, and only the pods."""
    for workload in workloads(objects):
        for container in containers_of(workload):
            given = container.get("resources") or {}
            asked, allowed = given.get("requests") or {}, given.get("limits") or {}
            for kind in sorted(asked.keys() & allowed.keys()):
                if amount(asked[kind]) > amount(allowed[kind]):
                    where = f"{name_of(workload)} {container['name']}"
                    yield Finding(where, f"asks for {asked[kind]} of {kind} and may have {allowed[kind]}")


def amount(quantity: Any) -> float:
    """A quantity of Kubernetes as a number. Raises ``ValueError`` for one that is none."""
    found = QUANTITY.fullmatch(str(quantity))
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity")
    return float(found[1]) * FACTORS[found[2]]


def plain_secrets(objects: Sequence[Object]) -> Iterator[Finding]:
    """No password in a ConfigMap or in the environment: secrets are files, and a variable names the file."""
    for service, deployment, _, env in services_of(objects):
        yield from (Finding(name_of(deployment), each) for each in _in_plain_sight(service, env))


def _in_plain_sight(service: str, env: Mapping[str, str]) -> Iterator[str]:
    for name, field in SETTINGS[service].model_fields.items():
        variable = f"{PREFIX}{service.upper()}_{name.upper()}"
        if is_secret(field) and env.get(variable):
            yield f"{variable} is a secret in plain sight: put it into a file, and say {variable}_FILE"
