"""Whether it is the sites that are away, or we."""

import time
from collections.abc import Callable

from copydesk_shared.errors import DependencyDown

DOMAINS_IN_A_ROW = 5
# A site that has been silent for so long is dead, whatever it did before.
DEAD_SECONDS = 3600.0
MOST_SILENT = 1000


class Uplink:
    """Takes the network to be away when no site of several answers in a row, over domains that have answered before.

    A network that is away would otherwise use up the retries of every entry that comes along. Sites that never
    answered say nothing of it: there are always some, and waiting for them would be waiting for ever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: dict[str, float] = {}

    def answered(self) -> None:
        """Some site answered, whatever it said."""
        if self._silent:
            self._silent.clear()

    def failed(self, domain: str) -> None:
        """This site, which has answered before, gave no answer."""
        if len(self._silent) < MOST_SILENT:
            self._silent.setdefault(domain, self._clock())

    def check(self) -> None:
        """Raises :class:`DependencyDown` when too many sites are silent."""
        recent = self._clock() - DEAD_SECONDS
        silent = sum(since > recent for since in self._silent.values())
        if silent >= DOMAINS_IN_A_ROW:
            raise DependencyDown(f"none of the last {silent} sites answered; is the network away?")
