"""The listening socket: which handler answers which API, and who may connect."""

import asyncio

from . import (
    handlers_configs,
    handlers_data,
    handlers_deletion,
    handlers_groups,
    handlers_topics,
    handlers_transactions,
    protocol,
)
from .broker import Broker
from .connection import Connection, Handler
from .crowd import Crowd
from .protocol import Request
from .schema import Message

_SWEEPS = 4


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
    "InitProducerId": handlers_transactions.init_producer_id,
    "OffsetForLeaderEpoch": handlers_data.offset_for_leader_epoch,
    "AddPartitionsToTxn": handlers_transactions.add_partitions,
    "AddOffsetsToTxn": handlers_transactions.add_offsets,
    "EndTxn": handlers_transactions.end,
    "TxnOffsetCommit": handlers_transactions.commit_offsets,
    "DeleteRecords": handlers_deletion.delete_records,
    "DescribeConfigs": handlers_configs.describe_configs,
    "AlterConfigs": handlers_configs.alter_configs,
    "CreatePartitions": handlers_topics.create_partitions,
    "DeleteGroups": handlers_groups.delete_groups,
    "IncrementalAlterConfigs": handlers_configs.incremental_alter_configs,
    "OffsetDelete": handlers_groups.offset_delete,
    "DescribeCluster": handlers_topics.describe_cluster,
    "DescribeProducers": handlers_transactions.describe_producers,
    "DescribeTransactions": handlers_transactions.describe_transactions,
    "ListTransactions": handlers_transactions.list_transactions,
    "ConsumerGroupHeartbeat": handlers_groups.consumer_group_heartbeat,
}


class Server:
    """The listening socket and its connections."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        options = broker.options
        self._crowd = Crowd(broker.memory, options.max_connections, options.max_connections_per_address)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        options = self._broker.options
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, options.host, options.port)
        self._broker.port = self._server.sockets[0].getsockname()[1]
        self._sweeper = loop.create_task(self._sweep(options.idle_timeout_s))

    def _connection(self) -> Connection:
        return Connection(self._broker, self._crowd, HANDLERS, self._connections)

    async def _sweep(self, idle_s: float) -> None:
        while True:
            await asyncio.sleep(idle_s / _SWEEPS)
            self._crowd.sweep(idle_s)

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cut()
        # The lost connections are reported, and their workers cancelled, in the next turn of the loop.
        await asyncio.gather(*(c.lost.wait() for c in list(self._connections)))
