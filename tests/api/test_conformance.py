"""The OpenAPI document and the service say the same: schemathesis asks for all that the document tells, and more."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from copydesk_api.openapi import document_text
from copydesk_api.store import Store
from tests.api.desk import Desk
from tests.api.exemptions import EXEMPT, EXEMPT_LATER, EXEMPT_LISTS, is_exempt, is_right_as_sent
from tests.api.furnished import furnished_desk
from tests.api.test_keys import ADMIN

ROOT = Path(__file__).parents[2]
CONFIG = "tests/api/schemathesis.toml"
SCHEMATHESIS = Path(sys.executable).with_name("st")
FEWEST_CASES = 1000


async def ask_for_everything(desk: Desk) -> tuple[int, str]:
    """The exit code of schemathesis and what it says."""
    command = (SCHEMATHESIS, "--config-file", CONFIG, "run", f"{desk.client.base_url}/openapi.json", "--no-color",
               "--header", f"Authorization: Bearer {ADMIN}")  # fmt: skip
    running = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    return running.returncode or 0, said.decode()


@pytest.mark.kafka
@pytest.mark.timeout(400)
async def test_the_document_and_the_service_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    async with furnished_desk(store, tmp_path, monkeypatch) as desk:
        code, said = await ask_for_everything(desk)
    store.close()
    assert code == 0, said
    calls = sum(len(each) for each in json.loads(document_text())["paths"].values())
    assert f"Selected: {calls}/{calls}" in said
    cases = re.search(r"(\d+) generated", said)
    assert cases is not None
    assert int(cases[1]) > FEWEST_CASES, said


def test_what_is_exempt_is_in_the_document() -> None:
    document = document_text()
    calls = {f"{method.upper()} {path}" for path, calls in json.loads(document)["paths"].items() for method in calls}
    assert calls >= EXEMPT_LATER.keys()
    assert all(f'"{name}"' in document for name in EXEMPT_LISTS)
    for each in EXEMPT:
        assert each.why
        assert all(f'"{name}"' in document for name in each.names)


def test_a_refusal_is_passed_over_only_for_what_is_exempt() -> None:
    cursor = {"parameter": "cursor", "detail": "this is not a cursor of this service"}
    limit = {"parameter": "limit", "detail": "input should be a valid integer"}
    wrong = {"type": "/docs#invalid-parameter", "detail": "Something else."}
    assert is_exempt(400, {**wrong, "errors": [cursor]})
    assert not is_exempt(400, {**wrong, "errors": [cursor, limit]})
    assert not is_exempt(400, {**wrong, "errors": [{**limit, "detail": cursor["detail"]}]})
    assert not is_exempt(409, {**wrong, "errors": [cursor]})
    assert not is_exempt(400, wrong)
    assert is_exempt(400, {**wrong, "detail": "Give either html or text."})
    assert is_exempt(422, {"type": "/docs#key-reused"})


@pytest.mark.parametrize(
    ("said", "query", "is_right"),
    [
        ("Invalid `tag` in query", "tag=0", False),
        ("Incorrect type in parameter `tag` in query", "tag=0", True),
        ("Incorrect type in parameter `tag` in query", "limit=5&tag=", True),
        ("Incorrect type in parameter `tag` in query", "tag=a&tag=b", False),
        ("Incorrect type in parameter `tag` in query", "limit=5", True),
        ("Incorrect type in parameter `limit` in query", "limit=&tag=a", True),
        ("Incorrect types in parameters `tag`, `source` in query", "tag=true&source=", True),
        ("Incorrect types in parameters `tag`, `source` in query", "tag=true", True),
        ("Incorrect types in parameters `tag`, `source` in query", "tag=true&source=a", False),
        ("Incorrect type in parameter `limit` in query", "limit=5", False),
    ],
)
def test_only_what_is_sent_can_be_wrong(said: str, query: str, is_right: bool) -> None:
    assert is_right_as_sent(said, f"http://127.0.0.1/v1/articles?{query}") is is_right
