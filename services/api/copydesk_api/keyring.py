"""Whose key a request brings, without a question to the database for each of them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from copydesk_api import keys
from copydesk_api.database import answered
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Caller, Scope
from copydesk_shared.errors import Retryable
from copydesk_shared.telemetry import get_logger

# So long another replica may go on to take a key that was removed.
REMEMBER_SECONDS = 5.0
REMEMBERED = 1000
# A key that is in use is written down that seldom.
TOUCH_SECONDS = 60.0
OF_SETTINGS = "settings"

Found = tuple[Caller, datetime | None] | None


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    end: datetime | None
    until: float

    def is_good(self) -> bool:
        return time.monotonic() < self.until and (self.end is None or datetime.now(UTC) < self.end)


class KeyRing:
    """Knows keys by what is sent. Only what is good is remembered, and so many of them."""

    def __init__(self, store: KeyStore, admin_key: str | None = None) -> None:
        self.store = store
        self._admin_digest = keys.digest(admin_key) if admin_key else None
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def of_token(self, token: str) -> Caller | None:
        """Whose secret this is. Raises :class:`Retryable` while the database is away."""
        if self._admin_digest is not None and keys.is_same(token, self._admin_digest):
            return self._admin
        return await self._remembered(f"token {keys.digest(token)}", lambda: asyncio.to_thread(self.store.find, token))

    async def of_session(self, cookie: str) -> Caller | None:
        """Whose session this is. Raises :class:`Retryable` while the database is away."""
        caller = await self._remembered(f"session {keys.digest(cookie)}", lambda: self._session(cookie))
        return caller and replace(caller, by_cookie=True)

    async def open_session(self, token: str, lasts: timedelta) -> str | None:
        """A session of the key whose secret this is: what its cookie holds. ``None`` when it is nobody's."""
        caller = await self.of_token(token)
        return await asyncio.to_thread(self.store.open_session, caller, lasts) if caller else None

    async def close_session(self, cookie: str) -> None:
        """The session is over."""
        await asyncio.to_thread(self.store.close_session, cookie)
        self.forget()

    def forget(self) -> None:
        """Something has changed: ask the database from now on."""
        self._known.clear()

    @property
    def _admin(self) -> Caller:
        digest = (self._admin_digest or "")[: 2 * keys.PREFIX_BYTES]
        return Caller(OF_SETTINGS, "the key of the settings", Scope.ADMIN, f"{OF_SETTINGS}-{digest}")

    async def _session(self, cookie: str) -> Found:
        session = await asyncio.to_thread(self.store.session, cookie)
        if session is None:
            return None
        prefix, end = session
        if self._admin_digest is not None and prefix == self._admin.prefix:
            return self._admin, end
        found = await asyncio.to_thread(self.store.of_prefix, prefix)
        return found and (found[0], min(end, found[1]) if found[1] else end)

    async def _remembered(self, name: str, ask: Callable[[], Awaitable[Found]]) -> Caller | None:
        known = self._known.get(name)
        if known is None or not known.is_good():
            self._known.pop(name, None)
            found = await answered(ask())
            if found is None:
                return None
            known = _Known(*found, time.monotonic() + REMEMBER_SECONDS)
            self._known[name] = known
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._touch(known.caller.key_id)
        return known.caller

    def _touch(self, key_id: str) -> None:
        """Have it written that the key was used; nobody waits for that."""
        now = time.monotonic()
        if key_id == OF_SETTINGS or now - self._touched.get(key_id, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return
        if len(self._touched) > REMEMBERED:
            self._touched.clear()
        self._touched[key_id] = now
        task = asyncio.create_task(self._write_touch(key_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_touch(self, key_id: str) -> None:
        try:
            await asyncio.to_thread(self.store.touch, key_id)
        except Retryable as error:
            get_logger().warning("when a key was used is not written", key_id=key_id, error=str(error))
