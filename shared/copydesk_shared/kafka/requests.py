"""The requests for topics that aiokafka's admin client has not, or has with something we must not do.

Its ``describe_topics`` creates the topics it asks for where the brokers allow that, and its ``alter_configs`` resets
every setting that it does not name. Source: https://kafka.apache.org/protocol, KIP-339 (IncrementalAlterConfigs).
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.errors import NoBrokersAvailable, for_code
from aiokafka.protocol.admin import CreatePartitionsRequest, CreateTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.clients import log_errors, stop
from copydesk_shared.kafka.connections import Connections
from copydesk_shared.log import LogError

TOPIC = 2
SET = 0
REQUEST_MS = 15_000
NONE = 0


class _IncrementalAlterConfigsResponse(Response):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _IncrementalAlterConfigsStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _IncrementalAlterConfigsResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                ("configs", Array(("name", String("utf-8")), ("operation", Int8), ("value", String("utf-8")))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _IncrementalAlterConfigs(Request[_IncrementalAlterConfigsStruct]):  # type: ignore[misc]
    API_KEY = 44

    def __init__(self, resources: list[tuple[int, str, list[tuple[str, int, str]]]]) -> None:
        self._resources = resources

    def build(self, request_struct_class: type[_IncrementalAlterConfigsStruct]) -> _IncrementalAlterConfigsStruct:
        return request_struct_class(self._resources, False)


class TopicRequests:
    """The requests, to one broker that is chosen at the start: its view is one, where two brokers' may differ."""

    def __init__(self, client: Connections, node: int) -> None:
        self._client = client
        self._node = node

    async def metadata(self, names: Iterable[str]) -> tuple[int, list[Mapping[str, Any]]]:
        """How many brokers there are, and the topics as the protocol's Metadata answer has them; creates none."""
        answer = await self._client.send(self._node, MetadataRequest(sorted(names), allow_auto_topic_creation=False))
        seen = answer.to_object()
        return len(seen["brokers"]), seen["topics"]

    async def settings(self, names: Iterable[str], wanted: Sequence[str]) -> list[tuple[Any, ...]]:
        """Of each topic an error code, a message, the type, the name and the settings (DescribeConfigs)."""
        request = DescribeConfigsRequest([(TOPIC, name, list(wanted)) for name in sorted(names)])
        answer = await self._client.send(self._node, request)
        resources: list[tuple[Any, ...]] = answer.resources
        return resources

    async def create(self, topics: Sequence[tuple[str, int, int, Mapping[str, str]]]) -> None:
        """Make topics, each of a name, partitions, replicas and settings. Raises :class:`LogError`."""
        asked: list[Any] = [
            (name, partitions, copies, [], list(config.items())) for name, partitions, copies, config in topics
        ]
        answer = await self._client.send(
            self._controller(), CreateTopicsRequest(asked, timeout=REQUEST_MS, validate_only=False)
        )
        _raise_first("created", ((name, code, message) for name, code, message in answer.topic_errors))

    async def grow(self, partitions: Mapping[str, int]) -> None:
        """Raise the topics to so many partitions. Raises :class:`LogError`."""
        asked = [(name, (count, None)) for name, count in partitions.items()]
        answer = await self._client.send(
            self._controller(), CreatePartitionsRequest(asked, timeout=REQUEST_MS, validate_only=False)
        )
        _raise_first("given partitions", answer.topic_errors)

    async def set(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Set the named settings of the topics and leave the others as they are. Raises :class:`LogError`."""
        asked = [
            (TOPIC, topic, [(name, SET, value) for name, value in changes.items()])
            for topic, changes in settings.items()
        ]
        answer = await self._client.send(self._node, _IncrementalAlterConfigs(asked))
        _raise_first("set", ((name, code, message) for code, message, _, name in answer.responses))

    def _controller(self) -> int:
        """Where topics are made; a broker of KRaft names any other, as all pass it on."""
        controller = self._client.cluster.controller
        return controller.nodeId if controller is not None else self._node


TOPIC_EXISTS = 36


def _raise_first(done: str, outcomes: Iterable[tuple[str, int, str | None]]) -> None:
    failed: dict[str, list[str]] = {}
    for name, code, message in outcomes:
        if code not in {NONE, TOPIC_EXISTS}:
            failed.setdefault(message or for_code(code).__name__, []).append(name)
    if failed:
        told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in failed.items())
        raise LogError(f"topics could not be {done}: {told}")


@asynccontextmanager
async def open_requests(brokers: Brokers, client_id: str = "copydesk-topics") -> AsyncIterator[TopicRequests]:
    """A connection for requests of topics. Raises :class:`LogError`, also for what goes wrong while it is used."""
    client = Connections(brokers, client_id=client_id, request_timeout_ms=REQUEST_MS)
    try:
        with log_errors():
            await client.bootstrap()
            node = client.get_random_node()
            if node is None:
                raise NoBrokersAvailable
            yield TopicRequests(client, node)
    finally:
        await stop(client, "close")
