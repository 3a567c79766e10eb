"""Apache Kafka on loopback, one node or several in KRaft mode: the tests' oracle, and `make kafka`.

``python -m tools.apache_kafka [--nodes 3]`` starts it empty, says when it is ready, and stops on Ctrl-C.
Needs Java 17 and, the first time, Maven.
"""

import base64
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tools import kafka_jars

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
START_ATTEMPTS = 3
POSSIBLE_PORTS = range(1, 65_536)
PORTS = range(20_000, 32_000)  # below what systems hand out by themselves, so that a restart finds its ports free
READY_PREFIX = "apache kafka ready "
INTERNAL = "PLAINTEXT"
CONTROLLER = "CONTROLLER"
JAVA_OPTIONS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
)

# Told the pids line by line; when the pipe closes, whoever wrote to it is gone, however it went, and so must they be.
REAPER = """
import os, signal, sys
alive = set()
for line in sys.stdin:
    (alive.add if line[0] == "+" else alive.discard)(int(line[1:]))
for pid in alive:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
"""


class StartError(Exception):
    """A node did not come up; the message names its log and holds what it said last."""


@dataclass(slots=True)
class Node:
    """One server: its id, its port for each listener, its folder, and its process while it runs."""

    number: int
    folder: Path
    ports: dict[str, int]
    directory_id: str
    process: subprocess.Popen[bytes] | None = None
    log_start: int = 0

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def says_it_started(self) -> bool:
        with self.log_file.open("rb") as log:
            log.seek(self.log_start)
            return b"Kafka Server started" in log.read()


@dataclass(slots=True)
class ApacheKafka:
    """A cluster of Apache Kafka.

    :param folder: where nodes keep data, settings and logs; made when it is not there
    :param nodes: how many; each is broker and controller
    :param config: server properties beside, or instead of, those of :func:`base_config`
    :param listeners: names of further listeners and their protocols, such as ``{"TLS": "SSL"}``; the listener
        ``PLAINTEXT``, which the nodes use among themselves, is always there
    :param advertised: for a listener, the port of each node that clients are told, since a proxy listens there
    :param scram: users to create, each as ``SCRAM-SHA-256=[name=alice,password=secret]``
    :param port: that of the first node's ``PLAINTEXT``, the next nodes' follow; without it any free ones

    Raises kafka_jars.Unavailable where Java or Maven are missing, StartError when a node does not come up.
    """

    folder: Path
    nodes: int = 1
    config: Mapping[str, str] = field(default_factory=dict)
    listeners: Mapping[str, str] = field(default_factory=dict)
    scram: Sequence[str] = ()
    advertised: Mapping[str, Sequence[int]] = field(default_factory=dict)
    port: int | None = None
    members: list[Node] = field(default_factory=list, init=False)
    _reaper: "subprocess.Popen[str] | None" = field(default=None, init=False)
    _ports: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._ports.close()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all nodes, comma-separated."""
        return self.addresses(INTERNAL)

    def addresses(self, listener: str) -> str:
        """The addresses of all nodes at a listener, comma-separated."""
        return ",".join(f"127.0.0.1:{node.ports[listener]}" for node in self.members)

    def start(self) -> None:
        """Start all nodes, formatting them the first time, and wait until each answers and sees all others.

        Their ports stay theirs over a stop, until the end of the ``with``.
        """
        for attempt in range(1, START_ATTEMPTS + 1):
            fresh = not self.members
            if fresh:
                self._format()
            try:
                self._run(self.members)
            except StartError:
                self.stop()
                self._ports.close()
                if not fresh or attempt == START_ATTEMPTS or not self._lost_a_port():
                    raise
                self.members.clear()
            else:
                return

    def _lost_a_port(self) -> bool:
        """Whether somebody else took one of the ports between the choice and the start; the whole log is needed,
        since a node says much after that while it ends.
        """
        return any("Address already in use" in self.log(node.number) for node in self.members if node.log_file.exists())

    def stop(self) -> None:
        """Stop all nodes, cleanly if they can; their data stays."""
        running = [node.process for node in self.members if node.process and node.is_running()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._reaper:
            self._reaper.communicate()
            self._reaper = None

    def kill(self, node: int) -> None:
        """End a node as a power cut would."""
        process = self.members[node].process
        if process:
            process.kill()
            process.wait()
            self._tell(f"-{process.pid}")

    def restart(self, node: int) -> None:
        """Start a node again on its ports and data, and wait until all nodes that run see each other."""
        self.kill(node)
        self._run([self.members[node]])

    def log(self, node: int = 0) -> str:
        """What a node logged so far."""
        return self.members[node].log_file.read_text(encoding="utf-8", errors="replace")

    def _format(self) -> None:
        names = [INTERNAL, CONTROLLER, *self.listeners]
        fixed = [] if self.port is None else [self.port + number for number in range(self.nodes)]
        check_ports(fixed)
        ports = iter(self._ports.enter_context(free_ports(self.nodes * len(names), without=fixed)))
        for number in range(self.nodes):
            folder = self.folder / f"node-{number}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.members.append(Node(number, folder, {name: next(ports) for name in names}, new_id()))
        for node, port in zip(self.members, fixed, strict=False):
            node.ports[INTERNAL] = port
        for node in self.members:
            properties = {**self._own_config(node), **self.config}
            node.properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        cluster_id = new_id()
        with ThreadPoolExecutor(self.nodes) as pool:
            list(pool.map(lambda node: self._format_node(node, cluster_id), self.members))

    def _own_config(self, node: Node) -> dict[str, str]:
        protocols = {INTERNAL: "PLAINTEXT", CONTROLLER: "PLAINTEXT", **self.listeners}
        urls = {name: f"{name}://127.0.0.1:{node.ports[name]}" for name in protocols}
        told = urls | {name: f"{name}://127.0.0.1:{ports[node.number]}" for name, ports in self.advertised.items()}
        return base_config(self.nodes) | {
            "node.id": str(node.number),
            "log.dirs": str(node.folder / "data"),
            "listeners": ",".join(urls.values()),
            "advertised.listeners": ",".join(told.values()),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "controller.quorum.bootstrap.servers": self.addresses(CONTROLLER),
        }

    def _format_node(self, node: Node, cluster_id: str) -> None:
        voters = ",".join(
            f"{each.number}@127.0.0.1:{each.ports[CONTROLLER]}:{each.directory_id}" for each in self.members
        )
        options = [
            "format",
            "--config",
            str(node.properties),
            "--cluster-id",
            cluster_id,
            "--initial-controllers",
            voters,
        ]
        users = [word for user in self.scram for word in ("--add-scram", user)]
        command = [*java_command("kafka.tools.StorageTool"), *options, *users]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S)  # noqa: S603 - our own command
        if done.returncode:
            raise StartError(
                f"node {node.number} could not be formatted: {(done.stdout + done.stderr).strip()[-2000:]}"
            )

    def _run(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            with node.log_file.open("ab") as log:
                node.log_start = log.tell()
                node.process = subprocess.Popen(  # noqa: S603 - our own command
                    [*java_command("kafka.Kafka"), str(node.properties)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._tell(f"+{node.process.pid}")
        deadline = time.monotonic() + START_TIMEOUT_S
        expected = {node.number for node in self.members if node.is_running()}
        for node in nodes:
            _wait_until_ready(node, expected, deadline)

    def _tell(self, line: str) -> None:
        if not self._reaper:
            self._reaper = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-S", "-E", "-c", REAPER], stdin=subprocess.PIPE, text=True, start_new_session=True
            )
        if self._reaper.stdin:
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()


def base_config(nodes: int) -> dict[str, str]:
    """The server properties all clusters start from: Kafka's defaults but for what one machine and tests need."""
    copies = str(min(nodes, 3))
    insync = str(max(1, min(nodes, 3) - 1))
    return {
        "process.roles": "broker,controller",
        "controller.listener.names": CONTROLLER,
        "inter.broker.listener.name": INTERNAL,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": insync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": insync,
        "transaction.state.log.num.partitions": "4",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": insync,
        "group.initial.rebalance.delay.ms": "0",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "4000",  # a killed node is not let in again before its session has ended
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "4194304",
    }


def java_command(main_class: str) -> list[str]:
    """The command that runs a class of Apache Kafka."""
    return [kafka_jars.java(), *JAVA_OPTIONS, *LOGGING, "-cp", kafka_jars.class_path(), main_class]


def new_id() -> str:
    """An id as Kafka writes them: 16 random bytes in URL-safe base64, and no dash in front, which options have."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


@contextmanager
def free_ports(count: int, without: Collection[int] = ()) -> Iterator[list[int]]:
    """So many ports of loopback that nobody listens on, and that nobody else is given here until the end.

    Each is bound by a socket that does not listen and lets others that say SO_REUSEADDR listen, as Java does, but not
    others that look for a free port in this way: see socket(7).
    """
    with ExitStack() as holders:
        found: list[int] = []
        for port in random.sample(PORTS, len(PORTS)):
            if len(found) == count:
                break
            holder = holders.enter_context(socket.socket())
            if port not in without and not _bind_error(port, holder):
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                found.append(port)
        else:
            raise StartError(f"there are no {count} free ports on loopback")
        yield found


def check_ports(ports: Collection[int]) -> None:
    """Raises StartError when a node could not listen on one of these ports."""
    for port in ports:
        if port not in POSSIBLE_PORTS:
            raise StartError(f"port {port}: ports go from {POSSIBLE_PORTS[0]} to {POSSIBLE_PORTS[-1]}")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            error = _bind_error(port, probe)
        if error:
            raise StartError(f"port {port} of 127.0.0.1 cannot be listened on: {error}")


def _bind_error(port: int, probe: socket.socket) -> str | None:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _wait_until_ready(node: Node, expected: set[int], deadline: float) -> None:
    # A node answers at its first listener before it finds that it cannot have the next one.
    while not node.says_it_started() or seen_nodes(node.ports[INTERNAL]) < expected:
        if not node.is_running() or time.monotonic() > deadline:
            what = "did not answer in time" if node.is_running() else "ended"
            last = node.log_file.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise StartError(f"node {node.number} {what}; the end of {node.log_file}:\n{last}")
        time.sleep(0.05)


def seen_nodes(port: int) -> set[int]:
    """The ids of the brokers that the one at the port knows to be alive; empty while it does not answer.

    Asks with Metadata version 4 and no topics.
    """
    request = struct.pack(">hhihib", 3, 4, 1, -1, 0, 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answer:
                body = answer.read(struct.unpack(">i", answer.read(4))[0])
    except (OSError, struct.error):
        return set()
    return _broker_ids(body)


def _broker_ids(body: bytes) -> set[int]:
    count, position = struct.unpack_from(">i", body, 8)[0], 12
    ids: set[int] = set()
    for _ in range(count):
        number, host = struct.unpack_from(">ih", body, position)
        position += 10 + host
        rack = struct.unpack_from(">h", body, position)[0]
        position += 2 + max(rack, 0)
        ids.add(number)
    return ids


if __name__ == "__main__":
    from tools.kafka_command import main

    sys.exit(main())
