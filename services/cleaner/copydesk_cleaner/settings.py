"""Settings of the cleaner, from the environment."""

import os
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from copydesk_shared.settings import ServiceSettings


class CleanerSettings(ServiceSettings):
    """``COPYDESK_CLEANER_...``; what a page becomes does not depend on any of them."""

    model_config = SettingsConfigDict(env_prefix="COPYDESK_CLEANER_")

    workers: Annotated[int, Field(ge=1, le=256, description="Worker processes that clean pages.")] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    deadline_seconds: Annotated[
        float, Field(gt=0, le=600, description="Time for one page before its worker is killed.")
    ] = 30.0
