"""The objects against the schemas of Kubernetes, and of those who bring their own kinds."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.deploy.conftest import COMPONENTS, OVERLAYS, Rendered, composed
from tests.tiers import unavailable
from tools.manifests.render import K8S, Object, name_of, render
from tools.manifests.strimzi import API_VERSION

CRDS = Path(__file__).parents[3] / "shared" / "data" / "crds"
BUILT_IN = ("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "policy/v1")
OLDEST = (1, 32)
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
VERSIONS = sorted(
    version for path in SCHEMAS.glob("v*-local-strict")
     if (version := tuple(map(int, path.name[1:].split("-")[0].split(".")[:2]))) >= OLDEST
)  # fmt: skip
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Both overlays and the base with all components; what is the same in two of them once."""
    all_components = composed(tmp_path_factory.mktemp("all"), *COMPONENTS)
    objects = [*(each for name in OVERLAYS for each in render(K8S / "overlays" / name)), *all_components]
    return list({json.dumps(each, sort_keys=True): each for each in objects}.values())


def test_there_are_schemas() -> None:
    assert len(VERSIONS) > 3


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: ".".join(map(str, version)))
def test_kubernetes_takes_its_own_kinds(version: tuple[int, int], everything: list[Object]) -> None:
    ours = [each for each in everything if each["apiVersion"] in BUILT_IN]
    for each in ours:
        kubernetes_validate.validate(each, ".".join(map(str, version)), strict=True)
    assert len(ours) > 50


def test_kubernetes_does_not_take_what_it_does_not_know(overlay: Rendered) -> None:
    budget = next(each for each in overlay("dev") if each["kind"] == "PodDisruptionBudget")
    budget["spec"]["unhealthyPodEvictionPolicyy"] = "AlwaysAllow"
    with pytest.raises(kubernetes_validate.ValidationError, match="unhealthyPodEvictionPolicyy"):
        kubernetes_validate.validate(budget, "1.37", strict=True)


def strict(schema: Mapping[str, Any]) -> Schema:
    """The schema as the API server reads it with strict field validation: what is not named is refused."""
    made: Schema = {}
    for key, value in schema.items():
        if key in {"properties", "patternProperties"}:
            made[key] = {name: strict(each) for name, each in value.items()}
        elif isinstance(value, Mapping) and key in {"items", "additionalProperties", "not"}:
            made[key] = strict(value)
        elif key in {"anyOf", "oneOf", "allOf"}:
            made[key] = list(value)  # they narrow what is named beside them
        else:
            made[key] = value
    if "properties" in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


def _documents() -> Iterator[tuple[str, str, Schema]]:
    for path in sorted(CRDS.glob("*.yaml")):
        for crd in filter(None, yaml.safe_load_all(path.read_text(encoding="utf-8"))):
            spec = crd["spec"]
            for version in (each for each in spec["versions"] if each["served"]):
                api_version = f"{spec['group']}/{version['name']}"
                yield api_version, spec["names"]["kind"], version["schema"]["openAPIV3Schema"]
    for api_version, kind in (
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("external-secrets.io/v1", "ExternalSecret"),
    ):
        text = (CRDS / f"{kind.lower()}_v1.json").read_text(encoding="utf-8")
        yield api_version, kind, json.loads(text)


@cache
def validators() -> Mapping[tuple[str, str], jsonschema.Draft7Validator]:
    if not CRDS.is_dir():
        unavailable("seed", "needs ../shared/data/crds")
    return {(version, kind): jsonschema.Draft7Validator(_whole(schema)) for version, kind, schema in _documents()}


def _whole(schema: Schema) -> Schema:
    whole = strict(schema)
    # The API server looks at these itself.
    whole["properties"] |= {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    return whole


def problems(each: Object) -> list[str]:
    validator = validators()[each["apiVersion"], each["kind"]]
    return [f"{name_of(each)} {error.json_path}: {error.message}" for error in validator.iter_errors(each)]


@pytest.mark.seed
def test_custom_resources_are_as_their_definitions_say(everything: list[Object]) -> None:
    customs = [each for each in everything if each["apiVersion"] not in (*BUILT_IN, "kustomize.config.k8s.io/v1beta1")]
    assert len(customs) > 30
    assert [problem for each in customs for problem in problems(each)] == []


@pytest.mark.seed
@pytest.mark.parametrize(
    ("kind", "path", "value", "problem"),
    [
        ("KafkaUser", ("spec", "authorization", "acls", 0, "operations"), ["Reads"], "'Reads' is not one of"),
        ("KafkaTopic", ("spec", "partition"), 6, "'partition' was unexpected"),
        ("KafkaNodePool", ("spec", "roles"), ["brokers"], "'brokers' is not one of"),
        ("Kafka", ("spec", "kafka", "authorisation"), {}, "'authorisation' was unexpected"),
        ("ScaledObject", ("spec", "maxReplicas"), 6, "'maxReplicas' was unexpected"),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0, "interval"), "soon", "does not match"),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "port"), 0, "is less than the minimum"),
        ("ExternalSecret", ("spec", "target", "creationPolicy"), "Mine", "'Mine' is not one of"),
    ],
)
def test_what_a_definition_refuses_is_caught(
    kind: str, path: tuple[str | int, ...], value: object, problem: str, overlay: Rendered
) -> None:
    each: Any = next(found for found in overlay("production") if found["kind"] == kind)
    place = each
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(problem in line for line in problems(each)), problems(each)


def test_the_version_of_strimzi_is_the_one_that_is_served() -> None:
    assert any(version == API_VERSION for version, _ in validators())
