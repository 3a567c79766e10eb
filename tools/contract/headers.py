"""The headers of the records, as tables. Values are UTF-8 text on the wire."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from copydesk_shared.errors import DeadLetterReason, RetryClass
from copydesk_shared.marks import BORDER, NO_KEY
from copydesk_shared.message import Message
from copydesk_shared.topics import ALL_TOPICS, STAGE_SOURCES
from copydesk_shared.wire import data_schema, event_type, tombstone_type
from tools.contract.schemas import DIALECT, Schema

NUMBER: Schema = {"type": "string", "pattern": "^[0-9]+$"}
TIME: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
TOPIC_NAME: Schema = {"type": "string", "enum": [topic.name for topic in ALL_TOPICS]}


@dataclass(frozen=True, slots=True)
class Header:
    """A header: its name, what its value looks like, what it says, and whether it is always there."""

    name: str
    schema: Schema
    description: str
    always: bool = True


def _one_of(values: Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


TRACE = Header(
    "traceparent",
    {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
    "W3C trace context. One article has one trace id through all services.",
)


def _event(types: Schema, identity: str) -> tuple[Header, ...]:
    return (
        Header("ce_specversion", {"type": "string", "const": "1.0"}, "The version of CloudEvents."),
        Header("ce_id", {"type": "string", "pattern": "^[A-Za-z0-9_-]{20}$"}, identity),
        Header(
            "ce_source",
            {"type": "string", "pattern": "^/copydesk/[a-z-]+$"},
            "Who wrote it: `/copydesk/` and the stage.",
        ),
        Header("ce_type", types, "What it is, and its version."),
        Header("ce_time", TIME, "When it was written."),
        Header("ce_subject", TEXT, "The key of the record."),
        TRACE,
    )


def _message(types: Schema, schemas: Schema) -> tuple[Header, ...]:
    return (
        *_event(types, "The idempotency key: the same input through the same pipeline version has the same id."),
        Header("ce_dataschema", schemas, "The `$id` of its JSON Schema."),
        Header("content-type", {"type": "string", "const": "application/json"}, "The value is JSON in UTF-8."),
    )


def message(model: type[Message]) -> tuple[Header, ...]:
    """What a message carries: CloudEvents 1.0 in binary mode, and the trace."""
    return _message(_one_of([event_type(model)]), _one_of([data_schema(model)]))


def tombstone(model: type[Message]) -> tuple[Header, ...]:
    """What a tombstone carries."""
    return _event(_one_of([tombstone_type(model)]), "New for each tombstone.")


ANY_MESSAGE = _message(TEXT, TEXT)

MARKED = (
    Header(
        BORDER,
        NUMBER,
        "How many headers before this one are the record's own. Those behind it tell of its way.",
    ),
    Header(NO_KEY, {"type": "string", "const": "1"}, "There when the record had no key.", always=False),
)

REPLAY = (
    Header(
        "replay-of",
        {"type": "string", "pattern": "^[0-9]+/[0-9]+$"},
        "The dead letter it was replayed from: partition and offset in `articles.dead-letter`.",
        always=False,
    ),
    Header("replay-at", TIME, "When it was replayed.", always=False),
    Header("replay-count", NUMBER, "How often it has been replayed.", always=False),
)


def _origin(prefix: str) -> tuple[Header, ...]:
    return (
        Header(f"{prefix}-topic", TOPIC_NAME, "The topic it was read from first."),
        Header(f"{prefix}-partition", NUMBER, "The partition it was read from first."),
        Header(f"{prefix}-offset", NUMBER, "The offset it was read from first."),
    )


ORIGIN = _origin("retry")
RETRY = (
    Header("retry-attempt", NUMBER, "How many attempts have failed."),
    Header("retry-not-before", TIME, "When it may be tried again."),
    Header("retry-reason", _one_of(RetryClass), "What kind of failure it was."),
    Header("retry-error", TEXT, "What the last attempt said, cut at 2,000 characters."),
    Header("retry-stage", _one_of(STAGE_SOURCES), "The stage that tries."),
    Header("retry-first-at", TIME, "When it failed first."),
    *ORIGIN,
)

DEAD_LETTER = (
    Header(
        "dead-letter-reason",
        _one_of(DeadLetterReason),
        "Why it was given up. Reasons may come: take one that you do not know like any other.",
    ),
    Header("dead-letter-error", TEXT, "The end of the error's text or traceback, up to 8,000 characters."),
    Header("dead-letter-stage", TEXT, "The stage that gave it up."),
    Header("dead-letter-attempts", NUMBER, "How often it was tried."),
    Header("dead-letter-at", TIME, "When it was given up."),
    *_origin("dead-letter"),
    Header("dead-letter-cut", TEXT, "What of the record is not there because it was too large.", always=False),
)


def optional(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The same headers where they need not be there: a record that nobody of ours wrote has none."""
    return tuple(replace(each, always=False) for each in headers)


def always(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The same headers where they are always there."""
    return tuple(replace(each, always=True) for each in headers)


def schema(headers: Iterable[Header]) -> Schema:
    """The schema of a record's headers as an object."""
    headers = tuple(headers)
    return {
        "type": "object",
        "properties": {each.name: {**each.schema, "description": each.description} for each in headers},
        "required": [each.name for each in headers if each.always],
    }


def document(model: type[Message]) -> Schema:
    """The schema of the headers of a message, by itself."""
    name = f"{model.__name__} headers"
    said = "The headers of its records, as text. The values are UTF-8 on the wire."
    head = {"$schema": DIALECT, "$id": f"{data_schema(model)}:headers", "title": name, "description": said}
    return head | schema(message(model))


REPLAYED_HERE = (*optional(MARKED[:1]), *REPLAY)
