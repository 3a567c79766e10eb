"""The cleaner as a service: ``python -m copydesk_cleaner``."""

import sys

from copydesk_cleaner.settings import CleanerSettings
from copydesk_cleaner.stage import STAGE
from copydesk_shared.errors import UserError
from copydesk_shared.runner import run_stage_service
from copydesk_shared.settings import load_settings


def main() -> int:
    """Run until told to stop. Returns the exit code: 2 for a setting that cannot be used."""
    try:
        settings = load_settings(CleanerSettings)
        return run_stage_service(STAGE, settings, workers=settings.workers, deadline_seconds=settings.deadline_seconds)
    except UserError as error:
        sys.stderr.write(f"copydesk-cleaner: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
