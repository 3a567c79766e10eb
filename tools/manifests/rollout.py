"""Replicas come, go and are spread without anybody noticing."""

from collections.abc import Iterator, Sequence

from tools.manifests.findings import Finding
from tools.manifests.render import Object, deployments, labels_of, matches, name_of, of_kind, template_of

ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def strategy(objects: Sequence[Object]) -> Iterator[Finding]:
    """A new pod is ready before an old one goes."""
    for deployment in deployments(objects).values():
        if deployment["spec"].get("strategy") != ROLLING:
            yield Finding(name_of(deployment), f"strategy is not {ROLLING}")


def spread(objects: Sequence[Object]) -> Iterator[Finding]:
    """Replicas are spread over zones and nodes, those of one version among themselves."""
    for deployment in deployments(objects).values():
        where, template = name_of(deployment), template_of(deployment)
        found = {each["topologyKey"]: each for each in template["spec"].get("topologySpreadConstraints") or ()}
        for key in SPREAD_OVER:
            if key not in found:
                yield Finding(where, f"not spread over {key}")
                continue
            if found[key].get("matchLabelKeys") != ["pod-template-hash"]:
                yield Finding(where, f"spread over {key} without matchLabelKeys: [pod-template-hash]")
            if not matches(found[key].get("labelSelector"), labels_of(template)):
                yield Finding(where, f"spread over {key} counts other pods")


def budgets(objects: Sequence[Object]) -> Iterator[Finding]:
    """Drains go on, one pod at a time."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for deployment in deployments(objects).values():
        labels = labels_of(template_of(deployment))
        ours = [each for each in budgets if matches(each["spec"].get("selector"), labels)]
        if len(ours) != 1:
            yield Finding(name_of(deployment), f"{len(ours)} disruption budgets")
    for budget in budgets:
        spec, where = budget["spec"], name_of(budget)
        if "minAvailable" in spec:
            yield Finding(where, "minAvailable: with as few replicas as that no node can be drained")
        elif spec.get("maxUnavailable") != 1:
            yield Finding(where, f"maxUnavailable is {spec.get('maxUnavailable')!r}, not 1")
        if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield Finding(where, "pods that are not ready hold up a drain")


def replicas(objects: Sequence[Object]) -> Iterator[Finding]:
    """One says how many: the Deployment, or what scales it."""
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in of_kind(objects, "ScaledObject")}
    for deployment in deployments(objects).values():
        said = "replicas" in deployment["spec"]
        if said == (deployment["metadata"]["name"] in scaled):
            yield Finding(name_of(deployment), "replicas are set back by each apply" if said else "no replicas")
    for name in sorted(scaled - {each["metadata"]["name"] for each in of_kind(objects, "Deployment")}):
        yield Finding(f"ScaledObject of {name}", "scales what is not there")
