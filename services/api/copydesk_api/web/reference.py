"""The parts of an OpenAPI document that the reference page shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a call, and what a form needs for it."""

    name: str
    place: str
    description: str
    kind: str
    choices: tuple[str, ...]
    default: str
    required: bool


@dataclass(frozen=True)
class Operation:
    """One call."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: str
    scope: str
    responses: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Where it stands in the page."""
        path = self.path.strip("/").replace("/", "-").replace("{", "").replace("}", "").replace(".", "-")
        return path if self.method == "GET" else f"{self.method.lower()}-{path}"

    @property
    def can_be_tried(self) -> bool:
        """A form sends query parameters only, and no key."""
        is_query = all(parameter.place == "query" for parameter in self.parameters)
        return is_query and self.method == "GET" and not self.scope


@dataclass(frozen=True)
class Field:
    """One field of a model."""

    name: str
    kind: str
    description: str
    required: bool


@dataclass(frozen=True)
class Schema:
    """One model."""

    name: str
    description: str
    fields: tuple[Field, ...]


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All calls, in the order of the document."""
    every = document["paths"].items()
    return [_operation(method, path, call) for path, calls in every for method, call in calls.items()]


def schemas(document: Mapping[str, Any]) -> list[Schema]:
    """All models."""
    found = document["components"]["schemas"]
    return [Schema(name, schema.get("description", ""), _fields(schema)) for name, schema in found.items()]


def _operation(method: str, path: str, call: Mapping[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        summary=call["summary"],
        description=call.get("description", ""),
        parameters=tuple(_parameter(parameter) for parameter in call.get("parameters", ())),
        body=_body(call),
        scope=next((scope for need in call.get("security", ()) for scopes in need.values() for scope in scopes), ""),
        responses=tuple((status, answer["description"]) for status, answer in call["responses"].items()),
    )


def _body(call: Mapping[str, Any]) -> str:
    """What is sent, in a few words; empty for calls that take no body."""
    content = call.get("requestBody", {}).get("content", {})
    return ", ".join(f"{media_type}: {kind(told['schema'])}" for media_type, told in content.items())


def _parameter(parameter: Mapping[str, Any]) -> Parameter:
    schema = parameter["schema"]
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        description=parameter.get("description", ""),
        kind=kind(schema).removesuffix(" or null"),
        choices=tuple(str(choice) for choice in schema.get("enum", ())),
        default=str(schema["default"]) if schema.get("default") not in (None, []) else "",
        required=parameter.get("required", False),
    )


def _fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        Field(name, kind(field), field.get("description", ""), name in required)
        for name, field in schema.get("properties", {}).items()
    )


def kind(schema: Mapping[str, Any]) -> str:
    """The type of a value in a few words: ``string or null``, ``list of Tag``, ``integer 1 to 200``."""
    if "anyOf" in schema:
        return " or ".join(kind(choice) for choice in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(str(choice) for choice in schema["enum"])
    limits = f" {schema['minimum']} to {schema['maximum']}" if {"minimum", "maximum"} <= schema.keys() else ""
    return f"{schema.get('format', schema.get('type', 'any'))}{limits}"
