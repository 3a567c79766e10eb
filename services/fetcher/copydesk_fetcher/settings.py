"""The settings of the fetcher, by environment: ``COPYDESK_FETCHER_...``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from copydesk_shared.addresses import IPNetwork, read_networks
from copydesk_shared.secret_files import from_file
from copydesk_shared.settings import ServiceSettings

ALLOW_SETTING = "COPYDESK_FETCHER_ALLOW_NETWORKS"
DEFAULT_USER_AGENT = "copydesk/0.1 (+https://copydesk.example/contact)"
MIB = 1024 * 1024
Bytes = Annotated[int, Field(ge=1024, le=64 * MIB)]
Policy = Literal["obey", "record", "skip"]
Seconds = Annotated[float, Field(gt=0, le=600)]


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
            description="Who asks: a name, and a URL or mail address of yours; without one nothing starts.",
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
    longest_delay_seconds: Annotated[
        Seconds, Field(description="Longest Crawl-delay of a robots.txt that is waited for between two requests.")
    ] = 60.0
    host_queue: Annotated[
        int, Field(ge=1, le=1000, description="Entries of one domain that wait in memory; more wait in a retry topic.")
    ] = 500
    shortest_interval_seconds: Annotated[
        Seconds, Field(description="Least time between two polls of a feed whose interval adapts.")
    ] = 300.0
    longest_interval_seconds: Annotated[
        float, Field(ge=1, le=604_800, description="Most time between two polls of a feed whose interval adapts.")
    ] = 21_600.0
    robots: Annotated[
        Policy, Field(description="robots.txt and X-Robots-Tag: obey them, record what they say, or skip them.")
    ] = "obey"
    reservations: Annotated[
        Policy,
        Field(description="Reservations of text and data mining (TDMRep, noai): obey them, record them, or skip them."),
    ] = "record"
    websub_url: Annotated[
        str, Field(description="Where hubs reach this service from the internet; empty: no WebSub.")
    ] = ""
    websub_host: Annotated[str, Field(description="Address to listen on for hubs.")] = "0.0.0.0"  # noqa: S104 - a pod's
    websub_port: Annotated[int, Field(ge=0, le=65_535, description="Port to listen on for hubs.")] = 8090
    websub_secret: Annotated[
        SecretStr | None, Field(description="Secret that all replicas share: what signs subscriptions is made of it.")
    ] = None
    websub_secret_file: Annotated[
        Path | None, Field(description="File that holds that secret instead; read at start.")
    ] = None
    websub_lease_seconds: Annotated[
        int, Field(ge=300, le=31_536_000, description="How long a subscription is asked for.")
    ] = 604_800
    concurrency: Annotated[int, Field(ge=1, le=1000, description="Downloads at a time, all domains together.")] = 32
    poll_concurrency: Annotated[int, Field(ge=1, le=1000, description="Feeds polled at a time.")] = 16
    max_in_flight: Annotated[
        int, Field(ge=1, le=10_000, description="Entries taken from the log at a time; most of them wait their turn.")
    ] = 2048

    _websub_secret = model_validator(mode="before")(from_file("websub_secret", "secret"))

    @field_validator("feeds_file", mode="before")
    @classmethod
    def _no_file(cls, value: object) -> object:
        return None if value == "" else value

    _networks = field_validator("allow_networks", mode="before")(read_networks)
