"""One connection: frames in, handlers in order, frames out, with back-pressure both ways."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from . import protocol
from .broker import Broker
from .crowd import Crowd
from .frames import FrameError, FrameReader
from .protocol import Request, UnsupportedRequestError
from .schema import Message
from .wire import DecodeError

logger = logging.getLogger(__name__)

MAX_QUEUED = 16
MAX_QUEUED_BYTES = 8 << 20
# Only records come in large requests.
MAX_OTHER_BYTES = 4 << 20
# How much larger a decoded request is than its bytes, about. Records are not decoded.
_DECODED = 16
FRAME_TIMEOUT_S = 60.0
LINGER_S = 5.0

Handler = Callable[[Broker, Request], Awaitable[Message | None]]


class Connection(asyncio.BufferedProtocol):
    """One client. Its requests are handled one after the other, which keeps the answers in order, as in Kafka."""

    def __init__(
        self, broker: Broker, crowd: Crowd, handlers: Mapping[str, Handler], opened: "set[Connection]"
    ) -> None:
        self._broker = broker
        self._opened = opened
        self._crowd = crowd
        self._handlers = handlers
        self._frames = FrameReader(broker.options.max_request_bytes)
        self._queue: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._handled_bytes = 0
        self._unread_bytes = 0
        self._arrived = asyncio.Event()
        self.lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._worker: asyncio.Task[None] | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._peer = ""
        self.address = ""
        self.held = 0
        # When the broker began to wait for a first or further request, for the rest of one, for its answer's reader.
        self._idle_since: float | None = None
        self.working_since: float | None = None
        self._frame_since: float | None = None
        self._unread_since: float | None = None
        self._has_asked = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        self._opened.add(self)
        self.address, port = transport.get_extra_info("peername")[:2]
        self._peer = f"{self.address}:{port}"
        refusal = self._crowd.admit(self)
        if refusal is not None:
            self.close(refusal)
            return
        self._idle_since = self._now()
        self._worker = asyncio.get_running_loop().create_task(self._work(transport))
        self._worker.add_done_callback(self._ended)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._frames.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            frames = self._frames.received(nbytes)
        except FrameError as error:
            self.close(str(error))
            return
        if frames:
            self._queue.extend(frames)
            self._queued_bytes += sum(map(len, frames))
            self._has_asked = True
            self._idle_since = None
            self._arrived.set()
        self._watch_frame(progress=bool(frames))
        self._count()
        self._hold()

    def pause_writing(self) -> None:
        self._writable.clear()
        self._unread_since = self._now()
        self._count()

    def resume_writing(self) -> None:
        self._writable.set()
        self._unread_since = None
        self._count()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._crowd.leave(self)
        self._opened.discard(self)
        self._transport = None
        self.lost.set()
        self._stop_watching()
        self._release_memory()
        if self._worker is not None:
            self._worker.cancel()

    # What the crowd asks

    @property
    def waiting_since(self) -> float | None:
        since = (self._unread_since, self._frame_since if not self._is_busy else None, self._idle_since)
        return min((moment for moment in since if moment is not None), default=None)

    @property
    def is_stalled(self) -> bool:
        unfinished = self._frame_since is not None and not self._is_busy
        return self._unread_since is not None or unfinished or not self._has_asked

    def close(self, reason: str) -> None:
        """Read no more, and hang up when the client has read what it was sent, or did not in time."""
        self._say(reason)
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(LINGER_S, self.cut)

    def abort(self, reason: str) -> None:
        """Hang up at once."""
        self._say(reason)
        self.cut()

    def cut(self) -> None:
        """Hang up without a word."""
        if self._transport is not None:
            self._transport.abort()
        self._release_memory()

    # What this class does

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    @property
    def _is_busy(self) -> bool:
        return bool(self._queue) or self.working_since is not None

    def _count(self) -> None:
        """Tell the crowd what is held for this client."""
        if self._transport is not None:
            unread = self._transport.get_write_buffer_size() if self._unread_since is not None else 0
            self._crowd.hold(self, self._frames.reserved + self._queued_bytes + self._handled_bytes + unread)

    def _release_memory(self) -> None:
        """At once: a connection is part of cycles, which the garbage collector finds when it likes."""
        self._frames.release()
        self._queue.clear()
        self._queued_bytes = 0

    def _hold(self) -> None:
        if self._transport is not None and not self._transport.is_closing() and self._is_full:
            self._transport.pause_reading()

    def _release(self, transport: asyncio.Transport) -> None:
        if not transport.is_reading() and not self._is_full and not transport.is_closing():
            transport.resume_reading()

    @property
    def _is_full(self) -> bool:
        tight = self._broker.memory.is_tight and self._is_busy and not self._frames.is_inside_frame
        return tight or len(self._queue) >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES

    def _watch_frame(self, *, progress: bool) -> None:
        """A frame that has begun must be complete in time."""
        if progress or not self._frames.is_inside_frame:
            self._stop_watching()
        if self._frames.is_inside_frame and self._frame_timer is None:
            loop = asyncio.get_running_loop()
            self._frame_since = loop.time()
            self._frame_timer = loop.call_later(FRAME_TIMEOUT_S, self.close, "a request was not completed in time")

    def _stop_watching(self) -> None:
        self._frame_since = None
        if self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None

    async def _work(self, transport: asyncio.Transport) -> None:
        while not transport.is_closing():
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            frame = self._queue.popleft()
            self._queued_bytes -= len(frame)
            self.working_since = self._now()
            await self._answer(transport, frame)
            del frame
            self.working_since, self._handled_bytes = None, 0
            self._count()
            self._release(transport)
            await self._writable.wait()
            if self._queue:
                # The next request is there already: let other clients have their turn first.
                await asyncio.sleep(0)
            else:
                self._idle_since = self._now()

    async def _answer(self, transport: asyncio.Transport, frame: memoryview) -> None:
        try:
            self._handled_bytes = self._weight(frame)
            self._count()
            request = protocol.decode_request(frame, self.address)
        except (DecodeError, UnsupportedRequestError) as error:
            self.close(str(error))
            return
        try:
            message = await self._handlers[request.api.name](self._broker, request)
        except OSError as error:
            self.close(f"{request.api.name}: the disk refused: {error}")
            return
        if message is not None:
            for chunk in protocol.encode_response(request, message):
                if chunk:
                    transport.write(chunk)

    @staticmethod
    def _weight(frame: memoryview) -> int:
        """About what a request takes while it is worked on. Raises DecodeError when it is too large for its kind."""
        if protocol.carries_records(frame):
            return len(frame)
        if len(frame) > MAX_OTHER_BYTES:
            raise DecodeError(f"{len(frame)} bytes without records (allowed: {MAX_OTHER_BYTES})")
        return len(frame) * _DECODED

    def _say(self, reason: str) -> None:
        logger.warning("closing the connection from %s: %s", self._peer, reason)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """The worker runs until the connection is lost; if it failed, the client must not wait for ever."""
        error = None if worker.cancelled() else worker.exception()
        if error is not None:
            logger.error("a request from %s failed", self._peer, exc_info=error)
            self.cut()
