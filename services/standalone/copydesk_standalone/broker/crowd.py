"""All connections together: how many there are, what memory they hold, and who goes when that is too much.

Room is made at the cost of whoever keeps the broker waiting the longest, never by waiting for it: a client that
does not finish its request or does not read its answer loses its connection, and the others notice nothing.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Protocol

# A connection that nothing was asked on for this long is given up when another one needs its place.
SPARE_AFTER_S = 10.0
# A client that means well has brought its request, and read its answer, by then.
SLOW_AFTER_S = 1.0
LARGE = 64 << 10
_SMALLEST_SHARE = 1 << 20
_SHARE = 8


class Memory:
    """Bytes held for clients: requests that arrived or are arriving, and answers that were not read yet."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @property
    def is_over(self) -> bool:
        return self.held > self.limit

    @property
    def is_tight(self) -> bool:
        """Whether connections should finish what they have before they bring more."""
        return self.held > self.limit // 2

    def share(self, most: int) -> int:
        """How large an answer may be: less the fuller it is, so that many slow readers still find room."""
        return max(min(most, (self.limit - self.held) // _SHARE), min(most, _SMALLEST_SHARE))


class Client(Protocol):
    """What a connection tells. Times are those of the event loop.

    ``waiting_since`` is when the broker began to wait for this client, None while it works on a request, and
    ``working_since`` when it began that; ``is_stalled`` is whether the client owes something: its first request, the
    rest of one, or reading an answer.
    """

    address: str
    held: int

    @property
    def waiting_since(self) -> float | None: ...

    @property
    def working_since(self) -> float | None: ...

    @property
    def is_stalled(self) -> bool: ...

    def close(self, reason: str) -> None: ...

    def abort(self, reason: str) -> None: ...


class Crowd:
    """The open connections."""

    def __init__(self, memory: Memory, most: int, most_per_address: int) -> None:
        self._memory = memory
        self._most = most
        self._most_per_address = most_per_address
        self._clients: set[Client] = set()

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients))

    def admit(self, client: Client) -> str | None:
        """Take a connection in, at the cost of another one where there is no room; or say why not."""
        near = [other for other in self._clients if other.address == client.address]
        if len(near) >= self._most_per_address and not self._make_room(near):
            return f"there are {len(near)} connections from there already"
        if len(self._clients) >= self._most and not self._make_room(self._clients):
            return f"there are {len(self._clients)} connections already"
        self._clients.add(client)
        return None

    def _make_room(self, among: Iterable[Client]) -> bool:
        spare = asyncio.get_running_loop().time() - SPARE_AFTER_S
        waiting = [(c.waiting_since, c) for c in among if c.waiting_since is not None]
        owing = [(since, c) for since, c in waiting if c.is_stalled]
        return self._give_up(owing or [(since, c) for since, c in waiting if since < spare], "its place")

    def _give_up(self, candidates: list[tuple[float, Client]], what: str) -> bool:
        """Cut off the one that takes the longest."""
        if not candidates:
            return False
        _, victim = min(candidates, key=lambda pair: pair[0])
        victim.abort(f"it made no use of {what}, which others needed")
        self.leave(victim)
        return True

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        self.hold(client, 0)

    def hold(self, client: Client, amount: int) -> None:
        """Note how many bytes are held for a client now; when it is too much in all, cut stalled clients off."""
        grown = amount > client.held
        self._memory.held += amount - client.held
        client.held = amount
        while grown and self._memory.is_over and self._give_up(self._holders(), "memory"):
            pass

    def _holders(self) -> list[tuple[float, Client]]:
        """Who keeps memory.

        First those who have owed something for a while, then those whose large requests wait for others, and only
        then who is in the middle of the largest request.
        """
        stalled = [c for c in self._clients if c.is_stalled and c.held]
        owing = [(c.waiting_since, c) for c in stalled if c.waiting_since is not None]
        slow_since = asyncio.get_running_loop().time() - SLOW_AFTER_S
        large = [c for c in self._clients if c.held > LARGE]
        return (
            [(since, c) for since, c in owing if since < slow_since]
            or [(c.working_since, c) for c in large if c.working_since is not None]
            or [(-c.held, c) for _, c in owing]
        )

    def sweep(self, idle_s: float) -> None:
        """Close the connections that were not used for so long."""
        limit = asyncio.get_running_loop().time() - idle_s
        for client in self:
            since = client.waiting_since
            if since is not None and since < limit:
                client.close(f"it was not used for {idle_s:g} s")
