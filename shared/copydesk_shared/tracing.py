"""One trace per article through all services, by the W3C ``traceparent`` that travels in the headers."""

from collections.abc import Iterator
from contextlib import contextmanager

from copydesk_shared.log import Record
from copydesk_shared.wire import traceparent


@contextmanager
def process_span(_stage: str, record: Record) -> Iterator[str]:
    """The time in which a record is handled; gives the ``traceparent`` for what the stage emits."""
    yield traceparent(record.header("traceparent"))
