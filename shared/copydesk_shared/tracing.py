"""One trace per article through all services, by the W3C ``traceparent`` that travels in the headers.

Without OpenTelemetry the header is only handed on, so that whoever traces around Copydesk keeps the thread. With it
(the setting ``traces``, see :mod:`copydesk_shared.otel`) each record that is handled is a span.
"""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from copydesk_shared.log import Record
from copydesk_shared.wire import traceparent


class Span(Protocol):
    """The time in which something is done with a record."""

    @property
    def trace(self) -> str:
        """The ``traceparent`` of what is emitted meanwhile."""

    def ended(self, outcome: str, reason: str = "") -> None:
        """So it came out."""


class Tracer(Protocol):
    """Opens spans."""

    def process(self, stage: str, record: Record) -> AbstractContextManager[Span]:
        """A stage handles a record."""

    def send(self, stage: str, topic: str) -> AbstractContextManager[Span]:
        """A record that comes of no other is sent to a topic."""

    def close(self) -> None:
        """Hand over what was collected."""


class _HandOn:
    """A span that is not recorded. A class, not a generator: there is one for every record."""

    __slots__ = ("trace",)

    def __init__(self, parent: str | None) -> None:
        self.trace = traceparent(parent)

    def ended(self, outcome: str, reason: str = "") -> None:
        """Nobody wants to know."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class HandOn:
    """The tracer that records nothing."""

    def process(self, _stage: str, record: Record) -> AbstractContextManager[Span]:
        """See :class:`Tracer`."""
        return _HandOn(record.header("traceparent"))

    def send(self, _stage: str, _topic: str) -> AbstractContextManager[Span]:
        """See :class:`Tracer`."""
        return _HandOn(None)

    def close(self) -> None:
        """See :class:`Tracer`."""


_tracer: Tracer = HandOn()


def use_tracer(tracer: Tracer) -> Tracer:
    """From here on this tracer opens the spans of this process; gives the one before it."""
    global _tracer
    before, _tracer = _tracer, tracer
    return before


def process_span(stage: str, record: Record) -> AbstractContextManager[Span]:
    """The time in which a stage handles a record."""
    return _tracer.process(stage, record)


def send_span(stage: str, topic: str) -> AbstractContextManager[Span]:
    """The time in which a record that comes of no other is made."""
    return _tracer.send(stage, topic)
