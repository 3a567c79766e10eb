"""Apache Kafka with a listener for each way to be let in, and certificates of an authority of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme
from pydantic import SecretStr

from copydesk_shared.brokers import Brokers, SaslMechanism, Security, SecurityProtocol
from tests.security.certificates import write_authority, write_keystore, write_pair
from tools.apache_kafka import ApacheKafka

USER = "alice"  # may do everything
SERVICE_USER = "the-cleaner"  # may do what it is given a right to
PASSWORD = "the password of alice"
LOOPBACK = "127.0.0.1"
# Listener: its protocol, its SASL mechanism, what else is set for it.
LISTENERS: Mapping[str, tuple[str, SaslMechanism | None, Mapping[str, str]]] = {
    "TLS": ("SSL", None, {}),
    "MUTUAL": ("SSL", None, {"ssl.client.auth": "required"}),
    "ELSEWHERE": ("SSL", None, {}),
    "SCRAM512": ("SASL_SSL", SaslMechanism.SCRAM_SHA_512, {}),
    "SCRAM256": ("SASL_PLAINTEXT", SaslMechanism.SCRAM_SHA_256, {}),
    "BOTH": ("SASL_SSL", SaslMechanism.SCRAM_SHA_512, {"ssl.client.auth": "required"}),
    "PLAIN": ("SASL_SSL", SaslMechanism.PLAIN, {}),
}
# Whoever comes without a name is the test itself; every certificate is that of the user who may do everything.
RIGHTS = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:ANONYMOUS;User:{USER}",
    "ssl.principal.mapping.rules": f"RULE:^.*$/{USER}/",
}
SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PLAIN_LOGIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'


def _listener_config(name: str, keystore: Path, truststore: Path) -> dict[str, str]:
    protocol, mechanism, extra = LISTENERS[name]
    config = dict(extra)
    if protocol.endswith("SSL"):
        config |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore)}
        config |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(truststore)}
    if mechanism:
        login = PLAIN_LOGIN if mechanism is SaslMechanism.PLAIN else SCRAM_LOGIN
        config |= {"sasl.enabled.mechanisms": mechanism, f"{mechanism.lower()}.sasl.jaas.config": login}
    return {f"listener.name.{name.lower()}.{key}": value for key, value in config.items()}


def scram_users() -> list[str]:
    """The users as ``kafka-storage format`` creates it."""
    mechanisms = [mechanism for mechanism in SaslMechanism if "SCRAM" in mechanism]
    return [
        f"{mechanism}=[name={user},password={PASSWORD}]" for mechanism in mechanisms for user in (USER, SERVICE_USER)
    ]


@dataclass
class SecuredKafka:
    """A cluster that runs, and the files that open it."""

    kafka: ApacheKafka
    folder: Path
    authority: trustme.CA

    @property
    def ca_file(self) -> Path:
        """The authority that signed the brokers' certificates, and whose certificates they take."""
        return self.folder / "ca.crt"

    def change_authority(self, authority: trustme.CA) -> None:
        """Start again with a certificate of another authority, and trust no client but those with one of it."""
        self.authority = authority
        write_server_files(self.folder, authority)
        self.kafka.stop()
        self.kafka.start()

    def pair(self) -> tuple[Path, Path]:
        """A certificate that the brokers take, and its key."""
        return write_pair(self.folder / "client", self.authority.issue_cert("copydesk"))

    def brokers(self, listener: str, **different: object) -> Brokers:
        """How to be let in at a listener, with settings that are different."""
        protocol, mechanism, extra = LISTENERS[listener]
        fields: dict[str, object] = {"security_protocol": SecurityProtocol(protocol.lower())}
        if protocol.endswith("SSL"):
            fields["ssl_ca_file"] = self.ca_file
        if extra:
            fields["ssl_cert_file"], fields["ssl_key_file"] = self.pair()
        if mechanism:
            fields |= {"sasl_mechanism": mechanism, "sasl_username": USER, "sasl_password": SecretStr(PASSWORD)}
        return Brokers(self.kafka.addresses(listener), Security(**(fields | different)))  # type: ignore[arg-type]


def write_server_files(folder: Path, authority: trustme.CA) -> tuple[Path, Path]:
    """The broker's key with a certificate of this authority, and whom it trusts; it reads them when it starts."""
    keystore = write_keystore(folder / "server.pem", authority.issue_cert(LOOPBACK))
    return keystore, write_authority(folder / "ca.crt", authority)


def prepare(folder: Path) -> SecuredKafka:
    """A cluster that is yet to be started, with its certificates written."""
    authority = trustme.CA()
    here, truststore = write_server_files(folder, authority)
    elsewhere = write_keystore(folder / "elsewhere.pem", authority.issue_cert("kafka.example.com"))
    server = dict(RIGHTS)
    for name in LISTENERS:
        server |= _listener_config(name, elsewhere if name == "ELSEWHERE" else here, truststore)
    kafka = ApacheKafka(
        folder / "kafka",
        config=server,
        listeners={name: protocol for name, (protocol, *_) in LISTENERS.items()},
        scram=scram_users(),
    )
    return SecuredKafka(kafka, folder, authority)
