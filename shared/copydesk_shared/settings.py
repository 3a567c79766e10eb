"""Settings by environment, declared once per service as a pydantic model with a prefix ``COPYDESK_<SERVICE>_``."""

import os
from difflib import get_close_matches
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from copydesk_shared.errors import SettingsError

MAX_PORT = 65535
Port = Annotated[int, Field(ge=0, le=MAX_PORT)]


def check_brokers(value: str) -> str:
    """The value, when it is host:port, comma-separated. Raises ``ValueError``."""
    for broker in value.split(","):
        host, _, port = broker.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
            raise ValueError(f"{broker.strip()!r} is not host:port")
    return value


class ServiceSettings(BaseSettings):
    """What every service has. Subclasses set ``env_prefix``."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    bootstrap_servers: Annotated[str, Field(description="Kafka brokers, host:port, comma-separated.")] = (
        "127.0.0.1:9092"
    )
    health_host: Annotated[str, Field(description="Address of /livez, /readyz and /metrics.")] = "127.0.0.1"
    health_port: Annotated[Port, Field(description="Port of /livez, /readyz and /metrics; 0 takes a free one.")] = 9090
    drain_seconds: Annotated[
        float, Field(gt=0, le=600, description="Time to finish what is in flight when told to stop.")
    ] = 8.0
    stall_seconds: Annotated[
        float, Field(ge=1, description="/livez fails when the loop made no progress for this long.")
    ] = 60.0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="What to log.")] = "info"
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

    @field_validator("bootstrap_servers")
    @classmethod
    def _brokers(cls, value: str) -> str:
        return check_brokers(value)


Settings = TypeVar("Settings", bound=BaseSettings)


def _variable(model: type[BaseSettings], field: str) -> str:
    return f"{model.model_config.get('env_prefix', '')}{field}".upper()


def _refuse_unknown(model: type[BaseSettings]) -> None:
    prefix = str(model.model_config.get("env_prefix", "")).upper()
    known = {_variable(model, name) for name in model.model_fields}
    for name in sorted(os.environ):
        if prefix and name.upper().startswith(prefix) and name.upper() not in known:
            close = get_close_matches(name.upper(), known, n=1)
            raise SettingsError(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))


def load_settings(model: type[Settings], **given: object) -> Settings:
    """The settings from the environment, with those given by keyword on top.

    Raises :class:`SettingsError` with one line that names the variable and what is wrong with it.
    """
    _refuse_unknown(model)
    try:
        return model(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        message = first["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"{_variable(model, field)}={str(first.get('input'))[:200]!r}: {message[:1].lower()}{message[1:]}"
        ) from None


CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def split_commas(value: object) -> object:
    """For a ``field_validator(mode="before")`` of a :data:`CommaSeparated` setting."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value
