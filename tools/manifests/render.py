"""What kustomize makes of a folder, as objects."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from copydesk_shared.errors import InputError

Object = dict[str, Any]
K8S = Path(__file__).resolve().parent.parent.parent / "deploy" / "k8s"
KUBECTL = Path(sys.executable).parent / "kubectl"
SECONDS = 60
TOOLBOX = "copydesk-toolbox"


def render(folder: Path) -> list[Object]:
    """The objects of a kustomization. Raises :class:`InputError` with what kustomize says when it cannot be built."""
    done = subprocess.run(  # noqa: S603 - our own program; the folder is one argument
        [KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode != 0:
        raise InputError(f"{folder}: {done.stderr.strip()}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """Those of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def name_of(each: Object) -> str:
    """``Kind/name``."""
    return f"{each['kind']}/{each['metadata']['name']}"


def labels_of(each: Object) -> dict[str, str]:
    """The labels of an object or of a pod template."""
    return dict(each.get("metadata", {}).get("labels") or {})


def matches(selector: dict[str, Any] | None, labels: dict[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all. Raises ``ValueError`` for expressions."""
    selector = selector or {}
    if unknown := selector.keys() - {"matchLabels"}:
        raise ValueError(f"a selector has {', '.join(sorted(unknown))}, which is not looked at here")
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())


def workloads(objects: Iterable[Object]) -> list[Object]:
    """What makes pods."""
    return of_kind(objects, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")


def template_of(workload: Object) -> Object:
    """The pod template of a workload."""
    if workload["kind"] == "Pod":
        return workload
    spec = workload["spec"]
    template: Object = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return template


def containers_of(workload: Object) -> Iterator[Object]:
    """All containers, those of the start included."""
    spec = template_of(workload)["spec"]
    yield from spec.get("initContainers") or ()
    yield from spec["containers"]


def deployments(objects: Sequence[Object]) -> dict[str, Object]:
    """The Deployments of Copydesk's services, by the name of the service; the toolbox serves nobody."""
    return {
        each["metadata"]["name"].removeprefix("copydesk-"): each
        for each in of_kind(objects, "Deployment")
        if labels_of(each).get("app.kubernetes.io/part-of") == "copydesk" and each["metadata"]["name"] != TOOLBOX
    }


def environment(objects: Iterable[Object], container: Object) -> dict[str, str]:
    """The variables of a container, from its ConfigMaps and by itself; references to secrets have no value here."""
    maps = {each["metadata"]["name"]: each.get("data") or {} for each in of_kind(objects, "ConfigMap")}
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        found.update(maps.get(source.get("configMapRef", {}).get("name"), {}))
    return found | {each["name"]: each.get("value", "") for each in container.get("env") or ()}
