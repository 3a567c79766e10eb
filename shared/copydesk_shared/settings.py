"""Settings by environment, declared once per service as a pydantic model with a prefix ``COPYDESK_<SERVICE>_``."""

import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from copydesk_shared.brokers import Brokers, SaslMechanism, Security, SecurityProtocol
from copydesk_shared.credentials import CredentialError, check
from copydesk_shared.errors import SettingsError
from copydesk_shared.secret_files import FieldError
from copydesk_shared.topics import Tier

MAX_PORT = 65535
Port = Annotated[int, Field(ge=0, le=MAX_PORT)]


def check_brokers(value: str) -> str:
    """The value, when it is host:port, comma-separated. Raises ``ValueError``."""
    for broker in value.split(","):
        host, _, port = broker.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
            raise ValueError(f"{broker.strip()!r} is not host:port")
    return value


Secret = Annotated[SecretStr, Field(min_length=1)]


class KafkaSettings(BaseSettings):
    """How to be let in at the brokers; the fields are those of :class:`Security`, with ``kafka_`` in front."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_security_protocol: Annotated[
        SecurityProtocol, Field(description="`plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.")
    ] = SecurityProtocol.PLAINTEXT
    kafka_sasl_mechanism: Annotated[
        SaslMechanism | None, Field(description="`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.")
    ] = None
    kafka_sasl_username: Annotated[str | None, Field(min_length=1, description="User name for SASL.")] = None
    kafka_sasl_password: Annotated[Secret | None, Field(description="Password for SASL.")] = None
    kafka_sasl_password_file: Annotated[
        Path | None, Field(description="File that holds the password instead; read again for each connection.")
    ] = None
    kafka_ssl_ca_file: Annotated[
        Path | None,
        Field(description="PEM file of the authorities that may sign brokers' certificates, instead of the system's."),
    ] = None
    kafka_ssl_cert_file: Annotated[
        Path | None, Field(description="PEM file of our certificate and its chain, for brokers that ask for one.")
    ] = None
    kafka_ssl_key_file: Annotated[Path | None, Field(description="PEM file of the certificate's private key.")] = None
    kafka_ssl_key_password: Annotated[Secret | None, Field(description="Password of that key.")] = None
    kafka_ssl_key_password_file: Annotated[
        Path | None, Field(description="File that holds the password of the key instead.")
    ] = None

    @property
    def kafka_security(self) -> Security:
        """TLS and SASL as the connections take it."""
        return Security(**{each.name: getattr(self, f"kafka_{each.name}") for each in fields(Security)})

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        try:
            check(self.kafka_security)
        except CredentialError as error:
            raise FieldError(f"kafka_{error.field}", str(error)) from None
        return self


class ServiceSettings(KafkaSettings):
    """What every service has. Subclasses set ``env_prefix``."""

    model_config = SettingsConfigDict(env_ignore_empty=False)

    bootstrap_servers: Annotated[str, Field(description="Kafka brokers, host:port, comma-separated.")] = (
        "127.0.0.1:9092"
    )
    health_host: Annotated[str, Field(description="Address of /livez, /readyz and /metrics.")] = "127.0.0.1"
    health_port: Annotated[Port, Field(description="Port of /livez, /readyz and /metrics; 0 takes a free one.")] = 9090
    drain_seconds: Annotated[
        float, Field(gt=0, le=600, description="Time to finish what is in flight when told to stop.")
    ] = 8.0
    stall_seconds: Annotated[
        float, Field(ge=1, description="/livez fails when there is work and none was finished for this long.")
    ] = 120.0
    retry_short_seconds: Annotated[float, Field(gt=0, le=86_400, description="Wait of the short retry tier.")] = 30.0
    retry_medium_seconds: Annotated[float, Field(gt=0, le=86_400, description="Wait of the medium retry tier.")] = 300.0
    retry_long_seconds: Annotated[float, Field(gt=0, le=86_400, description="Wait of the long retry tier.")] = 3_600.0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="What to log.")] = "info"
    traces: Annotated[
        Literal["off", "otlp"],
        Field(description="Send traces by OpenTelemetry; where to is said by OTEL_EXPORTER_OTLP_ENDPOINT."),
    ] = "off"
    log_format: Annotated[Literal["json", "console"], Field(description="How to log.")] = "json"
    instance_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[A-Za-z0-9._-]+$",
            description="Name of this replica in its consumer groups (KIP-345): one that comes back under it "
            "gets its partitions at once. Must differ between replicas.",
        ),
    ] = None
    exit_with_parent: Annotated[bool, Field(description="Stop when standard input is closed (set by copydesk up).")] = (
        False
    )

    @property
    def brokers(self) -> Brokers:
        """The brokers to talk to."""
        return Brokers(self.bootstrap_servers, self.kafka_security)

    @property
    def waits(self) -> Mapping[Tier, float]:
        """Seconds that each retry tier waits."""
        return {
            Tier.SHORT: self.retry_short_seconds,
            Tier.MEDIUM: self.retry_medium_seconds,
            Tier.LONG: self.retry_long_seconds,
        }

    @model_validator(mode="after")
    def _check_waits(self) -> Self:
        for field, shorter in (("retry_medium_seconds", "retry_short"), ("retry_long_seconds", "retry_medium")):
            least = getattr(self, f"{shorter}_seconds")
            if getattr(self, field) < least:
                raise FieldError(field, f"is less than the {least:g} seconds of {shorter}_seconds")
        return self

    @field_validator("bootstrap_servers")
    @classmethod
    def _check_brokers(cls, value: str) -> str:
        return check_brokers(value)


Settings = TypeVar("Settings", bound=BaseSettings)


FAMILY = "COPYDESK_"
LIKE = 0.8  # of one: variables of different programs have their beginning and often their end in common
# What may follow: the programs, each of which looks at its own, and what docker-compose.yml and the tests read.
PROGRAMS = ("FETCHER_", "CLEANER_", "CLASSIFIER_", "API_", "STANDALONE_")
ELSEWHERE = (
    *("SECRETS", "IMAGES", "VERSION", "LOG_LEVEL", "KAFKA_", "POSTGRES_", "PROMETHEUS_", "GRAFANA_"),
    *("REQUIRE", "TEST_", "FAULT", "WRITE_GOLDEN"),
)


def variable_of(model: type[BaseSettings], field: str) -> str:
    """The variable that sets a field."""
    return f"{model.model_config.get('env_prefix', '')}{field}".upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether nobody is to read the value over a shoulder, or in a log."""
    return field.repr is False or SecretStr.__name__ in str(field.annotation)


def refuse_unknown(model: type[BaseSettings], near: AbstractSet[str] = frozenset()) -> None:
    """Raises :class:`SettingsError` for a variable that no program reads, with the one that may be meant.

    That is one of this program, or one of ``near`` for a command that knows those of all of them.
    """
    prefix = variable_of(model, "")
    known = {variable_of(model, name) for name in model.model_fields}
    others = tuple(f"{FAMILY}{each}" for each in (*PROGRAMS, *ELSEWHERE))
    for name in sorted(os.environ):
        spelt = name.upper()
        is_ours = spelt.startswith(prefix) or (spelt.startswith(FAMILY) and not spelt.startswith(others))
        if prefix and is_ours and spelt not in known:
            close = get_close_matches(spelt, known | near, n=1, cutoff=LIKE)
            raise SettingsError(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))


def load_settings(model: type[Settings], **given: object) -> Settings:
    """The settings from the environment, with those given by keyword on top.

    Raises :class:`SettingsError` with one line that names the variable and what is wrong with it.
    """
    refuse_unknown(model)
    try:
        return model(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_explained(model, error)) from None


def _explained(model: type[BaseSettings], error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        return f"{variable_of(model, cause.field)} {cause}"
    field = str(first["loc"][0]) if first["loc"] else ""
    message = first["msg"].removeprefix("Value error, ")
    secret = is_secret(model.model_fields[field]) if field in model.model_fields else not field
    value = "" if secret else f"={str(first.get('input'))[:200]!r}"
    return f"{variable_of(model, field)}{value}: {message[:1].lower()}{message[1:]}"


CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def split_commas(value: object) -> object:
    """For a ``field_validator(mode="before")`` of a :data:`CommaSeparated` setting."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value
