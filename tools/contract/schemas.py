"""JSON Schemas (2020-12) of the messages as a reader sees them.

Every field is written, whether it has a default or not, so all are required, computed ones too. A field that came after
a version was released is not: the topics hold records of that version from before. The released schema tells which.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from copydesk_shared.message import Message
from copydesk_shared.topics import ALL_TOPICS, Topic
from copydesk_shared.wire import data_schema

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RELEASED = Path(__file__).parent.parent.parent / "docs" / "schemas" / "released"
ROLE = re.compile(r":\w+:`~?([^`]+)`")
PYTHON_ONLY = ("readOnly",)
HEAD = ("title", "description", "type", "properties", "required")


class _WithoutTitles(GenerateJsonSchema):
    """A title that repeats the field's name tells nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False


def models() -> tuple[type[Message], ...]:
    """The messages that travel on a topic, in the order of the topics."""
    return tuple(dict.fromkeys(topic.model for topic in ALL_TOPICS if isinstance(topic, Topic)))


def released(model: type[Message]) -> Schema | None:
    """The last released schema of this version; ``None`` before its first release."""
    path = RELEASED / str(model.schema_version) / f"{model.__name__}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def schema(model: type[Message]) -> Schema:
    """The schema of a message, with the ``$id`` that records name in ``ce_dataschema``."""
    made = model.model_json_schema(mode="serialization", schema_generator=_WithoutTitles)
    past = released(model) or {}
    before = dict(_objects(past))
    for name, each in _objects(made):
        _tidy(each, before.get(name))
    definitions = {name: _in_order(each) for name, each in sorted(made.pop("$defs", {}).items())}
    head = {"$schema": DIALECT, "$id": data_schema(model)}
    return head | _in_order(made) | ({"$defs": definitions} if definitions else {})


def _in_order(each: Schema) -> Schema:
    return {key: each[key] for key in (*HEAD, *each) if key in each}


def _objects(whole: Schema) -> Iterator[tuple[str, Schema]]:
    """The objects of a schema by their names, the whole one last."""
    yield from whole.get("$defs", {}).items()
    if whole:
        yield "", whole


def _tidy(each: Schema, before: Mapping[str, Any] | None) -> None:
    properties = each["properties"]
    always = properties if before is None else before.get("required", ())
    each["required"] = [name for name in properties if name in always]
    each.setdefault("description", "")
    for part in (each, *properties.values()):
        if "description" in part:
            part["description"] = prose(part["description"])
    for name, value in properties.items():
        for key in (*PYTHON_ONLY, "title", *(("default",) if name in each["required"] else ())):
            value.pop(key, None)


def prose(docstring: str) -> str:
    """A docstring as Markdown: one line a paragraph, single back-ticks, names of JSON."""
    text = ROLE.sub(r"`\1`", docstring).replace("``", "`").replace("`None`", "`null`")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()


def text(content: Schema) -> str:
    """A schema as it lies in a file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
