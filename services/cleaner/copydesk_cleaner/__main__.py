"""The cleaner as a process: ``python -m copydesk_cleaner``.

Worker processes import this module again, so what only the service needs is imported where it is used.
"""


def main() -> int:
    """Run until told to stop; returns the exit code. Raises :class:`UserError` for a setting that cannot be used."""
    from copydesk_cleaner.settings import CleanerSettings, operators_rules
    from copydesk_cleaner.stage import stage_with
    from copydesk_shared.runner import run_stage_service
    from copydesk_shared.settings import load_settings

    settings = load_settings(CleanerSettings)
    stage = stage_with(operators_rules(settings))
    return run_stage_service(stage, settings, workers=settings.workers, deadline_seconds=settings.deadline_seconds)


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main)
