"""What the OpenAPI document says of every call besides what its route says: errors as what they are, and keys."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.routing import BaseRoute

from copydesk_api.access import Requires
from copydesk_api.links import declare_links
from copydesk_api.problems import MEDIA_TYPE, SLOW, TOO_LARGE, TOO_MANY, UNAUTHORIZED, ProblemDetails

SCHEME = "key"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key with the scope read, write or admin. Reads need one where the service is set so; what "
    "changes something always does.",
}
OPEN_OR_BY_KEY: list[dict[str, list[str]]] = [{}, {SCHEME: []}]
VALIDATION_SCHEMAS = ("HTTPValidationError", "ValidationError")
_VALIDATION = f"/{VALIDATION_SCHEMAS[0]}"
ANY_CALL = (UNAUTHORIZED, TOO_MANY)
WITH_BODY = (SLOW, TOO_LARGE)
IN, OUT = "-Input", "-Output"
TEXT: dict[str, Any] = {"type": "string"}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer"}}}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "401": {"WWW-Authenticate": {"description": "RFC 6750.", "schema": TEXT}},
    "429": RETRY_AFTER,
    "503": RETRY_AFTER,
}
PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}}


def complete(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Add it to the document, in which these routes are."""
    for calls in document["paths"].values():
        for call in calls.values():
            _declare_problems(call)
            declare_links(call)
            for parameter in call.get("parameters", ()):
                _as_it_is_sent(parameter)
    document["components"]["securitySchemes"] = {SCHEME: BEARER}
    for path, method, scopes in _needs(routes):
        call = document["paths"].get(path, {}).get(method)
        if call is not None:
            call["security"] = [{SCHEME: scopes}] if scopes else OPEN_OR_BY_KEY
    for name in VALIDATION_SCHEMAS:
        document["components"]["schemas"].pop(name, None)
    _join_twins(document)


def _as_it_is_sent(parameter: dict[str, Any]) -> None:
    """A query and a header hold no null: what may be left out is optional, and what is empty counts as left out."""
    schema = parameter["schema"]
    choices = [each for each in schema.pop("anyOf", ()) if each.get("type") != "null"]
    if choices:
        (only,) = choices
        parameter["schema"] = {**only, **schema}
    if parameter["in"] == "query":
        parameter["allowEmptyValue"] = True


def _join_twins(document: dict[str, Any]) -> None:
    """What webhooks are sent is what the calls answer: FastAPI takes it for something that it is to be sent."""
    models = document["components"]["schemas"]
    told = json.dumps({key: document[key] for key in ("paths", "webhooks")} | {"models": models})
    for name in (each.removesuffix(OUT) for each in models if each.endswith(OUT)):
        for twin in (f"{name}{IN}", f"{name}{OUT}"):
            told = told.replace(f'"#/components/schemas/{twin}"', f'"#/components/schemas/{name}"')
    document |= json.loads(told)
    joined = document.pop("models")
    document["components"]["schemas"] = {
        name.removesuffix(OUT): model for name, model in joined.items() if not name.endswith(IN)
    }


def _declare_problems(call: Mapping[str, Any]) -> None:
    responses = call["responses"]
    if _VALIDATION in json.dumps(responses.get("422", {})):
        responses.pop("422")  # FastAPI's own form of what is a 400 here
    for status, response in responses.items():
        content = response.get("content", {})
        if not status.startswith("2") and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
    for kind in (*ANY_CALL, *(WITH_BODY if "requestBody" in call else ())):
        responses.setdefault(str(kind.status.value), {"description": kind.meaning, "content": PROBLEM_CONTENT})
    for status, headers in HEADERS.items():
        if status in responses:
            responses[status]["headers"] = headers


def _needs(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, list[str]]]:
    """The scopes that each call needs: path, method, scopes."""
    for route in routes:
        dependant = getattr(route, "dependant", None)
        if dependant is None:
            continue
        scopes = [each.call.scope.value for each in dependant.dependencies if isinstance(each.call, Requires)]
        path, methods = getattr(route, "path_format", ""), getattr(route, "methods", ())
        yield from ((path, method.lower(), scopes) for method in sorted(methods))
