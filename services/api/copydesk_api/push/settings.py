"""The settings of pushing, which are among those of the API."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from copydesk_api.push.engine import Pace
from copydesk_shared.addresses import IPNetwork, read_networks
from copydesk_shared.settings import ServiceSettings

ALLOW_SETTING = "COPYDESK_API_PUSH_ALLOW_NETWORKS"


class PushSettings(ServiceSettings):
    """What can be told about webhooks and WebSub."""

    webhooks: Annotated[
        bool, Field(description="Whether there are webhooks; a key with the scope admin makes them.")
    ] = True
    max_webhooks: Annotated[int, Field(ge=1, le=10_000, description="Webhooks that there may be.")] = 100
    push_allow_networks: Annotated[
        tuple[IPNetwork, ...],
        NoDecode,
        Field(description="Networks that may be pushed to though they are not public, comma-separated."),
    ] = ()
    push_timeout_seconds: Annotated[
        float, Field(gt=0, le=60, description="Time for a receiver to answer; Standard Webhooks recommends 15 to 30.")
    ] = 20.0
    push_concurrency: Annotated[
        int, Field(ge=1, le=500, description="Receivers that a replica delivers to at a time, one request each.")
    ] = 16
    push_give_up_days: Annotated[
        float, Field(gt=0, le=365, description="A receiver is disabled when it has failed for so many days on end.")
    ] = 5.0
    push_log_days: Annotated[float, Field(gt=0, le=365, description="How long the log of deliveries is kept.")] = 7.0
    push_log_kept: Annotated[
        int, Field(ge=1, le=100_000, description="How many deliveries of each receiver the log keeps at most.")
    ] = 1000

    websub_hub: Annotated[
        bool, Field(description="Whether feeds have a WebSub hub, which anybody may subscribe at; needs a base URL.")
    ] = False
    websub_lease_seconds: Annotated[
        int,
        Field(ge=300, le=31_536_000, description="Longest lease of a subscription, given where none is asked for."),
    ] = 864_000
    websub_subscriptions: Annotated[int, Field(ge=1, le=100_000, description="Subscriptions that there may be.")] = 1000
    websub_subscriptions_per_host: Annotated[
        int, Field(ge=1, le=100_000, description="Subscriptions that may lead to one host.")
    ] = 20

    _networks = field_validator("push_allow_networks", mode="before")(read_networks)

    @property
    def pace(self) -> Pace:
        """How quickly, how often and how long."""
        return Pace(
            timeout=self.push_timeout_seconds,
            concurrency=self.push_concurrency,
            give_up_days=self.push_give_up_days,
            log_days=self.push_log_days,
        )
