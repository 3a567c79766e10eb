"""Connections: frames in, handlers in order, frames out, with back-pressure both ways."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from . import handlers_data, handlers_groups, handlers_topics, protocol
from .broker import Broker
from .frames import FrameError, FrameReader
from .protocol import Request, UnsupportedRequestError
from .schema import Message
from .wire import DecodeError

logger = logging.getLogger(__name__)

MAX_QUEUED = 16
MAX_QUEUED_BYTES = 8 << 20
FRAME_TIMEOUT_S = 60.0
LINGER_S = 5.0

Handler = Callable[[Broker, Request], Awaitable[Message | None]]


async def _api_versions(_: Broker, request: Request) -> Message:
    return protocol.api_versions(request)


HANDLERS: dict[str, Handler] = {
    "Produce": handlers_data.produce,
    "Fetch": handlers_data.fetch,
    "ListOffsets": handlers_data.list_offsets,
    "Metadata": handlers_topics.metadata,
    "OffsetCommit": handlers_groups.offset_commit,
    "OffsetFetch": handlers_groups.offset_fetch,
    "FindCoordinator": handlers_groups.find_coordinator,
    "JoinGroup": handlers_groups.join_group,
    "Heartbeat": handlers_groups.heartbeat,
    "LeaveGroup": handlers_groups.leave_group,
    "SyncGroup": handlers_groups.sync_group,
    "DescribeGroups": handlers_groups.describe_groups,
    "ListGroups": handlers_groups.list_groups,
    "ApiVersions": _api_versions,
    "CreateTopics": handlers_topics.create_topics,
    "DeleteTopics": handlers_topics.delete_topics,
    "InitProducerId": handlers_data.init_producer_id,
    "OffsetForLeaderEpoch": handlers_data.offset_for_leader_epoch,
    "DescribeConfigs": handlers_topics.describe_configs,
    "CreatePartitions": handlers_topics.create_partitions,
    "DeleteGroups": handlers_groups.delete_groups,
    "IncrementalAlterConfigs": handlers_topics.alter_configs,
    "OffsetDelete": handlers_groups.offset_delete,
    "DescribeCluster": handlers_topics.describe_cluster,
    "ConsumerGroupHeartbeat": handlers_groups.consumer_group_heartbeat,
}


class Connection(asyncio.BufferedProtocol):
    """One client. Its requests are handled one after the other, which keeps the answers in order, as in Kafka."""

    def __init__(self, broker: Broker, others: "set[Connection]") -> None:
        self._broker = broker
        self._others = others
        self._frames = FrameReader(broker.options.max_request_bytes)
        self._queue: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._arrived = asyncio.Event()
        self.lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._worker: asyncio.Task[None] | None = None
        self._frame_timer: asyncio.TimerHandle | None = None
        self._peer = ""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self._peer = f"{host}:{port}"
        if len(self._others) >= self._broker.options.max_connections:
            self._close(f"there are {len(self._others)} connections already")
            return
        self._others.add(self)
        self._worker = asyncio.get_running_loop().create_task(self._work(transport, host))
        self._worker.add_done_callback(self._ended)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._frames.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            frames = self._frames.received(nbytes)
        except FrameError as error:
            self._close(str(error))
            return
        if frames:
            self._queue.extend(frames)
            self._queued_bytes += sum(map(len, frames))
            self._arrived.set()
            self._hold()
        self._watch_frame(progress=bool(frames))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._others.discard(self)
        self._transport = None
        self.lost.set()
        self._stop_watching()
        if self._worker is not None:
            self._worker.cancel()

    # What this class does

    def _hold(self) -> None:
        if self._transport is not None and self._is_full:
            self._transport.pause_reading()

    def _release(self, transport: asyncio.Transport) -> None:
        if not transport.is_reading() and not self._is_full and not transport.is_closing():
            transport.resume_reading()

    @property
    def _is_full(self) -> bool:
        return len(self._queue) >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES

    def _watch_frame(self, *, progress: bool) -> None:
        """A frame that has begun must be complete in time."""
        if progress or not self._frames.is_inside_frame:
            self._stop_watching()
        if self._frames.is_inside_frame and self._frame_timer is None:
            loop = asyncio.get_running_loop()
            self._frame_timer = loop.call_later(FRAME_TIMEOUT_S, self._close, "a request was not completed in time")

    def _stop_watching(self) -> None:
        if self._frame_timer is not None:
            self._frame_timer.cancel()
            self._frame_timer = None

    async def _work(self, transport: asyncio.Transport, host: str) -> None:
        while not transport.is_closing():
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            frame = self._queue.popleft()
            self._queued_bytes -= len(frame)
            self._release(transport)
            await self._answer(transport, frame, host)
            await self._writable.wait()

    async def _answer(self, transport: asyncio.Transport, frame: memoryview, host: str) -> None:
        try:
            request = protocol.decode_request(frame, host)
        except (DecodeError, UnsupportedRequestError) as error:
            self._close(str(error))
            return
        try:
            message = await HANDLERS[request.api.name](self._broker, request)
        except OSError as error:
            self._close(f"{request.api.name}: the disk refused: {error}")
            return
        if message is not None:
            for chunk in protocol.encode_response(request, message):
                if chunk:
                    transport.write(chunk)

    def _close(self, reason: str) -> None:
        logger.warning("closing the connection from %s: %s", self._peer, reason)
        if self._transport is not None:
            self._transport.close()
            # Closing waits for a client to read what it was sent; one that never does is cut off.
            asyncio.get_running_loop().call_later(LINGER_S, self.abort)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """The worker runs until the connection is lost; if it failed, the client must not wait for ever."""
        error = None if worker.cancelled() else worker.exception()
        if error is not None:
            logger.error("a request from %s failed", self._peer, exc_info=error)
            if self._transport is not None:
                self._transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Server:
    """The listening socket and its connections."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        options = self._broker.options
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._broker, self._connections), options.host, options.port
        )
        self._broker.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        # The lost connections are reported, and their workers cancelled, in the next turn of the loop.
        await asyncio.gather(*(c.lost.wait() for c in list(self._connections)))
