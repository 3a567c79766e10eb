"""``python -m copydesk_standalone.broker``: run the broker until it is told to stop."""

import argparse
import asyncio
import contextlib
import ipaddress
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from copydesk_shared.seldom import Seldom

from .broker import Broker, Options
from .completion import recover, watch
from .files import UnusableError
from .janitor import Janitor
from .process import READY_PREFIX
from .registry import MAX_PARTITIONS
from .server import Server

logger = logging.getLogger("copydesk.broker")

EXIT_USAGE = 2
REPEAT_SECONDS = 10.0
SWITCH_INTERVAL_S = 0.0005
FSYNC_POLICIES = ("never", "interval", "always")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a broker; returns 0 after a clean stop and 2 when it cannot start."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s broker: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(Seldom(f"{__package__}.handlers_data", REPEAT_SECONDS))  # a full disk refuses every batch
        handler.addFilter(Seldom(f"{__package__}.janitor.refusals", REPEAT_SECONDS))  # and cleans no partition
        handler.addFilter(Seldom(f"{__package__}.connection", REPEAT_SECONDS))  # a hostile client comes back
    _allow_many_files()
    # A thread that compacts must not make the event loop wait for the interpreter for the usual 5 ms.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    values = vars(arguments)
    with_parent = values.pop("exit_with_parent")
    try:
        asyncio.run(_run(Options(**values), with_parent=with_parent))
    except UnusableError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror or error}")
    return 0


def _complain(message: str) -> int:
    sys.stderr.write(f"broker: {message}\n")
    return EXIT_USAGE


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(_complain(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m copydesk_standalone.broker",
        description="A small single-node broker that speaks the Kafka protocol. Production runs Apache Kafka.",
    )
    add = parser.add_argument
    add("--data-dir", type=Path, required=True, help="where topics and offsets are kept")
    add("--host", type=_loopback, default="127.0.0.1", help="a loopback address (default: %(default)s)")
    add("--port", type=_between(0, 65535), default=9092, help="0 takes any free port (default: %(default)s)")
    add("--advertised-port", type=_between(1, 65535), help="what clients are told, behind a proxy (default: the port)")
    add("--auto-create-topics", action="store_true", help="make topics when a client asks for their metadata")
    add("--default-partitions", type=_between(1, MAX_PARTITIONS), default=1, help="of topics that do not say")
    add("--max-request-bytes", type=_between(1024, 2**31 - 1), default=64 << 20, help="larger requests are cut off")
    add("--max-connections", type=_between(1, 100_000), default=1_000, help="further ones are closed")
    add("--max-connections-per-address", type=_between(1, 100_000), default=1_000, help="the same for one address")
    add("--max-held-bytes", type=_between(1 << 20, 1 << 40), default=256 << 20, help="memory for all connections")
    add("--idle-timeout-s", type=_between(1, 86_400), default=600, help="unused connections are closed")
    add(
        "--fsync", choices=FSYNC_POLICIES, default="never",
        help="when writes are forced to the disk; 'never' survives a kill of the broker, not of the machine",
    )  # fmt: skip
    add("--fsync-interval-s", type=_between(1, 3600), default=1, help="with --fsync interval")
    add("--cleanup-interval-s", type=_between(1, 86_400), default=30, help="how often expired records are removed")
    add("--exit-with-parent", action="store_true", help="stop when standard input is closed")
    return parser


def _loopback(text: str) -> str:
    try:
        if ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a loopback address; this broker has no authentication")


class _between:  # noqa: N801 - reads as a function
    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def __call__(self, text: str) -> int:
        with contextlib.suppress(ValueError):
            if self._low <= int(text) <= self._high:
                return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {self._low} to {self._high}")


def _allow_many_files() -> None:
    """Each segment and connection holds a file; take as many as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(options: Options, *, with_parent: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    broker = _open(options)
    server = Server(broker)
    try:
        await server.start()
        host = f"[{options.host}]" if ":" in options.host else options.host
        sys.stdout.write(f"{READY_PREFIX}{host}:{broker.port}\n")
        sys.stdout.flush()
        if with_parent:
            loop.add_reader(sys.stdin.fileno(), _watch_parent, stopping)
        chores = [loop.create_task(watch(broker)), loop.create_task(Janitor(broker).run(options.cleanup_interval_s))]
        if options.fsync == "interval":
            chores.append(loop.create_task(_sync_now_and_then(broker)))
        for chore in chores:
            chore.add_done_callback(_ended)
        await stopping.wait()
        for chore in chores:
            chore.cancel()
        await asyncio.wait(chores)
    finally:
        await server.stop()
        if options.fsync != "never":
            await _sync(broker)
        broker.close()


def _open(options: Options) -> Broker:
    try:
        broker = Broker(options)
        recover(broker)
    except OSError as error:
        raise UnusableError(f"cannot use the data folder {options.data_dir}: {error}") from error
    return broker


def _ended(chore: asyncio.Task[None]) -> None:
    """A chore runs until the broker stops."""
    error = None if chore.cancelled() else chore.exception()
    if error is not None:
        logger.error("what runs beside the requests failed", exc_info=error)


def _watch_parent(stopping: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stopping.set()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


async def _sync_now_and_then(broker: Broker) -> None:
    while True:
        await asyncio.sleep(broker.options.fsync_interval_s)
        await _sync(broker)


async def _sync(broker: Broker) -> None:
    logs = [log for log in broker.topics.logs() if log.is_dirty]
    try:
        await broker.disk.force(*logs, broker.offsets, broker.transactions)
    except OSError as error:
        logger.warning("cannot force writes to the disk: %s", error)


if __name__ == "__main__":
    sys.exit(main())
