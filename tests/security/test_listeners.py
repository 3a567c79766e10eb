"""Each way to be let in at Apache Kafka, and each way to be refused, in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from copydesk_shared.brokers import Brokers, SaslMechanism, Security, SecurityProtocol
from copydesk_shared.kafka import connect, read_partitions
from copydesk_shared.log import LogError, Outgoing
from tests.brokers import APACHE, Broker, unique
from tests.security.certificates import KEY_PASSWORD, write_authority, write_pair
from tests.security.cluster import LISTENERS, PASSWORD, SecuredKafka

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


def _create_topic(secured: SecuredKafka) -> str:
    topic = unique("secured")
    Broker(APACHE, secured.kafka.bootstrap_servers).create_topics(topic)
    return topic


async def _round_trip(brokers: Brokers, topic: str) -> list[bytes | None]:
    async with connect(brokers, client_id="test", group=None) as log:
        await (await log.send(Outgoing(topic, b"key", b"value")))
    return [record.value for record in await read_partitions(brokers, topic, [0])]


@pytest.mark.parametrize("listener", [name for name in LISTENERS if name != "ELSEWHERE"])
async def test_records_go_through_every_kind_of_listener(listener: str, secured: SecuredKafka) -> None:
    topic = _create_topic(secured)
    assert await _round_trip(secured.brokers(listener), topic) == [b"value"]


async def test_the_key_of_the_certificate_may_be_encrypted(secured: SecuredKafka, tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, secured.authority.issue_cert("copydesk"), KEY_PASSWORD)
    brokers = secured.brokers(
        "MUTUAL", ssl_cert_file=certificate, ssl_key_file=key, ssl_key_password=SecretStr(KEY_PASSWORD)
    )
    assert await _round_trip(brokers, _create_topic(secured)) == [b"value"]


def _wrong_ca(secured: SecuredKafka, folder: Path) -> Brokers:
    return secured.brokers("TLS", ssl_ca_file=write_authority(folder / "other.crt", trustme.CA()))


def _foreign_certificate(secured: SecuredKafka, folder: Path) -> Brokers:
    certificate, key = write_pair(folder, trustme.CA().issue_cert("copydesk"))
    return secured.brokers("MUTUAL", ssl_cert_file=certificate, ssl_key_file=key)


def _no_certificate(secured: SecuredKafka, _folder: Path) -> Brokers:
    return secured.brokers("MUTUAL", ssl_cert_file=None, ssl_key_file=None)


def _wrong_host(secured: SecuredKafka, _folder: Path) -> Brokers:
    return secured.brokers("ELSEWHERE")


def _at(listener: str, **different: object) -> Callable[[SecuredKafka, Path], Brokers]:
    return lambda secured, _folder: secured.brokers(listener, **different)


def _plaintext_at(listener: str) -> Callable[[SecuredKafka, Path], Brokers]:
    return lambda secured, _folder: Brokers(secured.kafka.addresses(listener))


def _tls_at_plaintext(secured: SecuredKafka, _folder: Path) -> Brokers:
    return Brokers(secured.kafka.bootstrap_servers, secured.brokers("TLS").security)


def _sasl_at_plaintext(secured: SecuredKafka, _folder: Path) -> Brokers:
    return Brokers(secured.kafka.bootstrap_servers, secured.brokers("SCRAM256").security)


REFUSED: dict[str, tuple[Callable[[SecuredKafka, Path], Brokers], str]] = {
    "wrong CA": (_wrong_ca, "the broker's certificate is refused: unable to get local issuer certificate"),
    "wrong host": (_wrong_host, "the broker's certificate is refused: IP address mismatch"),
    "no certificate": (_no_certificate, "TLS: the broker refuses us, who show no certificate"),
    "foreign certificate": (_foreign_certificate, "TLS: the broker refuses our certificate"),
    "wrong SCRAM-SHA-512 password": (
        _at("SCRAM512", sasl_password=SecretStr("wr0ng")), "authentication failed for user 'alice' by SCRAM-SHA-512"
    ),
    "wrong SCRAM-SHA-256 password": (
        _at("SCRAM256", sasl_password=SecretStr("wr0ng")), "authentication failed for user 'alice' by SCRAM-SHA-256"
    ),
    "wrong PLAIN password": (
        _at("PLAIN", sasl_password=SecretStr("wr0ng")), "authentication failed for user 'alice' by PLAIN"
    ),
    "unknown user": (_at("SCRAM512", sasl_username="mallory"), "authentication failed for user 'mallory'"),
    "other mechanism": (
        _at("SCRAM512", sasl_mechanism=SaslMechanism.PLAIN), "the broker does not take PLAIN at this listener"
    ),
    "no SASL": (
        _at("SCRAM512", security_protocol=SecurityProtocol.SSL),
        "the broker closed the connection; does this listener take ssl?",
    ),
    "no TLS": (_plaintext_at("TLS"), "the broker closed the connection; does this listener take plaintext?"),
    "TLS where there is none": (_tls_at_plaintext, "does this listener take ssl?"),
    "SASL where there is none": (_sasl_at_plaintext, "the broker does not take SCRAM-SHA-256 at this listener"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_is_one_line_that_says_why(case: str, secured: SecuredKafka, tmp_path: Path) -> None:
    make, words = REFUSED[case]
    with pytest.raises(LogError) as caught:
        async with connect(make(secured, tmp_path), client_id="test"):
            raise AssertionError("let in")
    text = str(caught.value)
    assert words in text
    assert "\n" not in text
    assert "127.0.0.1:" in text
    assert "wr0ng" not in text
    assert PASSWORD not in text


async def test_a_broker_that_is_away_is_told_as_such() -> None:
    brokers = Brokers("127.0.0.1:1", Security())
    with pytest.raises(LogError, match=r"no broker can be used: 127\.0\.0\.1:1: .*Connect call failed"):
        async with connect(brokers, client_id="test"):
            raise AssertionError("let in")
