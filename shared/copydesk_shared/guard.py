"""From a name to the addresses that may be connected to: for every service that asks what strangers have named.

Who connects must connect to exactly these addresses: a name that answers differently the second time gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from copydesk_shared.addresses import IPNetwork, refusal
from copydesk_shared.errors import CopydeskError

ADDRESSES_TRIED = 4
RESOLVER_THREADS = 32

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Forbidden(CopydeskError):
    """A name leads to no address that may be connected to."""


class Resolver:
    """Names to addresses by the system's resolver, in threads of its own: a slow name server holds up nobody else."""

    def __init__(self, threads: int = RESOLVER_THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses in the order to try them. Raises ``OSError`` when there are none."""
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(row[4][0]) for row in answer))

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Guard:
    """Which addresses of a name may be connected to; ``setting`` is what the operator allows networks with."""

    resolve: Resolve
    allowed: Sequence[IPNetwork]
    setting: str

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Those to try, in order; none where the name has none.

        Raises :class:`Forbidden`, and ``OSError`` or ``UnicodeError`` where the name cannot be resolved.
        """
        found = await self.resolve(host, port)
        refusals = {address: refusal(address, port, self.allowed, self.setting) for address in found}
        usable = [address for address, reason in refusals.items() if reason is None]
        if refusals and not usable:
            reason = next(iter(refusals.values()))
            raise Forbidden(f"{host}: {reason}" if host not in refusals else str(reason))
        return usable[:ADDRESSES_TRIED]
