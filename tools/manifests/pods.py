"""Pods: Pod Security ``restricted`` and what goes beyond it. Deployments that break it are accepted with a warning, so
the templates are looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.manifests.findings import Finding
from tools.manifests.render import Object, containers_of, name_of, of_kind, template_of, workloads

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
NOT_OF_THE_HOST = ("hostNetwork", "hostPID", "hostIPC")
REQUESTS = ("cpu", "memory", "ephemeral-storage")
LIMITS = ("memory", "ephemeral-storage")
MOST_SECRET_MODE = 0o440
_Wanted = tuple[tuple[tuple[str, ...], Any], ...]
POD: _Wanted = (
    (("securityContext", "runAsNonRoot"), True),
    (("securityContext", "seccompProfile", "type"), "RuntimeDefault"),
    (("automountServiceAccountToken",), False),
    (("enableServiceLinks",), False),
)
CONTAINER: _Wanted = (
    (("securityContext", "allowPrivilegeEscalation"), False),
    (("securityContext", "readOnlyRootFilesystem"), True),
    (("securityContext", "capabilities"), {"drop": ["ALL"]}),
)


def _at(thing: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = thing
    for key in path:
        found = (found or {}).get(key)
    return found


def _as_wanted(where: str, thing: Mapping[str, Any], wanted: _Wanted) -> Iterator[Finding]:
    for path, value in wanted:
        if (found := _at(thing, path)) != value:
            yield Finding(where, f"{'.'.join(path)} is {found!r}, not {value!r}")


def security(objects: Sequence[Object]) -> Iterator[Finding]:
    """Nobody is root, nobody becomes it, nothing of the host, nothing that may be written to but volumes."""
    for workload in workloads(objects):
        where, spec = name_of(workload), template_of(workload)["spec"]
        yield from _as_wanted(where, spec, POD)
        if not _at(spec, ("securityContext", "runAsUser")):
            yield Finding(where, "securityContext.runAsUser is not set, or 0")
        yield from (Finding(where, f"{key} is set") for key in NOT_OF_THE_HOST if spec.get(key))
        for volume in spec.get("volumes") or ():
            if strange := volume.keys() - VOLUMES - {"name"}:
                yield Finding(where, f"volume {volume['name']} is of {', '.join(sorted(strange))}")
        for container in containers_of(workload):
            inside = f"{where} {container['name']}"
            yield from _as_wanted(inside, container, CONTAINER)
            if _at(container, ("securityContext", "privileged")):
                yield Finding(inside, "is privileged")
            yield from (Finding(inside, "takes a port of the host") for port in container.get("ports") or ()
                        if "hostPort" in port)  # fmt: skip


def accounts(objects: Sequence[Object]) -> Iterator[Finding]:
    """Each workload has an account of its own, which gives no token."""
    known = {each["metadata"]["name"]: each for each in of_kind(objects, "ServiceAccount")}
    taken: dict[str, str] = {}
    for workload in workloads(objects):
        where = name_of(workload)
        account = template_of(workload)["spec"].get("serviceAccountName", "default")
        if account not in known:
            yield Finding(where, f"its account {account} is not there")
        elif known[account].get("automountServiceAccountToken") is not False:
            yield Finding(f"ServiceAccount/{account}", "gives a token")
        if account in taken:
            yield Finding(where, f"shares its account with {taken[account]}")
        taken[account] = where


def resources(objects: Sequence[Object]) -> Iterator[Finding]:
    """Requests, limits of what cannot be squeezed, and none of the CPU."""
    for workload in workloads(objects):
        for container in containers_of(workload):
            where = f"{name_of(workload)} {container['name']}"
            given = container.get("resources") or {}
            for kind, wanted in (("requests", REQUESTS), ("limits", LIMITS)):
                missing = [each for each in wanted if each not in (given.get(kind) or {})]
                yield from (Finding(where, f"no {kind}.{each}") for each in missing)
            if "cpu" in (given.get("limits") or {}):
                yield Finding(where, "has a limit of CPU: it is slowed down where nobody else wants it")


def images(objects: Sequence[Object]) -> Iterator[Finding]:
    """Images are named by a version."""
    for workload in workloads(objects):
        for container in containers_of(workload):
            image = container.get("image") or ""
            tag = image.rpartition("/")[2].partition(":")[2]
            if "@sha256:" not in image and tag in {"", "latest"}:
                yield Finding(f"{name_of(workload)} {container['name']}", f"image {image!r} is not of one version")


def digests(objects: Sequence[Object]) -> Iterator[Finding]:
    """Images are named by digest: for production."""
    for workload in workloads(objects):
        for container in containers_of(workload):
            if "@sha256:" not in (container.get("image") or ""):
                yield Finding(
                    f"{name_of(workload)} {container['name']}", f"image {container.get('image')!r}: no digest"
                )


def secrets(objects: Sequence[Object]) -> Iterator[Finding]:
    """Secrets are files that nobody else may read, and never variables."""
    for workload in workloads(objects):
        where = name_of(workload)
        for container in containers_of(workload):
            inside = f"{where} {container['name']}"
            if any("secretRef" in each for each in container.get("envFrom") or ()):
                yield Finding(inside, "takes a whole secret into its environment")
            for variable in container.get("env") or ():
                if "secretKeyRef" in (variable.get("valueFrom") or {}):
                    yield Finding(inside, f"{variable['name']} is a secret in the environment")
        for volume in template_of(workload)["spec"].get("volumes") or ():
            mode = _secret_mode(volume)
            if mode is not None and mode & ~MOST_SECRET_MODE:
                yield Finding(where, f"volume {volume['name']} has mode {mode:04o}")


def _secret_mode(volume: Mapping[str, Any]) -> int | None:
    """The mode of the files of a volume that holds a secret."""
    projected = volume.get("projected") or {}
    if "secret" in volume or any("secret" in source for source in projected.get("sources") or ()):
        mode: int = (volume.get("secret") or projected).get("defaultMode", 0o644)
        return mode
    return None
