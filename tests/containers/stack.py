"""docker-compose.yml as an operator starts it, and a newspaper beside it that its fetcher can reach."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from copydesk_standalone.demo.publisher import Publisher
from copydesk_standalone.demo.server import application
from copydesk_standalone.probes import free_port
from tests.containers.engine import ROOT, Engine

PROJECT = "copydesk-test"
UP_SECONDS = 300
PRIVATE = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"  # where the engine puts its networks

# Runs in a container, since nobody outside knows the broker's name.
READ_TOPIC = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer

async def read() -> None:
    async with AIOKafkaConsumer(sys.argv[1], bootstrap_servers="kafka:9092", auto_offset_reset="earliest") as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(each) < end for each, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if record.value:
                        print(record.value.decode())

asyncio.run(read())
"""


@dataclass(frozen=True)
class Stack:
    """The running containers."""

    engine: Engine
    env: dict[str, str]
    api: str

    def compose(self, *arguments: str, seconds: float = 60) -> str:
        return self.engine.compose("--project-name", PROJECT, *arguments, env=self.env, seconds=seconds)

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine says of the service's container, which may have ended."""
        found = self.compose("ps", "--all", "--quiet", service).strip()
        inspected: dict[str, Any] = json.loads(self.engine.docker("inspect", found))[0]
        return inspected

    def network(self, name: str) -> dict[str, Any]:
        """What the engine says of the network."""
        inspected: dict[str, Any] = json.loads(self.engine.docker("network", "inspect", f"{PROJECT}_{name}"))[0]
        return inspected

    def networks_of(self, service: str) -> set[str]:
        """The names of the networks that the service's container is on."""
        return {name.removeprefix(f"{PROJECT}_") for name in self.inspect(service)["NetworkSettings"]["Networks"]}

    def gateway(self, network: str) -> str:
        """The address of this machine in the network."""
        return str(self.network(network)["IPAM"]["Config"][0]["Gateway"])

    def python(self, service: str, script: str, *arguments: str, seconds: float = 60) -> str:
        """What a script prints inside the service's container."""
        return self.compose("exec", "-T", service, "/app/bin/python", "-c", script, *arguments, seconds=seconds)

    def articles(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = httpx.get(f"{self.api}/v1/articles", timeout=10).json()["items"]
        return items

    def topic(self, name: str) -> list[dict[str, Any]]:
        """The messages of the topic, as they are now."""
        return [json.loads(line) for line in self.python("classifier", READ_TOPIC, name).splitlines()]


@contextmanager
def running_stack(engine: Engine, folder: Path) -> Iterator[Stack]:
    """The services of docker-compose.yml, when all of them are healthy."""
    secrets, port = folder / "secrets", free_port()
    subprocess.run([ROOT / "deploy" / "compose" / "secrets.sh", secrets], check=True, timeout=60)
    env = {
        "COPYDESK_SECRETS": str(secrets),
        "COPYDESK_API_PORT": str(port),
        "COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (tests@copydesk.news)",
        "COPYDESK_FETCHER_ALLOW_NETWORKS": PRIVATE,
    }
    stack = Stack(engine, env, f"http://127.0.0.1:{port}")
    try:
        try:
            stack.compose("up", "--detach", "--no-build", "--wait", seconds=UP_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{stack.compose('logs', '--tail', '30')}") from None
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "10", seconds=120)


@contextmanager
def newspaper(host: str) -> Iterator[str]:
    """The base URL of the sample publisher at this address of ours."""
    listener = socket.create_server((host, 0))
    url = f"http://{host}:{listener.getsockname()[1]}"
    publisher = Publisher(lambda: datetime.now(UTC), datetime.now(UTC), 600.0, url)
    config = uvicorn.Config(application(publisher), lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Wait for it; ``what`` tells how things stand when it does not come."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, what()
        time.sleep(0.5)
