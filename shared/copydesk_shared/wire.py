"""How a message looks on the wire: JSON in the value, CloudEvents 1.0 Kafka binding in binary mode in the headers.

The W3C ``traceparent`` travels beside them, one trace per article through all services.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.identity import short_digest
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.message import Message
from copydesk_shared.messages import Article, Entry, Page
from copydesk_shared.topics import Topic

M = TypeVar("M", bound=Message)

TRACE_FIELDS = 4
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MILLISECONDS = 10**14  # some three thousand years
ID_BYTES = 15  # as many as a digest has


def utc_text(at: datetime) -> str:
    """A time as RFC 3339 in UTC, with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written_at(record: Record) -> datetime:
    """When the message was written, as its ``ce_time`` says, else as the record does."""
    try:
        said = datetime.fromisoformat(record.header("ce_time") or "")
        return (said if said.tzinfo is not None else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return LONG_AGO + timedelta(milliseconds=min(max(record.timestamp_ms, 0), MOST_MILLISECONDS))


def traceparent(parent: str | None) -> str:
    """A W3C trace context: the parent's trace with a span of its own, or a new trace.

    https://www.w3.org/TR/trace-context/
    """
    fields = (parent or "").split("-")
    trace = fields[1] if len(fields) == TRACE_FIELDS and len(fields[1]) == 32 else secrets.token_hex(16)  # noqa: PLR2004
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def event_type(model: type[Message]) -> str:
    """The CloudEvents type of a message."""
    return f"copydesk.{model.__name__}.v{model.schema_version}"


def tombstone_type(model: type[Message]) -> str:
    """The CloudEvents type of the record that says that one is gone."""
    return f"copydesk.{model.__name__}.gone.v{model.schema_version}"


def data_schema(model: type[Message]) -> str:
    """The ``$id`` of the JSON Schema that a message obeys."""
    return f"urn:copydesk:schema:{model.__name__}:{model.schema_version}"


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


def encode(topic: Topic[M], message: M, *, stage: str, version: str, trace: str | None = None) -> Outgoing:
    """The record for a message, in the trace of that ``traceparent``, or in a new one."""
    key = topic.key(message)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id(stage, key, message, version),
        "ce_source": f"/copydesk/{stage}",
        "ce_type": event_type(topic.model),
        "ce_time": utc_text(datetime.now(UTC)),
        "ce_subject": key,
        "ce_dataschema": data_schema(topic.model),
        "content-type": "application/json",
        "traceparent": trace or traceparent(None),
    }
    value = message.model_dump_json().encode()
    return Outgoing(topic.name, key.encode(), value, as_headers(headers), topic.place(message) if topic.place else None)


def tombstone(
    topic: Topic[M],
    key: str,
    *,
    stage: str,
    trace: str | None = None,
    place: str | None = None,
    partition: int | None = None,
) -> Outgoing:
    """The record that says that what has this key is gone.

    ``place`` is that of what is gone, or ``partition`` the one it lies in, where that is not the key's. Its id is new
    each time: what is gone may come back and go again.
    """
    headers = {
        "ce_specversion": "1.0",
        "ce_id": secrets.token_urlsafe(ID_BYTES),
        "ce_source": f"/copydesk/{stage}",
        "ce_type": tombstone_type(topic.model),
        "ce_time": utc_text(datetime.now(UTC)),
        "ce_subject": key,
        "traceparent": trace or traceparent(None),
    }
    return Outgoing(topic.name, key.encode(), None, as_headers(headers), place, partition)


def as_headers(headers: dict[str, str]) -> Headers:
    """Headers as the log takes them."""
    return tuple((name, value.encode("utf-8", "replace")) for name, value in headers.items())


def decode(topic: Topic[M], record: Record) -> M:
    """The message in a record. Raises :class:`Poison` (undecodable) that says what is wrong and where."""
    if record.fault:
        raise Poison(record.fault, DeadLetterReason.UNDECODABLE)
    if record.value is None:
        raise Poison("a tombstone where a message was expected", DeadLetterReason.UNDECODABLE)
    try:
        return topic.model.model_validate_json(record.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "value"
        raise Poison(f"not a {topic.model.__name__}: {place}: {first['msg']}", DeadLetterReason.UNDECODABLE) from None
