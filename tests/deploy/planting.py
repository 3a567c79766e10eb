"""Where faults are planted: the parts of the production overlay, by short names."""

from collections.abc import Callable
from typing import Any

from tools.manifests.render import Object, template_of

Objects = list[Object]
Plant = Callable[[Objects], object]


def one(objects: Objects, kind: str, name: str) -> Any:
    """The object of that name; of ConfigMaps, whose names end in a hash, the beginning is enough."""
    (found,) = (
        each
        for each in objects
        if each["kind"] == kind
        and (each["metadata"]["name"] == name or (kind == "ConfigMap" and each["metadata"]["name"].startswith(name)))
    )
    return found


def pod(objects: Objects, name: str) -> Any:
    return template_of(one(objects, "Deployment", f"copydesk-{name}"))["spec"]


def box(objects: Objects, name: str) -> Any:
    return pod(objects, name)["containers"][0]


def volume(objects: Objects, name: str, of: str) -> Any:
    return next(each for each in pod(objects, name)["volumes"] if each["name"] == of)


def config(objects: Objects, name: str) -> Any:
    return one(objects, "ConfigMap", f"copydesk-{name}-")["data"]


def policy(objects: Objects, name: str) -> Any:
    return one(objects, "NetworkPolicy", f"copydesk-{name}")["spec"]


def acl(objects: Objects, user: str, topic: str) -> Any:
    acls = one(objects, "KafkaUser", f"copydesk-{user}")["spec"]["authorization"]["acls"]
    (found,) = (each for each in acls if each["resource"]["name"] == topic)
    return found


def scaled(objects: Objects, name: str) -> Any:
    return one(objects, "ScaledObject", f"copydesk-{name}")["spec"]


def without(objects: Objects, kind: str, name: str) -> None:
    objects.remove(one(objects, kind, name))


def blocks(objects: Objects) -> Any:
    return policy(objects, "fetcher")["egress"][0]["to"]
