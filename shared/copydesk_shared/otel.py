"""Spans by OpenTelemetry, with the messaging conventions (https://opentelemetry.io/docs/specs/semconv/messaging/kafka/).

The instrumentation for aiokafka ends its span before the record is handled; these last until the outcome is known.
Where the spans go is said by the standard variables, ``OTEL_EXPORTER_OTLP_ENDPOINT`` and its kin.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from copydesk_shared.log import Record
from copydesk_shared.tracing import Span

W3C = TraceContextTextMapPropagator()
SYSTEM = {"messaging.system": "kafka"}


class OtelSpan:
    """A span of OpenTelemetry that is current while it lasts."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        W3C.inject(carrier, trace.set_span_in_context(span))
        self.trace = carrier["traceparent"]

    def ended(self, outcome: str, reason: str = "") -> None:
        """See :class:`copydesk_shared.tracing.Span`."""
        self._span.set_attribute("copydesk.outcome", outcome)
        if reason:
            self._span.set_attribute("copydesk.reason", reason)
        if outcome == "dead-lettered":
            self._span.set_status(Status(StatusCode.ERROR, reason))
            self._span.set_attribute("error.type", reason)


class OtelTracer:
    """Opens the spans of a service and exports them by ``processor``, OTLP over HTTP if none is given."""

    def __init__(self, service: str, processor: SpanProcessor | None = None) -> None:
        resource = Resource.create({"service.name": f"copydesk-{service}", "service.namespace": "copydesk"})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("copydesk")

    @contextmanager
    def process(self, stage: str, record: Record) -> Iterator[Span]:
        """A consumer span in the trace of the record."""
        parent = W3C.extract({"traceparent": record.header("traceparent") or ""})
        attributes = SYSTEM | {
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.consumer.group.name": stage,
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.message.id": record.header("ce_id") or "",
        }
        with self._tracer.start_as_current_span(
            f"process {record.topic}",
            parent,
            SpanKind.CONSUMER,
            attributes | {"messaging.kafka.offset": record.offset, "messaging.message.body.size": _size(record)},
        ) as span:
            if record.key is not None:
                span.set_attribute("messaging.kafka.message.key", record.key.decode("utf-8", "replace"))
            if record.value is None:
                span.set_attribute("messaging.kafka.message.tombstone", value=True)
            yield OtelSpan(span)

    @contextmanager
    def send(self, stage: str, topic: str) -> Iterator[Span]:
        """A producer span that begins a trace."""
        attributes = SYSTEM | {
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": topic,
            "messaging.client.id": f"copydesk-{stage}",
        }
        with self._tracer.start_as_current_span(f"send {topic}", None, SpanKind.PRODUCER, attributes) as span:
            yield OtelSpan(span)

    def close(self) -> None:
        """Export what is left; waits a few seconds for a collector that is away."""
        self._provider.shutdown()


def _size(record: Record) -> int:
    return len(record.value or b"")
