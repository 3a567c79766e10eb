"""``python -m tools.apache_kafka``: a cluster to try things on, and the one that the workers of a test run share."""

import argparse
import fcntl
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from tools import kafka_jars
from tools.apache_kafka import INTERNAL, READY_PREFIX, ApacheKafka, Node, StartError

LOG_END = 3000


def main(words: Sequence[str] | None = None) -> int:
    """Run a cluster until told to stop. 0 after a clean stop, 1 when no node is left, 2 when it cannot start."""
    options = _options().parse_args(words)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as held:
        lock = held.enter_context(options.while_locked.open("a")) if options.while_locked else None
        folder = tempfile.TemporaryDirectory(prefix="kafka-", dir=options.data, ignore_cleanup_errors=True)
        cluster = ApacheKafka(Path(held.enter_context(folder)), options.nodes, port=options.port)
        try:
            held.enter_context(cluster)
        except (kafka_jars.Unavailable, StartError) as error:
            sys.stderr.write(f"copydesk: error: {error}\n")
            return 2
        # In one write: who wants the address alone closes the pipe after the first line.
        sys.stdout.write(f"{READY_PREFIX}{cluster.bootstrap_servers}\n{''.join(map(_told, cluster.members))}")
        sys.stdout.flush()
        return _watch(cluster, stop, lock)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("apache_kafka", description="Run Apache Kafka on loopback until Ctrl-C.")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="how many nodes (default 1)")
    parser.add_argument("--port", type=int, help="of the first node; the next ones follow (default: any free ones)")
    parser.add_argument("--data", type=Path, help="where to make the folder for the data, which is removed at the end")
    parser.add_argument("--while-locked", type=Path, metavar="FILE", help="stop too when nobody holds a lock on FILE")
    return parser


def _told(node: Node) -> str:
    pid = node.process.pid if node.process else None
    return f"  node {node.number}: 127.0.0.1:{node.ports[INTERNAL]}, pid {pid}\n"


def _watch(cluster: ApacheKafka, stop: threading.Event, lock: TextIO | None) -> int:
    left = list(cluster.members)
    while not stop.wait(0.2) and not (lock and _took(lock)):
        for node in [node for node in left if not node.is_running()]:
            left.remove(node)
            cluster.kill(node.number)  # so that its pid, which another process may get, is forgotten
            sys.stderr.write(f"copydesk: node {node.number} ended{_how(node)}, {len(left)} of {cluster.nodes} left\n")
            if not left:
                sys.stderr.write(f"copydesk: error: no node is left; the last one said:\n{_end_of_log(node)}\n")
                return 1
    return 0


def _how(node: Node) -> str:
    code = node.process.returncode if node.process else 0
    return f" ({signal.strsignal(-code) if code < 0 else f'exit code {code}'})"


def _end_of_log(node: Node) -> str:
    return node.log_file.read_text(encoding="utf-8", errors="replace")[-LOG_END:]


def _took(lock: TextIO) -> bool:
    """Whether the lock was free; it is held from then on, so that who wants the cluster next waits for its end."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
