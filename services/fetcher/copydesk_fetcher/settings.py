"""The settings of the fetcher, by environment: ``COPYDESK_FETCHER_...``."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from copydesk_shared.settings import ServiceSettings, split_commas

IPNetwork = IPv4Network | IPv6Network
DEFAULT_USER_AGENT = "copydesk/0.1 (+https://copydesk.example/contact)"
MIB = 1024 * 1024
Bytes = Annotated[int, Field(ge=1024, le=64 * MIB)]
Seconds = Annotated[float, Field(gt=0, le=600)]


def _network(text: str) -> IPNetwork:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a network such as 10.0.0.0/8 or ::1/128") from None


class FetcherSettings(ServiceSettings):
    """What the fetcher can be told."""

    model_config = SettingsConfigDict(env_prefix="COPYDESK_FETCHER_")

    feeds_file: Annotated[
        Path | None, Field(description="feeds.yaml to bring into the feeds topic when the service starts.")
    ] = None
    allow_networks: Annotated[
        tuple[IPNetwork, ...],
        NoDecode,
        Field(description="Networks that may be fetched from though they are not public, comma-separated."),
    ] = ()
    user_agent: Annotated[
        str,
        Field(
            min_length=1, max_length=200, pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
            description="Who asks: a name and where to complain.",
        ),
    ] = DEFAULT_USER_AGENT  # fmt: skip
    connect_seconds: Annotated[Seconds, Field(description="Time to find the host and connect to it.")] = 10.0
    read_seconds: Annotated[Seconds, Field(description="Longest silence of a server.")] = 15.0
    total_seconds: Annotated[Seconds, Field(description="Time for a whole answer, redirects included.")] = 30.0
    redirects: Annotated[int, Field(ge=0, le=20, description="Redirects followed for one request.")] = 5
    page_bytes: Annotated[Bytes, Field(description="Largest page, after decompression.")] = 3 * MIB
    feed_bytes: Annotated[Bytes, Field(description="Largest feed, after decompression.")] = 10 * MIB
    feed_entries: Annotated[int, Field(ge=1, le=10_000, description="Entries read of one feed, from its start.")] = 1000
    parse_seconds: Annotated[Seconds, Field(description="Time to parse one feed.")] = 20.0
    per_host_concurrency: Annotated[int, Field(ge=1, le=64, description="Requests to one domain at a time.")] = 2
    per_host_delay_seconds: Annotated[
        float, Field(ge=0, le=600, description="Least time between the starts of two requests to one domain.")
    ] = 0.5
    concurrency: Annotated[int, Field(ge=1, le=1000, description="Downloads at a time, all domains together.")] = 32
    poll_concurrency: Annotated[int, Field(ge=1, le=1000, description="Feeds polled at a time.")] = 16
    max_in_flight: Annotated[
        int, Field(ge=1, le=10_000, description="Entries taken from the log at a time; most of them wait their turn.")
    ] = 256

    @field_validator("feeds_file", mode="before")
    @classmethod
    def _no_file(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        parts = split_commas(value)
        return tuple(_network(part) if isinstance(part, str) else part for part in parts) if parts else ()  # type: ignore[attr-defined]
