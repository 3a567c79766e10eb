"""What becomes of a record that was sent."""

import asyncio
from collections.abc import Generator
from typing import Any

from copydesk_shared.kafka.clients import log_errors


class Delivery:
    """Resolves when a record is stored. Nobody has to wait for it: a session that ends leaves many behind."""

    __slots__ = ("_future",)

    def __init__(self, future: "asyncio.Future[object]") -> None:
        self._future = future

    def __await__(self) -> Generator[Any, None, None]:
        with log_errors():
            yield from self._future

    def __del__(self) -> None:
        """Here and not by a callback from the start: the loop would have one to call for every record."""
        if self._future.done():
            _look_at(self._future)
        else:
            self._future.add_done_callback(_look_at)


def _look_at(future: "asyncio.Future[object]") -> None:
    """An exception that nobody has looked at makes asyncio complain at length."""
    if not future.cancelled():
        future.exception()
