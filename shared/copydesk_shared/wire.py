"""How a message looks on the wire: JSON in the value, CloudEvents 1.0 Kafka binding in binary mode in the headers.

The W3C ``traceparent`` travels beside them, one trace per article through all services.
"""

import secrets
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.identity import short_digest
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.messages import Article, Entry, Message, Page
from copydesk_shared.topics import Topic

M = TypeVar("M", bound=Message)

TRACE_FIELDS = 4


def traceparent(parent: str | None) -> str:
    """A W3C trace context: the parent's trace with a span of its own, or a new trace.

    https://www.w3.org/TR/trace-context/
    """
    fields = (parent or "").split("-")
    trace = fields[1] if len(fields) == TRACE_FIELDS and len(fields[1]) == 32 else secrets.token_hex(16)  # noqa: PLR2004
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def event_id(stage: str, key: str, message: Message, version: str) -> str:
    """The idempotency key: the same input through the same pipeline version gives the same id."""
    match message:
        case Page() | Article():
            what = f"{message.article_id}\n{message.revision}"
        case Entry():
            what = f"{message.feed_id}\n{message.url}\n{message.revision}"
        case _:
            what = message.model_dump_json()
    return short_digest(f"{stage}\n{key}\n{what}\n{version}")


def encode(topic: Topic[M], message: M, *, stage: str, version: str, parent: str | None = None) -> Outgoing:
    """The record for a message."""
    key = topic.key(message)
    kind = type(message).__name__
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id(stage, key, message, version),
        "ce_source": f"/copydesk/{stage}",
        "ce_type": f"copydesk.{kind}.v1",
        "ce_time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "ce_subject": key,
        "ce_dataschema": f"urn:copydesk:schema:{kind}:1",
        "content-type": "application/json",
        "traceparent": traceparent(parent),
    }
    return Outgoing(topic.name, key.encode(), message.model_dump_json().encode(), as_headers(headers))


def tombstone(topic: Topic[M], key: str, *, stage: str) -> Outgoing:
    """The record that says that what has this key is gone."""
    return Outgoing(topic.name, key.encode(), None, as_headers({"ce_source": f"/copydesk/{stage}", "ce_subject": key}))


def as_headers(headers: dict[str, str]) -> Headers:
    """Headers as the log takes them."""
    return tuple((name, value.encode("utf-8", "replace")) for name, value in headers.items())


def decode(topic: Topic[M], record: Record) -> M:
    """The message in a record. Raises :class:`Poison` (undecodable) that says what is wrong and where."""
    if record.value is None:
        raise Poison("a tombstone where a message was expected", DeadLetterReason.UNDECODABLE)
    try:
        return topic.model.model_validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "value"
        raise Poison(f"not a {topic.model.__name__}: {place}: {first['msg']}", DeadLetterReason.UNDECODABLE) from None


def dead_letter(topic: str, record: Record, *, stage: str, reason: DeadLetterReason, error: str) -> Outgoing:
    """The record for the dead letters: key, value and headers as they were, and why it is there in headers on top."""
    why = {
        "dead-letter-reason": reason.value,
        "dead-letter-error": error,
        "dead-letter-stage": stage,
        "dead-letter-topic": record.topic,
        "dead-letter-partition": str(record.partition),
        "dead-letter-offset": str(record.offset),
        "dead-letter-at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    return Outgoing(topic, record.key, record.value, record.headers + as_headers(why))
