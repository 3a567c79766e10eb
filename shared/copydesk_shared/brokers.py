"""Which brokers to talk to, and how: one value that every function which opens a connection takes."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr


class SecurityProtocol(StrEnum):
    """How a listener of Apache Kafka is secured (``security.protocol``)."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How to say who we are: RFC 4616 and RFC 5802."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Security:
    """TLS and SASL. ``repr`` and ``str`` hold no secret; the files are read by :mod:`copydesk_shared.credentials`."""

    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    sasl_mechanism: SaslMechanism | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = None
    ssl_ca_file: Path | None = None
    ssl_cert_file: Path | None = None
    ssl_key_file: Path | None = None
    ssl_key_password: SecretStr | None = None
    ssl_key_password_file: Path | None = None

    @property
    def encrypted(self) -> bool:
        """Whether connections use TLS."""
        return self.security_protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def authenticated(self) -> bool:
        """Whether connections use SASL."""
        return self.security_protocol in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


@dataclass(frozen=True, slots=True)
class Brokers:
    """The bootstrap servers (host:port, comma-separated) and how to be let in."""

    servers: str
    security: Security = field(default=Security())

    def __str__(self) -> str:
        return self.servers
