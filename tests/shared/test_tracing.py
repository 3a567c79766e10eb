"""Spans: one trace through a stage, what they say, and what they cost nobody who has them off."""

import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from copydesk_shared.errors import Poison
from copydesk_shared.messages import Article, Page
from copydesk_shared.otel import OtelTracer
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import CLEANED, DEAD_LETTER, FETCHED
from copydesk_shared.tracing import HandOn, send_span, use_tracer
from tests.shared.samples import page
from tests.shared.stages import article_of, committed, fill, running_stage, stage_of, until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracer = OtelTracer("cleaner", SimpleSpanProcessor(exporter))
    before = use_tracer(tracer)
    yield exporter
    use_tracer(before)
    tracer.close()


async def clean(message: Page) -> Emit[Article] | Drop:
    if message.content == "poison":
        raise Poison("no good")
    if message.content == "current":
        assert get_current_span().get_span_context().is_valid
    return article_of(message)


async def _run(*pages: Page) -> MemoryBroker:
    broker = MemoryBroker()
    fill(broker, *pages, trace=PARENT)
    async with running_stage(stage_of(clean), broker):
        await until(lambda: committed(broker) == len(pages))
    return broker


def _said(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


async def test_a_record_is_a_consumer_span_in_its_trace_and_what_is_emitted_goes_on_from_it(
    spans: InMemorySpanExporter,
) -> None:
    broker = await _run(page(1, "current"))
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == ("process articles.fetched", SpanKind.CONSUMER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.context is not None
    emitted = broker.topics[CLEANED.name][0].header("traceparent")
    assert emitted == f"00-{TRACE}-{span.context.span_id:016x}-01"
    said = _said(span)
    assert said["messaging.system"] == "kafka"
    assert said["messaging.destination.name"] == FETCHED.name
    assert said["messaging.consumer.group.name"] == "cleaner"
    assert said["messaging.kafka.offset"] == 0
    assert said["messaging.kafka.message.key"] == "article-1"
    assert said["copydesk.outcome"] == "emitted"


async def test_a_dead_letter_is_an_error_with_its_reason(spans: InMemorySpanExporter) -> None:
    broker = await _run(page(1, "poison"))
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert _said(span)["error.type"] == "invalid"
    assert broker.topics[DEAD_LETTER.name][0].header("traceparent") == PARENT


def test_what_comes_of_no_record_begins_a_trace(spans: InMemorySpanExporter) -> None:
    with send_span("fetcher", "articles.discovered") as span:
        trace = span.trace
    (recorded,) = spans.get_finished_spans()
    assert recorded.parent is None
    assert recorded.kind is SpanKind.PRODUCER
    assert recorded.context is not None
    assert trace.split("-")[2] == f"{recorded.context.span_id:016x}"


async def test_without_opentelemetry_the_trace_is_handed_on() -> None:
    before = use_tracer(HandOn())
    try:
        broker = await _run(page(1))
    finally:
        use_tracer(before)
    _, trace, span, _ = (broker.topics[CLEANED.name][0].header("traceparent") or "").split("-")
    assert trace == TRACE
    assert span != "b7ad6b7169203331"


def test_a_service_exports_its_spans_to_the_collector() -> None:
    got = threading.Event()
    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()
            got.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}",
            "HEALTH_PORT": "0", "TRACES": "otlp", "DRAIN_SECONDS": "1",
        }  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-m", "tests.shared.sample_service", "trace"],
            env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "traced"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert got.wait(60)
        server.shutdown()
    assert any(b"send articles.discovered" in body and b"copydesk-sample" in body for body in bodies)
