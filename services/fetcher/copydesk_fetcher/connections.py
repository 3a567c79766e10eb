"""Open connections by the server they lead to.

httpcore's own pool looks at each of its connections several times for each request, and closes what could be used
again as soon as it has more connections than it may keep, those in use included.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import h2.exceptions
import httpcore

from copydesk_fetcher.wire import Wire

Server = tuple[bytes, bytes, int]
Connect = Callable[[httpcore.Origin], httpcore.AsyncConnectionInterface]


class Lent:
    """A connection, and how many requests use it at this moment: with HTTP/2 there may be several."""

    __slots__ = ("connection", "server", "users", "wire")

    def __init__(self, connection: httpcore.AsyncConnectionInterface, server: Server) -> None:
        self.connection = connection
        self.server = server
        self.users = 0
        self.wire: Wire | None = None

    @property
    def is_dead(self) -> bool:
        """Whether no other request can be sent over it."""
        is_cut = self.wire is not None and self.wire.is_over
        return is_cut or self.connection.is_closed() or self.connection.has_expired()

    async def close(self) -> None:
        """Close it at once, whoever uses it."""
        with contextlib.suppress(h2.exceptions.H2Error):
            await self.connection.aclose()
        if self.wire is not None:
            await self.wire.aclose()


class Connections:
    """Finds a connection for each request: one that is open, or a new one. Keeps ``most_idle`` that nobody uses."""

    def __init__(self, connect: Connect, most_idle: int) -> None:
        self._connect = connect
        self._most_idle = most_idle
        self._servers: dict[Server, list[Lent]] = {}
        self._idle: OrderedDict[Lent, None] = OrderedDict()

    @property
    def open(self) -> Sequence[httpcore.AsyncConnectionInterface]:
        """Those that are open now, idle ones included."""
        return [lent.connection for each in self._servers.values() for lent in each]

    async def lend(self, origin: httpcore.Origin) -> Lent:
        """A connection to this server; it is to be given back."""
        server = (origin.scheme, origin.host, origin.port)
        for lent in tuple(self._servers.get(server, ())):
            if lent.is_dead:
                # What others still read of it may have come already.
                if not lent.users:
                    await self._drop(lent)
            elif lent.connection.is_available():
                break
        else:
            lent = Lent(self._connect(origin), server)
            self._servers.setdefault(server, []).append(lent)
        self._idle.pop(lent, None)
        lent.users += 1
        return lent

    async def give_back(self, lent: Lent, wire: Wire | None) -> None:
        """A request is over, or came to nothing. What cannot be used again is closed after its last user."""
        lent.users -= 1
        lent.wire = wire or lent.wire
        if lent.users:
            return
        if lent.is_dead or not lent.connection.is_idle() or lent not in self._servers.get(lent.server, ()):
            await self._drop(lent)
            return
        self._idle[lent] = None
        while self._idle:
            oldest = next(iter(self._idle))
            if len(self._idle) <= self._most_idle and not oldest.is_dead:
                break
            await self._drop(oldest)

    async def close(self, origin: httpcore.Origin | None = None) -> None:
        """Close the connections to a server, or all."""
        wanted = None if origin is None else (origin.scheme, origin.host, origin.port)
        for server in tuple(self._servers) if wanted is None else (wanted,):
            for lent in tuple(self._servers.get(server, ())):
                await self._drop(lent)

    async def _drop(self, lent: Lent) -> None:
        self._idle.pop(lent, None)
        those = self._servers.get(lent.server, [])
        if lent in those:
            those.remove(lent)
            if not those:
                del self._servers[lent.server]
        await lent.close()
