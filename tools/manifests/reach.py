"""Who reaches whom, by the NetworkPolicies alone.

``python -m tools.manifests.reach FOLDER`` prints the table of an overlay. Policies of other namespaces are not known:
what lives there lets everybody in and everything out. Strimzi makes a policy of its own for the brokers out of
``networkPolicyPeers``; it is worked out here too.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from tools.manifests.render import Object, labels_of, matches, of_kind, render, template_of, workloads

PART_OF = "app.kubernetes.io/part-of"
NAME = "kubernetes.io/metadata.name"
HOME = "copydesk"


@dataclass(frozen=True)
class Place:
    """A pod, by its labels and those of its namespace, or an address outside of the cluster."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Door:
    """Where somebody goes to."""

    place: Place
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.place.name}:{self.port}"


def pod(name: str, namespace: str, labels: Mapping[str, str], **more: str) -> Place:
    """A pod in a namespace that has its name as a label, and those given."""
    return Place(name, namespace, labels, {NAME: namespace, **more})


BROKER = "broker"
DATABASE = "database"
NEIGHBOURS = (
    pod("stranger", HOME, {"app": "stranger"}),
    pod("elsewhere", "default", {}),
    pod("reader", "newsroom", {}, **{"copydesk/readers": "true"}),
    pod("subscriber", "analytics", {}, **{"copydesk/subscribers": "true"}),
    pod("prometheus", "monitoring", {}),
    pod("gateway", "gateway", {}),
    pod("keda", "keda", {}),
)
DNS = Door(pod("dns", "kube-system", {"k8s-app": "kube-dns"}), 53, "UDP")
COLLECTOR = Door(pod("collector", "observability", {}), 4318)
INTERNET, INTERNET_6 = Place("internet", address="93.184.215.14"), Place("internet-6", address="2606:2800:21f::1")
OUTSIDE = (
    Door(INTERNET, 80),
    Door(INTERNET, 443),
    Door(INTERNET, 25),
    Door(INTERNET_6, 443),
    Door(Place("private", address="10.1.2.3"), 443),
    Door(Place("private-6", address="fd12::1"), 443),
    Door(Place("metadata", address="169.254.169.254"), 80),
    Door(Place("metadata-6", address="fd00:ec2::254"), 80),
    Door(Place("6to4", address="2002:a01:203::1"), 443),
    Door(Place("managed-db", address="192.0.2.10"), 5432),
)


def pods(objects: Sequence[Object]) -> dict[str, Place]:
    """What the manifests make, by the names without ``copydesk-``; brokers of Strimzi included."""
    found = {
        (name := each["metadata"]["name"].removeprefix("copydesk-")): pod(name, HOME, labels_of(template_of(each)))
        for each in workloads(objects)
    }
    for kafka in of_kind(objects, "Kafka"):
        template = kafka["spec"]["kafka"].get("template", {}).get("pod", {})
        found[BROKER] = pod(BROKER, HOME, {"strimzi.io/cluster": kafka["metadata"]["name"], **labels_of(template)})
    return found


def doors(objects: Sequence[Object]) -> list[Door]:
    """Everything that listens inside, and what is outside."""
    inside = [
        Door(pods(objects)[each["metadata"]["name"].removeprefix("copydesk-")], port["containerPort"])
        for each in workloads(objects)
        for container in template_of(each)["spec"]["containers"]
        for port in container.get("ports") or ()
    ]
    listeners = [
        Door(pods(objects)[BROKER], listener["port"])
        for kafka in of_kind(objects, "Kafka")
        for listener in kafka["spec"]["kafka"]["listeners"]
    ]
    return [*inside, *listeners, DNS, COLLECTOR, *OUTSIDE]


def policies(objects: Sequence[Object]) -> list[Mapping[str, Any]]:
    """The policies, and those that Strimzi makes."""
    ours = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
    for kafka in of_kind(objects, "Kafka"):
        selector = {"matchLabels": {"strimzi.io/cluster": kafka["metadata"]["name"]}}
        rules = [
            {
                "ports": [{"port": each["port"]}],
                **({"from": peers} if (peers := each.get("networkPolicyPeers")) else {}),
            }
            for each in kafka["spec"]["kafka"]["listeners"]
        ]
        ours.append({"podSelector": selector, "policyTypes": ["Ingress"], "ingress": rules})
    return ours


def _takes(peer: Mapping[str, Any], other: Place) -> bool:
    if block := peer.get("ipBlock"):
        if not other.address:
            return False
        address = ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(each) for each in block.get("except") or ()
        )
    if other.address:
        return False
    if "namespaceSelector" in peer:
        in_place = matches(peer["namespaceSelector"], dict(other.namespace_labels))
    else:
        in_place = other.namespace == HOME
    return in_place and matches(peer.get("podSelector"), dict(other.labels))


def _lets(rules: Iterable[Mapping[str, Any]], side: str, other: Place, door: Door) -> bool:
    """Whether one of the rules lets them. One without peers lets everybody, one without ports to everything."""
    return any(
        (not rule.get(side) or any(_takes(peer, other) for peer in rule[side]))
        and (not rule.get("ports") or any(_is_port(each, door) for each in rule["ports"]))
        for rule in rules
    )


def _is_port(said: Mapping[str, Any], door: Door) -> bool:
    return said.get("port") in (None, door.port) and said.get("protocol", "TCP") == door.protocol


def _side(specs: Iterable[Mapping[str, Any]], kind: str, place: Place) -> list[Mapping[str, Any]] | None:
    """The rules that bind a pod in this direction; ``None`` when it is bound by none."""
    bound = [
        spec
        for spec in specs
        if kind in spec["policyTypes"] and place.namespace == HOME and matches(spec["podSelector"], dict(place.labels))
    ]
    return [rule for spec in bound for rule in spec.get(kind.lower()) or ()] if bound else None


def reaches(objects: Sequence[Object], source: Place, door: Door) -> bool:
    """Whether the policies let ``source`` through ``door``."""
    specs = policies(objects)
    out, into = _side(specs, "Egress", source), _side(specs, "Ingress", door.place)
    return (out is None or _lets(out, "to", door.place, door)) and (into is None or _lets(into, "from", source, door))


def table(objects: Sequence[Object]) -> str:
    """A line for each source: the doors that it may go through. What lives outside is asked about what is inside."""
    inside = pods(objects)
    ours = {place.name for place in inside.values()}
    return "".join(f"{line}\n" for line in _lines(objects, [*inside.values(), *NEIGHBOURS], ours))


def _lines(objects: Sequence[Object], sources: Sequence[Place], ours: set[str]) -> Iterator[str]:
    for source in sources:
        found = [
            str(door)
            for door in doors(objects)
            if (source.name in ours or door.place.name in ours)
            and door.place.name != source.name
            and reaches(objects, source, door)
        ]
        yield f"{source.name + ':':<13} {' '.join(found) or '-'}"


if __name__ == "__main__":
    sys.stdout.write(table(render(Path(sys.argv[1]))))
