"""The classifier's settings."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from copydesk_shared.settings import ServiceSettings


class ClassifierSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="COPYDESK_CLASSIFIER_")

    taxonomy_dir: Annotated[
        Path | None, Field(description="Folder of tag files (*.yaml); without it the tags that come with the package.")
    ] = None
    workers: Annotated[int, Field(ge=1, le=256, description="Worker processes.")] = 1
