"""Credentials that change while clients are connected, and a whole stage that reads and writes over SASL_SSL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from aiokafka.protocol.metadata import MetadataRequest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from copydesk_shared.brokers import Brokers, Security
from copydesk_shared.kafka import connect, ensure_topics, read_partitions
from copydesk_shared.kafka.connections import Connections, failure
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.stage import Stage
from copydesk_shared.testing import service
from copydesk_shared.topics import CLEANED, FETCHED
from copydesk_shared.wire import decode, encode
from tests.security.certificates import write_authority, write_pair
from tests.security.cluster import PASSWORD, USER, SecuredKafka, prepare
from tests.shared.samples import page
from tests.shared.stages import article_of

pytestmark = [pytest.mark.kafka, pytest.mark.apache]
PATIENCE_SECONDS = 60


async def _set_password(secured: SecuredKafka, password: str) -> None:
    """Change the user's password at the brokers, and wait until they have heard of it."""
    admin = AdminClient({"bootstrap.servers": secured.kafka.bootstrap_servers})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion(USER, info, password.encode())
    for outcome in admin.alter_user_scram_credentials([change]).values():
        outcome.result(30)
    door = secured.brokers("SCRAM512", sasl_password=SecretStr(password))
    host, port = door.servers.split(":")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await failure(door, host, int(port)) is not None:
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Secrets:
    """The folder of one client's secrets, as a pod has it: a link that is swapped."""

    folder: Path

    def write(self, authority: trustme.CA, trusted: trustme.CA, password: str) -> None:
        version = self.folder / f"..{len(list(self.folder.glob('..*')))}"
        write_pair(version, authority.issue_cert("copydesk"))
        write_authority(version / "ca.crt", trusted)
        (version / "password").write_text(password + "\n")
        fresh = self.folder / "..fresh"
        fresh.symlink_to(version.name)
        fresh.replace(self.folder / "data")

    def brokers(self, secured: SecuredKafka) -> Brokers:
        """How to be let in with them."""
        data = self.folder / "data"
        return secured.brokers(
            "BOTH", sasl_password=None, sasl_password_file=data / "password",
            ssl_ca_file=data / "ca.crt", ssl_cert_file=data / "tls.crt", ssl_key_file=data / "tls.key",
        )  # fmt: skip


@pytest.fixture(scope="module")
def rotating(needs_apache_kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A cluster that is started again with other certificates."""
    prepared = prepare(tmp_path_factory.mktemp("rotating"))
    with prepared.kafka:
        yield prepared


@pytest.fixture
async def secrets(rotating: SecuredKafka, tmp_path: Path) -> Secrets:
    await _set_password(rotating, PASSWORD)
    made = Secrets(tmp_path)
    made.write(rotating.authority, rotating.authority, PASSWORD)
    return made


def _settings(brokers: Brokers) -> dict[str, object]:
    security = {field: getattr(brokers.security, field) for field in Security.__slots__}
    return {"bootstrap_servers": brokers.servers, **{f"kafka_{field}": value for field, value in security.items()}}


@asynccontextmanager
async def _running(brokers: Brokers) -> AsyncIterator[Service]:
    """A cleaner over SASL_SSL; it is told to stop at the end."""
    running = service(name="cleaner", **_settings(brokers))
    task = asyncio.create_task(run_stage(Stage("cleaner", "1", FETCHED, CLEANED, article_of), running, workers=1))
    try:
        yield running
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 30)


async def _goes_through(rotating: SecuredKafka, number: int) -> None:
    """Send a page and wait for its article, both past the door that is tested."""
    open_door = Brokers(rotating.kafka.bootstrap_servers)
    async with connect(open_door, client_id="test") as log:
        await (await log.send(encode(FETCHED, page(number), stage="fetcher", version="1")))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f"article-{number}" not in await _articles(open_door):
            await asyncio.sleep(0.05)


async def _articles(brokers: Brokers) -> set[str]:
    records = await read_partitions(brokers, CLEANED.name, range(CLEANED.partitions))
    return {decode(CLEANED, record).article_id for record in records}


async def _told(running: Service, words: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(words in why for why in running.health.why_not().values()):
            await asyncio.sleep(0.02)


async def test_a_stage_reads_and_writes_over_sasl_ssl_while_everything_is_rotated(
    rotating: SecuredKafka, secrets: Secrets
) -> None:
    await ensure_topics(Brokers(rotating.kafka.bootstrap_servers))
    async with _running(secrets.brokers(rotating)) as running:
        await _goes_through(rotating, 1)
        authority = trustme.CA()
        secrets.write(authority, authority, "another password")
        await _set_password(rotating, "another password")
        await asyncio.to_thread(rotating.change_authority, authority)
        await _goes_through(rotating, 2)
        assert running.health.ready_report()[0]


async def test_a_stage_that_is_refused_says_why_and_goes_on_once_the_new_files_are_there(
    rotating: SecuredKafka, secrets: Secrets
) -> None:
    await ensure_topics(Brokers(rotating.kafka.bootstrap_servers))
    async with _running(secrets.brokers(rotating)) as running:
        await _goes_through(rotating, 11)
        old, authority = rotating.authority, trustme.CA()
        await _set_password(rotating, "another password")
        await asyncio.to_thread(rotating.change_authority, authority)
        await _told(running, "the broker's certificate is refused: unable to get local issuer certificate")
        secrets.write(old, authority, PASSWORD)
        await _told(running, "TLS: the broker refuses our certificate")
        secrets.write(authority, authority, PASSWORD)
        await _told(running, "authentication failed for user 'alice' by SCRAM-SHA-512")
        assert not running.health.ready_report()[0]
        assert PASSWORD not in str(running.health.why_not())
        secrets.write(authority, authority, "another password")
        await _goes_through(rotating, 12)


async def test_a_client_that_lost_its_connections_opens_others_with_the_new_password(
    rotating: SecuredKafka, secrets: Secrets
) -> None:
    client = Connections(secrets.brokers(rotating), client_id="test")
    try:
        await client.bootstrap()
        node = client.get_random_node()
        await client.send(node, MetadataRequest([]))
        await _set_password(rotating, "another password")
        secrets.write(rotating.authority, rotating.authority, "another password")
        for connection in list(client._conns.values()):
            await connection.close()
        answer = await client.send(node, MetadataRequest([]))
        assert len(answer.brokers) == 1
        assert client.refusals == {}
    finally:
        await client.close()
