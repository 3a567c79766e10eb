"""What a standalone run can be told, by option or by environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from copydesk_shared.settings import Port


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
    verbose: Annotated[bool, Field(description="Show what the services log.")] = False
