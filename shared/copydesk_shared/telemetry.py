"""Logging and the names of the metrics."""

import logging
import sys
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from copydesk_shared.seldom import Seldom

RECORDS = Counter(
    "copydesk_records_total",
    "Records handled; every record ends in exactly one outcome.",
    ["stage", "outcome", "reason"],
)
HANDLE_SECONDS = Histogram("copydesk_handle_seconds", "Time to handle one record.", ["stage"])
IN_FLIGHT = Gauge("copydesk_in_flight_records", "Records taken and not finished.", ["stage"])
SESSIONS = Counter("copydesk_kafka_sessions_total", "Sessions opened with the brokers.", ["stage"])
SESSION_FAILURES = Counter("copydesk_kafka_session_failures_total", "Sessions given up after an error.", ["stage"])

REPEAT_SECONDS = 30.0
QUIET_LOGGERS = {
    "aiokafka": logging.ERROR,
    "httpx": logging.WARNING,
    "trafilatura": logging.CRITICAL,
    "uvicorn": logging.WARNING,
}


# Whoever asks for warnings only is told by lines of ours that a broker is away.
TERSE_LOGGERS = {**QUIET_LOGGERS, "aiokafka": logging.CRITICAL}
TALKATIVE = ("debug", "info")


def configure_logging(service: str, level: str, style: str) -> None:
    """Send this process's log to standard error, one event a line, as JSON or for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if style == "json":
        shared.append(structlog.processors.format_exc_info)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Seldom("aiokafka", REPEAT_SECONDS))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, quiet in (QUIET_LOGGERS if level in TALKATIVE else TERSE_LOGGERS).items():
        logging.getLogger(name).setLevel(max(quiet, logging.getLogger().level))


def get_logger() -> Any:
    """The structured logger; context is bound once per record by the runner."""
    return structlog.get_logger()
