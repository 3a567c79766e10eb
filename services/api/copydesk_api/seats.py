"""How many may wait for changes at a time: in all, with one key, and from one address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from copydesk_api.access import caller_of
from copydesk_api.problems import BUSY, RETRY_AFTER_SECONDS, TOO_MANY_WAITING, Problem
from copydesk_api.rates import customer
from copydesk_api.settings import ApiSettings

# What is limited, and who it is.
Who = tuple[str, str]
RETRY_LATER = {"Retry-After": str(RETRY_AFTER_SECONDS)}
WHOSE = {"key": "with this key", "address": "from this address without a key"}


class Seats:
    """Those who wait. As with rates, who has a key counts by that, and everybody else by the address."""

    def __init__(self, settings: ApiSettings) -> None:
        self.free = settings.max_waiting
        self._most = {"key": settings.max_waiting_key, "address": settings.max_waiting_address}
        self._taken: Counter[Who] = Counter()

    def check(self, request: Request) -> None:
        """Raises :class:`Problem` when too many wait already."""
        self._check(_who(request))

    @contextmanager
    def taken(self, request: Request) -> Iterator[None]:
        """One more waits meanwhile. Raises :class:`Problem` when too many do."""
        who = _who(request)
        self._check(who)
        self.free -= 1
        self._taken[who] += 1
        try:
            yield
        finally:
            self.free += 1
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]

    def _check(self, who: Who) -> None:
        limit = who[0]
        most = self._most[limit]
        if self._taken[who] >= most:
            said = f"The limit {limit}: no more than {most} may wait for changes {WHOSE[limit]}. Let one go, or poll."
            raise Problem(TOO_MANY_WAITING, said, headers=RETRY_LATER)
        if self.free <= 0:
            raise Problem(BUSY, BUSY.meaning)


def _who(request: Request) -> Who:
    caller = caller_of(request)
    if caller is not None:
        return "key", caller.key_id
    return "address", customer(request.client.host if request.client else "")
