"""Credentials that change while clients are connected, and a whole stage that reads and writes over SASL_SSL."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from aiokafka.protocol.metadata import MetadataRequest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from pydantic import SecretStr

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.kafka.connections import Connections, failure
from tests.security.certificates import write_authority, write_pair
from tests.security.cluster import PASSWORD, USER, SecuredKafka, prepare
from tests.security.stages import PATIENCE_SECONDS, goes_through, running_over, told

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


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


async def test_a_stage_reads_and_writes_over_sasl_ssl_while_everything_is_rotated(
    rotating: SecuredKafka, secrets: Secrets
) -> None:
    await ensure_topics(Brokers(rotating.kafka.bootstrap_servers))
    async with running_over(secrets.brokers(rotating)) as running:
        await goes_through(rotating, 1)
        authority = trustme.CA()
        secrets.write(authority, authority, "another password")
        await _set_password(rotating, "another password")
        await asyncio.to_thread(rotating.change_authority, authority)
        await goes_through(rotating, 2)
        assert running.health.ready_report()[0]


async def test_a_stage_that_is_refused_says_why_and_goes_on_once_the_new_files_are_there(
    rotating: SecuredKafka, secrets: Secrets
) -> None:
    await ensure_topics(Brokers(rotating.kafka.bootstrap_servers))
    async with running_over(secrets.brokers(rotating)) as running:
        await goes_through(rotating, 11)
        old, authority = rotating.authority, trustme.CA()
        await _set_password(rotating, "another password")
        await asyncio.to_thread(rotating.change_authority, authority)
        await told(running, "the broker's certificate is refused: unable to get local issuer certificate")
        secrets.write(old, authority, PASSWORD)
        await told(running, "TLS: the broker refuses our certificate")
        secrets.write(authority, authority, PASSWORD)
        await told(running, "authentication failed for user 'alice' by SCRAM-SHA-512")
        assert not running.health.ready_report()[0]
        assert PASSWORD not in str(running.health.why_not())
        secrets.write(authority, authority, "another password")
        await goes_through(rotating, 12)


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
