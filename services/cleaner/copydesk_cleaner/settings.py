"""Settings of the cleaner, from the environment."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from copydesk_cleaner.rulebook.files import Source
from copydesk_shared.errors import InputError, SettingsError
from copydesk_shared.settings import ServiceSettings


class CleanerSettings(ServiceSettings):
    """``COPYDESK_CLEANER_...``; of them only ``rules`` has a say in what a page becomes."""

    model_config = SettingsConfigDict(env_prefix="COPYDESK_CLEANER_")

    workers: Annotated[int, Field(ge=1, le=256, description="Worker processes that clean pages.")] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    deadline_seconds: Annotated[
        float, Field(gt=0, le=600, description="Time for one page before its worker is killed.")
    ] = 30.0
    rules: Annotated[
        Path | None,
        BeforeValidator(lambda value: value or None),  # set and empty: Compose's ${NAME:-}
        Field(description="Folder of further rule files, read at start; their digest is in each cleaner_version."),
    ] = None


def operators_rules(settings: CleanerSettings) -> tuple[Source, ...]:
    """The operator's rule files. Raises :class:`SettingsError` with file and line when one cannot be used."""
    if settings.rules is None:
        return ()
    from copydesk_cleaner.rulebook.operators import checked_folder

    try:
        return checked_folder(settings.rules)
    except InputError as error:
        raise SettingsError(f"COPYDESK_CLEANER_RULES: {error}") from None
