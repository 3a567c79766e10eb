"""A well-behaved client beside a hostile one: it goes on producing and fetching, or the test fails."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch, read
from .client import WireClient

WITHIN_S = 30.0
TOPIC = "bystander"
# Large enough to arrive in parts.
SIZE = 150_000


class Bystander:
    """Writes records and reads them back on connections of its own, from before the attack until its end.

    Each answer has to come within ``WITHIN_S``: generous, since only a stall is a fault.
    """

    def __init__(self, broker: BrokerProcess) -> None:
        self._broker = broker
        self._stop = threading.Event()
        self._round = threading.Condition()
        self._error: Exception | None = None
        self.rounds = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        with WireClient(self._broker.address) as client:
            assert client.create_topic(TOPIC)["error_code"] == 0
        self._thread.start()
        self.wait(2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.wait(3)
        finally:
            self._stop.set()
            self._thread.join()

    @property
    def peak(self) -> int:
        """The most memory that the broker ever had resident, in bytes."""
        status = Path(f"/proc/{self._broker.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])

    def wait(self, rounds: int) -> None:
        """Until so many more rounds are complete."""
        with self._round:
            goal = self.rounds + rounds
            self._round.wait_for(lambda: self.rounds >= goal or self._error is not None, WITHIN_S * rounds)
            if self._error is not None:
                raise self._error
            assert self.rounds >= goal

    def _run(self) -> None:
        """A broker that is full cuts off whoever it has to; a client that behaves well comes back."""
        for last in (False, False, True):
            try:
                self._go_on()
            except (ConnectionResetError, EOFError) as error:
                if last:
                    self._give_up(error)
            except (OSError, AssertionError) as error:
                self._give_up(error)
                return
            else:
                return

    def _go_on(self) -> None:
        with WireClient(self._broker.address) as client:
            client.socket.settimeout(WITHIN_S)
            while not self._stop.wait(0.01):
                self._once(client)

    def _give_up(self, error: Exception) -> None:
        with self._round:
            self._error = error
            self._round.notify_all()

    def _once(self, client: WireClient) -> None:
        value = b"%d" % self.rounds * SIZE
        offset = client.produce(TOPIC, batch([value]))["base_offset"]
        assert read(client.fetch(TOPIC, offset)["records"]) == [(offset, value)]
        with WireClient(self._broker.address) as newcomer:
            newcomer.socket.settimeout(WITHIN_S)
            newcomer.call("ApiVersions", 3, software_name="x", software_version="1")
        with self._round:
            self.rounds += 1
            self._round.notify_all()
