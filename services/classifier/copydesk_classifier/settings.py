"""The classifier's settings."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from copydesk_shared.settings import ServiceSettings
from copydesk_shared.topics import CLASSIFIED_SHADOW


class ClassifierSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="COPYDESK_CLASSIFIER_")

    taxonomy_dir: Annotated[
        Path | None, Field(description="Folder of tag files (*.yaml); without it the tags that come with the package.")
    ] = None
    taxonomy_check_seconds: Annotated[
        float, Field(ge=0.1, le=3600, description="How often that folder is looked at for changes.")
    ] = 5.0
    shadow_taxonomy: Annotated[
        Path | None,
        Field(
            description=f"Folder of tag files on trial: their tags go to `{CLASSIFIED_SHADOW.name}`, and how they "
            "differ is counted. Empty for none."
        ),
    ] = None
    workers: Annotated[int, Field(ge=1, le=256, description="Worker processes.")] = 1

    @field_validator("shadow_taxonomy", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value
