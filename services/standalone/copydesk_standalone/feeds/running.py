"""Running a command: what is logged on the way goes to standard error, a line each, and never between the output."""

import logging
import sys
from collections.abc import Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from copydesk_shared.brokers import Brokers
from copydesk_standalone.feeds.table import cut
from copydesk_standalone.letters import output

LINE_CHARACTERS = 500
# asyncio's warning of a worker process that was ended and waited for before its own thread could: the command is over
# then, and nobody wants to know how the worker ended.
ENDED_WORKER = "Unknown child process pid"


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Warnings and errors of the parts that services and commands share."""
    before = structlog.get_config()
    structlog.configure(
        processors=[_line],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr) if sys.stderr else structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # for good: the thread that warns may do so after everything else
    logging.getLogger("asyncio").addFilter(_is_of_interest)
    try:
        yield
    finally:
        structlog.configure(**before)


def _is_of_interest(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(ENDED_WORKER)


def _line(_logger: object, _level: str, event: MutableMapping[str, Any]) -> str:
    said = event.pop("event", "")
    details = ", ".join(f"{name} {value}" for name, value in event.items())
    return cut(f"warning: {said}{f': {details}' if details else ''}", LINE_CHARACTERS)


def run(work: Coroutine[None, None, int], brokers: Brokers) -> int:
    """Run a command. Raises :class:`UserError` with one line when the brokers cannot be used."""
    with log_to_stderr():
        return output.run(work, brokers)
