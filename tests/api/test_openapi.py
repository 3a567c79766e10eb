"""The OpenAPI document that lies in docs/ is the one that is served."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from copydesk_api.links import LINKS
from copydesk_api.openapi import document_text

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
RENEW = "python -m copydesk_api.openapi > docs/openapi.json"


def test_the_committed_document_is_up_to_date() -> None:
    assert COMMITTED.read_text() == document_text(), f"stale; run: {RENEW}"


def test_the_command_prints_it(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "copydesk_api.openapi"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert printed.stdout == document_text()
    assert list(tmp_path.iterdir()) == []


def test_the_service_serves_the_same(sqlite_client: httpx.Client) -> None:
    assert sqlite_client.get("/openapi.json").json() == json.loads(document_text())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document_text())
    return loaded


def all_calls(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{method} {path}", call) for path, calls in document["paths"].items() for method, call in calls.items()]


def test_what_it_says_of_errors(document: dict[str, Any]) -> None:
    for path, call in all_calls(document):
        assert "HTTPValidationError" not in json.dumps(call), path
        assert call["responses"]["400"]["content"].keys() == {"application/problem+json"}, path
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for each in value.values() for found in references(each)]
        return [found for each in value for found in references(each)] if isinstance(value, list) else []

    found = references(document["paths"]) + references(document["components"])
    assert found
    assert {name.rpartition("/")[2] for name in found} <= document["components"]["schemas"].keys()


def test_every_call_and_parameter_is_described(document: dict[str, Any]) -> None:
    for _, call in all_calls(document):
        assert call["summary"]
        assert call["description"]
        assert all(parameter["description"] for parameter in call.get("parameters", ()))


def test_what_it_says_of_keys(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    needs = {name: call["security"] for name, call in all_calls(document)}
    assert needs["get /v1/articles"] == [{}, {"key": []}]
    assert needs["get /v1/keys"] == needs["post /v1/keys"] == [{"key": ["admin"]}]
    open_to_all = {call for call, need in needs.items() if need == [{}, {"key": []}] and not call.startswith("get ")}
    assert open_to_all == {"post /websub"}, "feed readers have no keys; where reading needs one, so does this"


def test_a_parameter_is_described_as_it_is_sent(document: dict[str, Any]) -> None:
    parameters = [each for _, call in all_calls(document) for each in call.get("parameters", ())]
    assert parameters
    for each in parameters:
        assert '"null"' not in json.dumps(each["schema"]), each
        assert each.get("allowEmptyValue", False) == (each["in"] == "query")


def test_what_webhooks_are_sent_is_what_calls_answer(document: dict[str, Any]) -> None:
    assert not [name for name in document["components"]["schemas"] if name.endswith(("-Input", "-Output"))]
    assert not [name for name in document["components"]["schemas"] if "__" in name]
    assert "text" in document["components"]["schemas"]["ClassifiedArticle"]["required"]


def test_links_lead_to_calls_and_to_what_they_take(document: dict[str, Any]) -> None:
    calls = {call["operationId"]: call for _, call in all_calls(document)}
    assert calls.keys() >= LINKS.keys()
    found = [
        (after["operationId"], set(after["parameters"]))
        for call in calls.values() for answer in call["responses"].values() for after in answer.get("links", {}).values()
    ]  # fmt: skip
    assert len(found) == sum(map(len, LINKS.values()))
    for name, taken in found:
        assert taken <= {parameter["name"] for parameter in calls[name]["parameters"]}, name


def test_any_parameter_may_be_left_empty(document: dict[str, Any], sqlite_client: httpx.Client) -> None:
    open_lists = [name.removeprefix("get ") for name, call in all_calls(document)
                  if name.startswith("get ") and call["security"][0] == {} and "{" not in name and "stream" not in name]  # fmt: skip
    for path in open_lists:
        names = [parameter["name"] for parameter in document["paths"][path]["get"].get("parameters", ())]
        assert sqlite_client.get(path, params=dict.fromkeys(names, "")).status_code == 200, path
    assert sqlite_client.get("/v1/articles?tag=&q=&limit=").content == sqlite_client.get("/v1/articles").content
    assert [each["article_id"] for each in sqlite_client.get("/v1/articles?tag=&tag=aviation").json()["items"]] == [
        "fused"
    ]
