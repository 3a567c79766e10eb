"""Settings of the API service."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from copydesk_shared.settings import Port, ServiceSettings


class ApiSettings(ServiceSettings):
    """Environment prefix ``COPYDESK_API_``."""

    model_config = SettingsConfigDict(env_prefix="COPYDESK_API_")

    host: Annotated[str, Field(min_length=1, description="Address of the REST feed and the web page.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port of the REST feed and the web page; 0 takes a free one.")] = 8080
    # Checked where the store is opened: a complaint made here would print the value, and a password stands in it.
    database_url: Annotated[
        str, Field(repr=False, description="sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.")
    ] = "sqlite:///copydesk.db"
    base_url: Annotated[
        str | None, Field(description="Public address of the service, for feed.json; empty: taken from the request.")
    ] = None

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str | None) -> str | None:
        if not value:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must start with http:// or https://")
        return value.rstrip("/")
