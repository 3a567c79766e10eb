"""The classifier as a process: ``python -m copydesk_classifier``.

Worker processes import this module again, so what only the service needs is imported where it is used.
"""


def main() -> int:
    """Run until told to stop; returns the exit code. Raises :class:`UserError` for bad settings or a bad taxonomy."""
    from copydesk_classifier.folder import read_folder
    from copydesk_classifier.reload import Watcher, renewals_of
    from copydesk_classifier.settings import ClassifierSettings
    from copydesk_classifier.shadow_run import shadow_loop
    from copydesk_classifier.stage import stage
    from copydesk_classifier.taxonomy import PACKAGED, taxonomy_of
    from copydesk_shared.runner import run_stage_service
    from copydesk_shared.service import Loop
    from copydesk_shared.settings import load_settings

    settings = load_settings(ClassifierSettings)
    folder = read_folder(settings.taxonomy_dir or PACKAGED)
    taxonomy = taxonomy_of(folder)
    renewals = None
    if settings.taxonomy_dir is not None:
        watcher = Watcher(folder, taxonomy.version)
        renewals = renewals_of(watcher, stage, settings.taxonomy_check_seconds)
    others: tuple[Loop, ...] = ()
    if settings.shadow_taxonomy is not None:
        others = (shadow_loop(settings, folder, taxonomy, read_folder(settings.shadow_taxonomy)),)
    return run_stage_service(stage(taxonomy), settings, workers=settings.workers, renewals=renewals, others=others)


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main)
