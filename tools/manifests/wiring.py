"""What names something else names something that is there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.manifests.findings import Finding
from tools.manifests.render import Object, containers_of, labels_of, matches, name_of, of_kind, template_of, workloads

# The versions that are served, of every kind that is used.
VERSIONS: Mapping[str, str] = {
    "ConfigMap": "v1", "Namespace": "v1", "Secret": "v1", "Service": "v1", "ServiceAccount": "v1",
    "Deployment": "apps/v1", "Job": "batch/v1", "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "Kafka": "kafka.strimzi.io/v1", "KafkaNodePool": "kafka.strimzi.io/v1", "KafkaTopic": "kafka.strimzi.io/v1",
    "KafkaUser": "kafka.strimzi.io/v1",
    "ScaledObject": "keda.sh/v1alpha1", "TriggerAuthentication": "keda.sh/v1alpha1",
    "PodMonitor": "monitoring.coreos.com/v1", "PrometheusRule": "monitoring.coreos.com/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1", "ExternalSecret": "external-secrets.io/v1",
}  # fmt: skip
# Secrets and ConfigMaps that people make by hand; docs/operations.md says how.
BY_HAND = frozenset((("Secret", "copydesk-database"), ("Secret", "copydesk-websub"), ("ConfigMap", "copydesk-tags")))
STANDARD = "pod-security.kubernetes.io"


def versions(objects: Sequence[Object]) -> Iterator[Finding]:
    """Only versions that are served."""
    for each in objects:
        if each["apiVersion"] != VERSIONS.get(each["kind"]):
            yield Finding(name_of(each), f"version {each['apiVersion']}, not {VERSIONS.get(each['kind'])}")


def namespace(objects: Sequence[Object]) -> Iterator[Finding]:
    """Everything lies in one namespace, which is restricted."""
    spaces = of_kind(objects, "Namespace")
    if len(spaces) != 1:
        yield Finding("Namespace", f"there are {len(spaces)}")
        return
    for mode in ("enforce", "warn", "audit"):
        if labels_of(spaces[0]).get(f"{STANDARD}/{mode}") != "restricted":
            yield Finding(name_of(spaces[0]), f"{STANDARD}/{mode} is not restricted")
    name = spaces[0]["metadata"]["name"]
    for each in objects:
        if each["kind"] != "Namespace" and each["metadata"].get("namespace") != name:
            yield Finding(name_of(each), f"not in the namespace {name}")


def selectors(objects: Sequence[Object]) -> Iterator[Finding]:
    """Deployments select their own pods; Services, budgets and policies select somebody's."""
    templates = [template_of(each) for each in workloads(objects)]
    for deployment in of_kind(objects, "Deployment"):
        if not matches(deployment["spec"]["selector"], labels_of(template_of(deployment))):
            yield Finding(name_of(deployment), "does not select its own pods")
    for each in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = each["spec"]
        selector = {"matchLabels": spec["selector"]} if each["kind"] == "Service" else (
            spec.get("podSelector") if each["kind"] == "NetworkPolicy" else spec.get("selector")
        )  # fmt: skip
        if not (selector or {}).get("matchLabels"):
            yield Finding(name_of(each), "selects every pod of the namespace, those of the brokers too")
        elif not any(matches(selector, labels_of(template)) for template in templates):
            yield Finding(name_of(each), "selects no pod")


def services(objects: Sequence[Object]) -> Iterator[Finding]:
    """The ports of Services and routes lead somewhere."""
    ports = {each["metadata"]["name"]: {port["port"] for port in each["spec"]["ports"]}
             for each in of_kind(objects, "Service")}  # fmt: skip
    for service in of_kind(objects, "Service"):
        chosen = [each for each in workloads(objects)
                  if matches({"matchLabels": service["spec"]["selector"]}, labels_of(template_of(each)))]  # fmt: skip
        named = {port["name"] for each in chosen for box in containers_of(each) for port in box.get("ports") or ()}
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in named:
                yield Finding(name_of(service), f"no container has a port {port['targetPort']}")
    for route in of_kind(objects, "HTTPRoute"):
        for behind in (each for rule in route["spec"]["rules"] for each in rule["backendRefs"]):
            if behind["port"] not in ports.get(behind["name"], ()):
                yield Finding(name_of(route), f"no Service {behind['name']} with port {behind['port']}")


def references(objects: Sequence[Object]) -> Iterator[Finding]:
    """ConfigMaps and secrets that pods take are there, or made by an operator or by hand."""
    made = {("ConfigMap", each["metadata"]["name"]) for each in of_kind(objects, "ConfigMap")}
    made |= {("Secret", each["metadata"]["name"]) for each in of_kind(objects, "Secret", "KafkaUser")}
    made |= {("Secret", f"{each['metadata']['name']}-cluster-ca-cert") for each in of_kind(objects, "Kafka")}
    made |= {("Secret", each["spec"]["target"]["name"]) for each in of_kind(objects, "ExternalSecret")} | BY_HAND
    taken = {(name_of(each), *thing) for each in workloads(objects) for thing in _taken(each)}
    for each in of_kind(objects, "TriggerAuthentication"):
        taken |= {(name_of(each), "Secret", ref["name"]) for ref in each["spec"]["secretTargetRef"]}
    for where, kind, name in sorted(taken):
        if (kind, name) not in made:
            yield Finding(where, f"takes {kind} {name}, which nobody makes")


def _taken(workload: Object) -> Iterator[tuple[str, str]]:
    for container in containers_of(workload):
        for each in container.get("envFrom") or ():
            yield from (("ConfigMap", each[key]["name"]) for key in each.keys() & {"configMapRef"})
    for volume in template_of(workload)["spec"].get("volumes") or ():
        for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            yield from _of_source(source)


def _of_source(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "configMap" in source and not source["configMap"].get("optional"):
        yield "ConfigMap", source["configMap"]["name"]
    if "secret" in source:
        yield "Secret", source["secret"].get("secretName") or source["secret"]["name"]
