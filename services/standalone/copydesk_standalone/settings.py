"""What a standalone run can be told, by option or by environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from copydesk_shared.settings import Port, check_brokers

FsyncPolicy = Literal["never", "interval", "always"]


class StandaloneSettings(BaseSettings):
    """Settings of ``copydesk up`` and ``copydesk demo``; an option on the command line wins over the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="COPYDESK_STANDALONE_")

    feeds: Annotated[Path | None, Field(description="The feeds file.")] = None
    data_dir: Annotated[Path, Field(description="Where the broker and the store keep their data.")] = Path(
        "copydesk-data"
    )
    api_port: Annotated[Port, Field(ge=1, description="Port of the REST feed and the web page.")] = 8080
    kafka_port: Annotated[Port, Field(ge=1, description="Port of the embedded broker.")] = 9092
    bootstrap_servers: Annotated[
        str | None, Field(description="Apache Kafka to use instead of the embedded broker.")
    ] = None
    database_url: Annotated[str | None, Field(description="Database to use instead of SQLite.")] = None
    fsync: Annotated[
        FsyncPolicy, Field(description="When the embedded broker forces its disk: `never`, `interval` or `always`.")
    ] = "never"
    verbose: Annotated[bool, Field(description="Show what the services log.")] = False

    @field_validator("bootstrap_servers")
    @classmethod
    def _brokers(cls, value: str | None) -> str | None:
        return check_brokers(value) if value is not None else None

    @field_validator("data_dir", mode="before")
    @classmethod
    def _data_dir(cls, value: object) -> object:
        if not str(value).strip():
            raise ValueError("name a folder")
        return value
