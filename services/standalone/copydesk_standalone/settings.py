"""What a standalone run can be told, by option or by environment."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from copydesk_shared.brokers import Brokers, Security
from copydesk_shared.errors import SettingsError
from copydesk_shared.secret_files import FieldError, from_file
from copydesk_shared.settings import KafkaSettings, Port, check_brokers, load_settings

PREFIX = "COPYDESK_STANDALONE_"
EMBEDDED_HOST = "127.0.0.1"
FsyncPolicy = Literal["never", "interval", "always"]


class StandaloneSettings(KafkaSettings):
    """Settings of ``copydesk up`` and ``copydesk demo``; an option on the command line wins over the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    feeds: Annotated[Path | None, Field(description="The feeds file.")] = None
    data_dir: Annotated[Path, Field(description="Where the broker and the store keep their data.")] = Path(
        "copydesk-data"
    )
    api_port: Annotated[Port, Field(ge=1, description="Port of the REST feed and the web page.")] = 8080
    kafka_port: Annotated[Port, Field(ge=1, description="Port of the embedded broker.")] = 9092
    bootstrap_servers: Annotated[
        str | None, Field(description="Apache Kafka to use instead of the embedded broker.")
    ] = None
    database_url: Annotated[str | None, Field(repr=False, description="Database to use instead of SQLite.")] = None
    database_url_file: Annotated[
        Path | None, Field(description="File that holds the database URL instead; read at start.")
    ] = None
    fsync: Annotated[
        FsyncPolicy, Field(description="When the embedded broker forces its disk: `never`, `interval` or `always`.")
    ] = "never"
    verbose: Annotated[bool, Field(description="Show what the services log.")] = False

    _database_url = model_validator(mode="before")(from_file("database_url", "database URL"))

    @property
    def brokers(self) -> Brokers:
        """The brokers to talk to: those named, or the embedded one."""
        return Brokers(self.bootstrap_servers or f"{EMBEDDED_HOST}:{self.kafka_port}", self.kafka_security)

    @property
    def store_url(self) -> str:
        """The database of the API: that named, or SQLite in the data dir."""
        return self.database_url or f"sqlite:///{self.data_dir.expanduser().resolve()}/copydesk.db"

    @model_validator(mode="after")
    def _check_embedded(self) -> Self:
        if self.bootstrap_servers is None and self.kafka_security != Security():
            raise FieldError(
                "kafka_security_protocol",
                "is for the brokers in BOOTSTRAP_SERVERS, which is not set: the embedded broker listens on loopback "
                "only and has neither TLS nor SASL",
            )
        return self

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


def settings_of(**options: object) -> StandaloneSettings:
    """The settings from the environment, with the options on top that were given (are not ``None``).

    Raises :class:`SettingsError` with one line that names the option, or the variable, and what is wrong with it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return load_settings(StandaloneSettings, **given)
    except SettingsError as error:
        variable, mark, rest = str(error).partition("=")
        name = variable.removeprefix(PREFIX).lower()
        if not mark or name not in given:
            raise
        raise SettingsError(f"--{name.replace('_', '-')}={rest}") from None
