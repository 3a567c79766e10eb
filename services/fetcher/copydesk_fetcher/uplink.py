"""Whether it is the sites that are away, or we."""

from copydesk_shared.errors import DependencyDown
from copydesk_shared.identity import registrable_domain

DOMAINS_IN_A_ROW = 5


class Uplink:
    """Takes the network to be away when no site of several answers in a row, over different domains.

    A network that is away would otherwise use up the retries of every entry that comes along.
    """

    def __init__(self) -> None:
        self._silent: set[str] = set()

    def answered(self) -> None:
        """Some site answered, whatever it said."""
        self._silent.clear()

    def failed(self, url: str) -> None:
        """This site gave no answer. Raises :class:`DependencyDown` when it is one of too many."""
        self._silent.add(registrable_domain(url))
        if len(self._silent) >= DOMAINS_IN_A_ROW:
            raise DependencyDown(f"none of the last {len(self._silent)} sites answered; is the network away?")
