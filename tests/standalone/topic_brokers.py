"""Brokers whose topics are a test's own, and what tests do to topics behind the back of ``copydesk topics``."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from copydesk_shared.topics import ALL_TOPICS
from tests.tiers import unavailable
from tools import kafka_jars
from tools.apache_kafka import ApacheKafka

USER, PASSWORD = "cleaner", "a password"
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
# Whoever comes by the plain listener may do everything, the user of the other one only what the test allows.
RIGHTS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "listener.name.user.sasl.enabled.mechanisms": "SCRAM-SHA-256",
    "listener.name.user.scram-sha-256.sasl.jaas.config": LOGIN,
}
SECONDS = 60.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class OwnBroker:
    """A broker; ``user_servers`` is where Apache Kafka lets the user in who has few rights."""

    servers: str
    user_servers: str = ""

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers})

    def partitions(self, name: str) -> int:
        """How many partitions a topic has; 0 when there is no such topic."""
        return len(self.admin.list_topics(name, timeout=SECONDS).topics[name].partitions)

    def names(self) -> set[str]:
        """Those of our topics that are there."""
        return {topic.name for topic in ALL_TOPICS if self.partitions(topic.name)}

    def config(self, name: str) -> dict[str, str]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        entries = self.admin.describe_configs([resource])[resource].result(SECONDS)
        return {each.name: each.value for each in entries.values()}

    def set(self, name: str, **settings: str) -> None:
        """Set settings of a topic, and wait until the broker shows them."""
        changed = {setting.replace("_", "."): value for setting, value in settings.items()}
        entries = [
            ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
            for setting, value in changed.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        self.admin.incremental_alter_configs([resource])[resource].result(SECONDS)
        until(lambda: changed.items() <= self.config(name).items(), f"{name} has {changed}")

    def grow(self, name: str, partitions: int) -> None:
        self.admin.create_partitions([NewPartitions(name, partitions)])[name].result(SECONDS)
        until(lambda: self.partitions(name) == partitions, f"{name} has {partitions} partitions")

    def create(self, name: str, partitions: int, config: Mapping[str, str]) -> None:
        self.admin.create_topics([NewTopic(name, partitions, 1, config=dict(config))])[name].result(SECONDS)
        until(lambda: self.partitions(name) == partitions, f"{name} is there")

    def delete(self, *names: str) -> None:
        for outcome in self.admin.delete_topics(list(names)).values() if names else ():
            outcome.result(SECONDS)
        until(lambda: not self.names().intersection(names), "the topics are gone")

    def delete_all(self) -> None:
        self.delete(*self.names())

    def allow(self, operation: AclOperation, kind: ResourceType, name: str) -> None:
        """Let the user do something with topics or groups whose names begin so."""
        binding = AclBinding(
            kind, name, ResourcePatternType.PREFIXED, f"User:{USER}", "*", operation, AclPermissionType.ALLOW
        )
        self.admin.create_acls([binding])[binding].result(SECONDS)


@contextmanager
def own_apache_kafka(folder: Path) -> Iterator[OwnBroker]:
    """A node of Apache Kafka that knows users and rights; without Java or Maven the test is skipped."""
    cluster = ApacheKafka(
        folder,
        config=RIGHTS,
        listeners={"USER": "SASL_PLAINTEXT"},
        scram=[f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"],
    )
    with ExitStack() as running:
        try:
            running.enter_context(cluster)
        except kafka_jars.Unavailable as error:
            unavailable("apache-kafka", str(error))
        yield OwnBroker(cluster.bootstrap_servers, cluster.addresses("USER"))


def copydesk(*arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "copydesk_standalone", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60, text=True,
        env={**os.environ, **(env or {})},
    )  # fmt: skip


def topics(command: str, broker: OwnBroker, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``copydesk topics`` against a broker."""
    return copydesk("topics", command, "--bootstrap-servers", broker.servers, *arguments)


# What asyncio says where a worker that was starting is gone before it looks.
CHILD = "Unknown child process"


class Cleaner:
    """The cleaner in a process of its own."""

    def __init__(self, folder: Path, servers: str, health_port: int, **settings: str) -> None:
        self._log = folder / "cleaner.log"
        self.health_port = health_port
        given: dict[str, Any] = {"bootstrap_servers": servers, "health_port": health_port, "log_level": "warning"}
        environment = {f"COPYDESK_CLEANER_{name}".upper(): str(value) for name, value in {**given, **settings}.items()}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "copydesk_cleaner"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment},
            )  # fmt: skip

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def refusal(self) -> str:
        """The one line it ended with."""
        assert self.process.wait(SECONDS) == 2, self.said()
        lines = self.said().splitlines(keepends=True)
        return "".join(line for line in lines if CHILD not in line)

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
