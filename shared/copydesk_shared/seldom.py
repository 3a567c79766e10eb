"""Repeated complaints, seldom."""

import logging
import time


class Seldom(logging.Filter):
    """Lets the same complaint through now and then: without its broker a client repeats itself all the time.

    It looks at the loggers whose name starts with ``prefix``; two records of one line of code are the same complaint.
    """

    def __init__(self, prefix: str, seconds: float) -> None:
        super().__init__()
        self._prefix = prefix
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be logged."""
        if not record.name.startswith(self._prefix):
            return True
        now = time.monotonic()
        complaint = f"{record.name}:{record.lineno}"
        if now - self._last.get(complaint, -self._seconds) < self._seconds:
            return False
        self._last[complaint] = now
        return True
