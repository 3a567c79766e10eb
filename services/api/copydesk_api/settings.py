"""Settings of the API service."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from copydesk_api.push.settings import PushSettings
from copydesk_api.rates import parse_rate
from copydesk_api.writing import Keep
from copydesk_shared.secret_files import FieldError, from_file
from copydesk_shared.settings import CommaSeparated, Port, split_commas


def _rate(value: str) -> str:
    parse_rate(value)
    return value


RateSetting = Annotated[str, AfterValidator(_rate)]
# RFC 6454 section 6.2, as far as the web uses it.
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


class ApiSettings(PushSettings):
    """Environment prefix ``COPYDESK_API_``."""

    model_config = SettingsConfigDict(env_prefix="COPYDESK_API_")

    host: Annotated[str, Field(min_length=1, description="Address of the REST feed and the web page.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port of the REST feed and the web page; 0 takes a free one.")] = 8080
    # Checked where the store is opened: a complaint made here would print the value, and a password stands in it.
    database_url: Annotated[
        str, Field(repr=False, description="sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.")
    ] = "sqlite:///copydesk.db"
    database_url_file: Annotated[
        Path | None, Field(description="File that holds the database URL instead; read at start.")
    ] = None
    base_url: Annotated[
        str | None, Field(description="Public address of the service, for feed.json; empty: taken from the request.")
    ] = None

    max_waiting: Annotated[
        int, Field(ge=1, description="Clients that may follow the stream or wait for changes at a time, per replica.")
    ] = 1000
    max_waiting_key: Annotated[int, Field(ge=1, description="How many of them may have one and the same key.")] = 100
    max_waiting_address: Annotated[
        int, Field(ge=1, description="How many of them may come from one address without a key.")
    ] = 100
    heartbeat_seconds: Annotated[
        float, Field(gt=0, le=300, description="Longest silence on the stream, so that proxies keep it open.")
    ] = 15.0

    cors_origins: Annotated[
        CommaSeparated,
        Field(description="Sites whose scripts may read the feed, comma-separated; * for all of them; empty for none."),
    ] = ()

    read_access: Annotated[
        Literal["open", "key"],
        Field(description="Who may read: `open` is everybody; with `key` every reader needs an API key."),
    ] = "open"
    admin_key: Annotated[
        SecretStr | None,
        Field(min_length=32, description="A secret that counts as an API key with the scope admin, for the first one."),
    ] = None
    admin_key_file: Annotated[Path | None, Field(description="File that holds it instead; read at start.")] = None
    rate_key: Annotated[
        RateSetting, Field(description="Requests that a key may make at most, such as 600/1m, per replica; or off.")
    ] = "12000/1m"
    rate_address: Annotated[
        RateSetting, Field(description="The same for an address, of all requests without a key together.")
    ] = "3000/1m"
    trusted_proxies: Annotated[
        CommaSeparated,
        Field(description="Addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed."),
    ] = ("127.0.0.1", "::1")
    body_bytes: Annotated[
        int,
        Field(ge=1024, le=64 * 1024 * 1024, description="Largest body of a submitted article or an OPML file."),
    ] = 8 * 1024 * 1024
    answer_bytes: Annotated[
        int,
        Field(
            ge=0,
            le=1024 * 1024 * 1024,
            description="Memory for answers to give again, for a second and while nothing has changed, to those who "
            "ask the same; 0 for none.",
        ),
    ] = 16 * 1024 * 1024
    session_hours: Annotated[
        float, Field(gt=0, le=24 * 30, description="How long a browser stays signed in with a key.")
    ] = 12.0

    migrate: Annotated[
        Literal["auto", "always", "never"],
        Field(
            description="Whether the service migrates the database when it starts, or waits until `copydesk-api "
            "migrate` has: `auto` migrates SQLite only."
        ),
    ] = "auto"

    retention_days: Annotated[
        int | None, Field(ge=1, description="Articles are removed so many days after they were fetched; none: never.")
    ] = None
    revisions_kept: Annotated[
        int, Field(ge=0, le=1000, description="How many earlier revisions of each article are kept.")
    ] = 20

    _database_url = model_validator(mode="before")(from_file("database_url", "database URL"))

    _admin_key = model_validator(mode="before")(from_file("admin_key", "admin key"))

    _cors_split = field_validator("cors_origins", mode="before")(split_commas)

    _proxies_split = field_validator("trusted_proxies", mode="before")(split_commas)

    @field_validator("trusted_proxies")
    @classmethod
    def _known_proxies(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            ip_network(value)
        return values

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value != "*" and not ORIGIN.fullmatch(value):
                raise ValueError(f"{value!r} is not an origin such as https://example.org, nor *")
        return values

    @property
    def keep(self) -> Keep:
        """How much the store keeps."""
        return Keep(self.revisions_kept, self.retention_days)

    @model_validator(mode="after")
    def _hub_is_somewhere(self) -> Self:
        if self.websub_hub and self.base_url is None:
            raise FieldError("websub_hub", "needs COPYDESK_API_BASE_URL: subscribers know feeds by their addresses")
        return self

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str | None) -> str | None:
        if not value:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must start with http:// or https://")
        return value.rstrip("/")
