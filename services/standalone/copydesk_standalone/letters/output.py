"""Standard output, a line at a time, and the brokers' errors as a person's."""

import asyncio
import logging
import sys
from collections.abc import Coroutine

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, UserError
from copydesk_shared.log import LogError


def write(data: bytes) -> None:
    """Write to standard output at once, so that who reads along sees it."""
    if sys.stdout is None:
        raise InputError("standard output is closed")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(line: str) -> None:
    """Write a line to standard output."""
    write(line.encode("utf-8", "backslashreplace") + b"\n")


def warn(line: str) -> None:
    """Write a line to standard error, if anybody listens there."""
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")


def run(work: Coroutine[None, None, int], brokers: Brokers) -> int:
    """Run a command. Raises :class:`UserError` with one line when the brokers cannot be used."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except LogError as error:
        raise UserError(f"the brokers at {brokers} cannot be used: {' '.join(str(error).split())}") from None
