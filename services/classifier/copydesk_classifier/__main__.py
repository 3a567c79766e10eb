"""The classifier as a process: ``python -m copydesk_classifier``.

Worker processes import this module again, so what only the service needs is imported where it is used.
"""


def main() -> int:
    """Run until told to stop; returns the exit code. Raises :class:`UserError` for bad settings or a bad taxonomy."""
    from copydesk_classifier.settings import ClassifierSettings
    from copydesk_classifier.stage import stage
    from copydesk_classifier.taxonomy import load_taxonomy
    from copydesk_shared.runner import run_stage_service
    from copydesk_shared.settings import load_settings

    settings = load_settings(ClassifierSettings)
    return run_stage_service(stage(load_taxonomy(settings.taxonomy_dir)), settings, workers=settings.workers)


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main)
