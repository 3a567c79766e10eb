"""Starting and stopping a broker process, for the supervisor and for tests."""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

READY_PREFIX = "broker ready "
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


class StartError(Exception):
    """The broker did not come up; the message is what it said."""


def command(data_dir: Path, *, port: int = 0, options: Sequence[str] = ()) -> list[str]:
    """The command line of a broker process."""
    module = [sys.executable, "-m", "copydesk_standalone.broker"]
    return [*module, "--data-dir", str(data_dir), "--port", str(port), *options]


def parse_ready(line: str) -> str | None:
    """The address (host:port) in the line a broker prints when it accepts connections; None for other lines."""
    return line.removeprefix(READY_PREFIX).strip() if line.startswith(READY_PREFIX) else None


@dataclass(slots=True)
class BrokerProcess:
    """A running broker. ``address`` is host:port; as a context manager it stops at the end."""

    process: subprocess.Popen[bytes]
    address: str
    data_dir: Path
    log_file: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def log(self) -> str:
        """What the broker wrote to standard error so far."""
        return self.log_file.read_text(errors="replace")

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ask the broker to stop, kill it when it does not, and return its exit code."""
        self.process.terminate()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self._reap()

    def kill(self) -> int:
        """End the broker as a power cut to the process would (SIGKILL)."""
        self.process.kill()
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path, *, port: int = 0, options: Sequence[str] = (), timeout_s: float = START_TIMEOUT_S
) -> BrokerProcess:
    """Start a broker that ends with this process, and wait until it accepts connections.

    Its log goes to ``<data_dir>.log`` beside the data folder. Raises StartError with the last line it wrote.
    """
    log_file = data_dir.with_name(data_dir.name + ".log")
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command(data_dir, port=port, options=["--exit-with-parent", *options]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    broker = BrokerProcess(process, "", data_dir, log_file)
    address = parse_ready(_first_line(process, timeout_s))
    if address is None:
        broker.kill()
        raise StartError((broker.log().splitlines() or ["the broker ended without a word"])[-1])
    broker.address = address
    return broker


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> str:
    """What the process prints first; empty when it ends, or says nothing in time."""
    assert process.stdout is not None  # noqa: S101 - narrows the type: it was started with a pipe
    deadline = time.monotonic() + timeout_s
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(max(deadline - time.monotonic(), 0)):
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                break
            line += piece
    return line.decode(errors="replace")
