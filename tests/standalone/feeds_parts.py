"""A newsroom for tests of ``copydesk feeds``: a broker with topics, a site on loopback, and a fetcher."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import UserError
from copydesk_shared.kafka import connect, ensure_topics, read_partitions
from copydesk_shared.log import Outgoing, Record
from copydesk_standalone.cli import copydesk as group
from tests.fetcher.site import Site, serve
from tests.standalone.topic_brokers import copydesk

Answer = subprocess.CompletedProcess[str]
SECONDS = 40
ENVIRONMENT = {
    "COPYDESK_FETCHER_ALLOW_NETWORKS": "127.0.0.0/8",
    "COPYDESK_FETCHER_USER_AGENT": "copydesk-tests (+http://localhost/)",
    "COPYDESK_FETCHER_PER_HOST_DELAY_SECONDS": "0",
    "COPYDESK_FETCHER_HEALTH_PORT": "0",
    "COPYDESK_FETCHER_TOTAL_SECONDS": "2",
}


@dataclass
class Newsroom:
    """``servers`` are the brokers, ``site`` the publisher."""

    servers: str
    site: Site
    folder: Path
    _fetchers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    async def run(self, *arguments: str) -> Answer:
        """Any command at these brokers, to its end. It runs in this process, which is quicker."""
        return await asyncio.to_thread(here, *arguments, "--bootstrap-servers", self.servers)

    async def run_alone(self, *arguments: str) -> Answer:
        """The same in a process of its own."""
        return await asyncio.to_thread(copydesk, *arguments, "--bootstrap-servers", self.servers)

    async def feeds(self, *arguments: str) -> str:
        """What a command of ``copydesk feeds`` that goes well prints."""
        answer = await self.run("feeds", *arguments)
        assert (answer.returncode, answer.stderr) == (0, ""), answer.stderr
        return answer.stdout

    async def refusal(self, *arguments: str) -> str:
        """The one line of a command that does not go well."""
        return mistake(await self.run(*arguments))

    async def listed(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """The feeds of the list, by id."""
        lines = (await self.feeds("list", "--format", "json", *arguments)).splitlines()
        return {each["feed"]["feed_id"]: each for each in map(json.loads, lines)}

    async def until_listed(self, feed_id: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until the list says something of a feed."""
        async with asyncio.timeout(SECONDS):
            while True:
                found = (await self.listed()).get(feed_id)
                if found is not None and is_so(found):
                    return found

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait for something at the site."""
        async with asyncio.timeout(SECONDS):
            while not is_so():
                await asyncio.sleep(0.02)

    async def records(self, topic: str) -> list[Record]:
        return await read_partitions(Brokers(self.servers), topic, range(6))

    async def until_tombstone(self, topic: str, key: str) -> None:
        """Wait until what has this key is gone from a partition."""
        async with asyncio.timeout(SECONDS):
            while not any(record.is_tombstone and record.key == key.encode() for record in await self.records(topic)):
                await asyncio.sleep(0.05)

    async def send(self, *records: Outgoing) -> None:
        """Write as a service of ours would."""
        async with connect(Brokers(self.servers), client_id="test") as log:
            for record in records:
                await (await log.send(record))

    def start_fetcher(self, **settings: str) -> None:
        """Start a fetcher; it ends with the newsroom."""
        given = {f"COPYDESK_FETCHER_{name}".upper(): value for name, value in settings.items()}
        servers = {"COPYDESK_FETCHER_BOOTSTRAP_SERVERS": self.servers}
        with (self.folder / "fetcher.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "copydesk_fetcher"],
                env={**os.environ, **ENVIRONMENT, **servers, **given}, stdin=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self._fetchers.append(process)

    async def stop_fetcher(self) -> None:
        """End it as Kubernetes would; it ends well."""
        process = self._fetchers.pop()
        process.terminate()
        code = await asyncio.to_thread(process.wait, SECONDS)
        assert code == 0, (self.folder / "fetcher.log").read_text()[-3000:]

    def end(self) -> None:
        """Leave no process behind."""
        for process in self._fetchers:
            process.kill()
            process.wait()


@asynccontextmanager
async def newsroom(servers: str, folder: Path) -> AsyncIterator[Newsroom]:
    """A newsroom at these brokers, which get their topics."""
    await ensure_topics(Brokers(servers))
    async with serve() as site:
        room = Newsroom(servers, site, folder)
        try:
            yield room
        finally:
            room.end()


def here(*arguments: str) -> Answer:
    """Run a command in this process."""
    answer = CliRunner().invoke(group, arguments, standalone_mode=False)
    if answer.exception is None:
        return Answer(arguments, answer.return_value, answer.stdout, answer.stderr)
    assert isinstance(answer.exception, UserError), answer.exc_info
    return Answer(arguments, 2, answer.stdout, f"{answer.stderr}copydesk: error: {answer.exception}\n")


def mistake(answer: Answer) -> str:
    """The line of a person's mistake."""
    assert answer.returncode == 2, answer
    assert answer.stdout == ""
    assert answer.stderr.startswith("copydesk: error: ")
    assert answer.stderr.count("\n") == 1
    return answer.stderr.removeprefix("copydesk: error: ").rstrip()


def is_harmless(text: str) -> bool:
    """Whether a terminal takes nothing of it for a command."""
    return all(line.isprintable() for line in text.split("\n"))


def row(listed: str, feed_id: str) -> str:
    """The line of a table that begins so."""
    return next(line for line in listed.splitlines() if line.startswith(feed_id))


def facts(shown: str) -> Mapping[str, str]:
    """What ``show`` and ``check`` say, by name."""
    pairs = (line.partition("  ") for line in shown.splitlines() if "  " in line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
