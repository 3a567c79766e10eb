"""One scenario on both brokers: what they answer is compared, ids, ports and times left out."""

import asyncio
import contextlib
import inspect
import pprint
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError as AiokafkaError
from confluent_kafka import KafkaError, KafkaException

from tests.broker.client import WireClient
from tests.brokers import Broker

# What two brokers may say differently, and prose for people.
VOLATILE = frozenset(
    "throttle_time_ms topic_id cluster_id node_id host port controller_id leader_id replica_nodes isr_nodes"
    " error_message log_append_time_ms leader_epoch current_leader operations cluster_operations topic_operations"
    " session_id".split()
)

# A coordinator that is loading, not there yet, moving or at work on the transaction before: to be asked again.
BUSY = frozenset({14, 15, 16, 51})
UNNAMED = {105: "TRANSACTIONAL_ID_NOT_FOUND"}  # librdkafka has no name for it
SCENARIO_TIMEOUT_S = 45


@dataclass(frozen=True, slots=True)
class Site:
    """Where a scenario takes place: a broker, and a name for topics and groups that is the same on both."""

    broker: Broker
    name: str

    @property
    def address(self) -> str:
        return self.broker.bootstrap_servers

    def client(self) -> WireClient:
        return WireClient(self.address)

    def topic(self, partitions: int = 1, **settings: str) -> str:
        """A new topic with the scenario's name that keeps records of any age; settings with underscores for dots."""
        config = {key.replace("_", "."): value for key, value in {"retention_ms": "-1", **settings}.items()}
        self.broker.create_topics(self.name, partitions=partitions, config=config)
        return self.name


Scenario = Callable[[Site], Any]


@dataclass(frozen=True, slots=True)
class Both:
    """Runs scenarios. A scenario is a function, or coroutine function, of a site; it gives plain data."""

    embedded: Site
    apache: Site

    async def __call__(self, scenario: Scenario) -> Any:
        """What both answer. Fails when they differ."""
        embedded, apache = await self.each(scenario)
        assert embedded == apache, (
            f"{scenario.__name__}: the embedded broker answers\n{pprint.pformat(embedded, width=110)}\n"
            f"and Apache Kafka\n{pprint.pformat(apache, width=110)}"
        )
        return apache

    async def each(self, scenario: Scenario) -> tuple[Any, Any]:
        """What the embedded broker and Apache Kafka answer, for the differences that are known."""
        embedded, apache = await asyncio.gather(_run(scenario, self.embedded), _run(scenario, self.apache))
        return embedded, apache


async def _run(scenario: Scenario, site: Site) -> Any:
    async with asyncio.timeout(SCENARIO_TIMEOUT_S):
        if inspect.iscoroutinefunction(scenario):
            return await scenario(site)
        return await _in_thread(scenario, site)


async def _in_thread(scenario: Scenario, site: Site) -> Any:
    """As asyncio.to_thread, but a scenario that hangs keeps neither the test nor the run from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def work() -> None:
        finished: Future[Any] = Future()
        try:
            finished.set_result(scenario(site))
        except BaseException as error:  # noqa: BLE001 - carried over to the test, whatever it is
            finished.set_exception(error)
        with contextlib.suppress(RuntimeError):  # the test gave up and its loop is closed
            loop.call_soon_threadsafe(_hand_over, finished, done)

    threading.Thread(target=work, daemon=True).start()
    return await done


def _hand_over(finished: "Future[Any]", done: "asyncio.Future[Any]") -> None:
    if done.cancelled():
        return
    error = finished.exception()
    if error:
        done.set_exception(error)
    else:
        done.set_result(finished.result())


def code(number: int) -> str:
    """The name of an error code, as librdkafka has it."""
    return UNNAMED.get(number) or str(KafkaError(number).name())


def said(answer: Any) -> Any:
    """An answer without what may differ, error codes by their names."""
    if isinstance(answer, dict):
        kept = {key: said(value) for key, value in answer.items() if key not in VOLATILE}
        return kept | ({"error_code": code(answer["error_code"])} if "error_code" in answer else {})
    if isinstance(answer, list):
        return [said(each) for each in answer]
    return answer


def insist(client: WireClient, api: str, version: int, **message: Any) -> dict[str, Any]:
    """The answer, once the coordinator is there and not busy with what came before."""
    while (answer := client.call(api, version, **message)).get("error_code") in BUSY:
        time.sleep(0.01)
    return answer


def outcome(future: Any) -> str:
    """How a call of confluent-kafka's admin client ended: an error's name or ``ok``."""
    try:
        future.result(30)
    except KafkaException as error:
        return str(error.args[0].name())
    return "ok"


async def attempt(awaitable: Awaitable[Any]) -> str:
    """How a call of aiokafka ended: an error's name or ``ok``."""
    try:
        await awaitable
    except AiokafkaError as error:
        return type(error).__name__
    return "ok"
