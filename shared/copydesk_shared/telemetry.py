"""Logging and the names of the metrics."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from copydesk_shared.log import Record
from copydesk_shared.seldom import Seldom


class OutcomeKind(StrEnum):
    """How a record can end; every record ends in exactly one of these."""

    EMITTED = "emitted"
    DROPPED = "dropped"
    RETRIED = "retried"
    DEAD_LETTERED = "dead-lettered"
    FORWARDED = "forwarded"
    STORED = "stored"

    # They are looked up for every record; the hash of an enum is a function in Python.
    __hash__ = str.__hash__


RECORDS = Counter(
    "copydesk_records_total",
    "Records handled; every record ends in exactly one outcome.",
    ["stage", "outcome", "reason"],
)
HANDLE_SECONDS = Histogram("copydesk_handle_seconds", "Time to handle one record.", ["stage"])
IN_FLIGHT = Gauge("copydesk_in_flight_records", "Records taken and not finished.", ["stage"])
COMMITS = Counter("copydesk_commits_total", "Commits of offsets that the group took.", ["stage"])
COMMIT_FAILURES = Counter("copydesk_commit_failures_total", "Commits refused: the group had moved on.", ["stage"])
REBALANCES = Counter("copydesk_rebalances_total", "Times that partitions were assigned.", ["stage"])
PRODUCERS_RENEWED = Counter("copydesk_producers_renewed_total", "Producers that the brokers refused.", ["stage"])
STAGE_RENEWALS = Counter(
    "copydesk_stage_renewals_total", "Other versions of the stage that were taken, or refused, while it ran.",
    ["stage", "outcome"],
)  # fmt: skip
TRIALS_FAILED = Counter(
    "copydesk_trials_failed_total", "Times that a stage on trial ended by an error; it begins again.", ["stage"]
)
SHADOW_TAGS = Counter(
    "copydesk_shadow_tags_total", "Tags that the candidate taxonomy adds, removes, or gives as the live one does.",
    ["tag", "difference"],
)  # fmt: skip
SHADOW_ARTICLES = Counter(
    "copydesk_shadow_articles_total", "Articles that the candidate taxonomy gives the same tags, or others.",
    ["difference"],
)  # fmt: skip
RECORDS_LOST = Counter(
    "copydesk_records_lost_total",
    "Offsets that the brokers deleted before the group read them: at most so many records.",
    ["group", "topic"],
)
BATCH_AGE_SECONDS = Gauge(
    "copydesk_batch_age_seconds", "Since the oldest record that is not finished was taken; 0 when all are.", ["stage"]
)
LAG_RECORDS = Gauge("copydesk_lag_records", "Records behind the end of the partition.", ["stage", "topic", "partition"])
LAG_SECONDS = Gauge(
    "copydesk_lag_seconds", "Age of the oldest record that is not finished; 0 when all are.",
    ["stage", "topic", "partition"],
)  # fmt: skip
STUCK_SECONDS = Gauge(
    "copydesk_stuck_seconds", "For how long the slowest partition with records in hand has finished none.", ["stage"]
)
END_TO_END_SECONDS = Histogram(
    "copydesk_end_to_end_seconds", "From the publication to what the stage emitted.", ["stage"],
    buckets=(1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 24 * 3_600, 7 * 24 * 3_600),
)  # fmt: skip
SESSIONS = Counter("copydesk_kafka_sessions_total", "Sessions opened with the brokers.", ["stage"])
SESSION_FAILURES = Counter("copydesk_kafka_session_failures_total", "Sessions given up after an error.", ["stage"])
READY = Gauge("copydesk_ready", "Whether a part of the service can do its work: 1, or 0.", ["part"])
STORE_FAILURES = Counter(
    "copydesk_store_failures_total", "Batches that a store could not take; tried again.", ["stage"]
)
CERTIFICATE_ENDS = Gauge(
    "copydesk_certificate_ends_timestamp_seconds",
    "When the first certificate ends of those with which Kafka is talked to, since 1970.",
    ["file"],
)

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


# C0 and C1 controls but for the line feed and the tab of tracebacks.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# The record that this task works on: set for every record, looked at only when something is logged.
CURRENT_RECORD: ContextVar[Record | None] = ContextVar("current_record", default=None)


def _add_record(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = CURRENT_RECORD.get()
    if record is not None:
        key = record.key.decode("utf-8", "replace") if record.key is not None else None
        event.update(topic=record.topic, partition=record.partition, offset=record.offset, key=key)
    return event


def _printable(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keys, URLs and error texts come from outside: none of them is to write to the terminal what moves its cursor."""
    return {name: CONTROLS.sub(_escaped, value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


def configure_logging(service: str, level: str, style: str) -> None:
    """Send this process's log to standard error, one event a line, as JSON or for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_record,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shared.append(structlog.processors.format_exc_info if style == "json" else _printable)
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
