"""Dead letters on a broker, for tests of ``copydesk dead-letters``."""

import asyncio
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from click.testing import CliRunner

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import dead_letter
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.kafka import connect, read_partitions
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.topics import DEAD_LETTER
from copydesk_standalone.letters.command import dead_letters
from tests.brokers import Broker
from tests.standalone.test_cli import copydesk

Answer = subprocess.CompletedProcess[bytes]


@dataclass(frozen=True)
class Letters:
    """A topic of dead letters of its own, on a broker that other tests use too."""

    broker: Broker
    topic: str

    @property
    def brokers(self) -> Brokers:
        return Brokers(self.broker.bootstrap_servers)

    @property
    def options(self) -> tuple[str, ...]:
        """Where the commands find these letters."""
        return "--bootstrap-servers", self.broker.bootstrap_servers, "--topic", self.topic

    def run(self, command: str, *arguments: str) -> Answer:
        """Run a command of ``copydesk dead-letters``."""
        return copydesk("dead-letters", command, *self.options, *arguments)

    def lines(self, command: str, *arguments: str) -> list[str]:
        """What a command that goes well prints; it runs in this process, which is quicker."""
        answer = CliRunner().invoke(dead_letters, [command, *self.options, *arguments], standalone_mode=False)
        assert answer.exception is None, answer.exception
        assert (answer.return_value, answer.stderr) == (0, "")
        return answer.stdout.splitlines()

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """The letters that the list gives as JSON."""
        return [json.loads(line) for line in self.lines("list", "--format", "json", *arguments)]

    def bury(self, *letters: Outgoing) -> None:
        """Put these letters there, each later than the one before."""
        self.send(*(replace(each, topic=self.topic) if each.topic == DEAD_LETTER.name else each for each in letters))

    def send(self, *records: Outgoing) -> None:
        async def send() -> None:
            async with connect(self.brokers, client_id="test") as log:
                for record in records:
                    await (await log.send(record))
                    sent_at = time.time_ns() // 1_000_000
                    while time.time_ns() // 1_000_000 == sent_at:
                        await asyncio.sleep(0)

        asyncio.run(send())

    def read(self, topic: str, partitions: Sequence[int] = (0,)) -> list[Record]:
        return asyncio.run(read_partitions(self.brokers, topic, partitions))


def letter(
    key: str | None = "k",
    value: bytes | None = b"{}",
    *,
    topic: str = "articles.fetched",
    stage: str = "cleaner",
    reason: DeadLetterReason = DeadLetterReason.BUG,
    error: str = "boom",
    headers: Headers = (),
) -> Outgoing:
    """A dead letter of a record that lay at 3/42 of its topic."""
    record = Record(topic, 3, 42, key.encode() if key is not None else None, value, headers)
    return dead_letter(record, stage=stage, reason=reason, error=error)
