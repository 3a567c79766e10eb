"""The classifier service: ``python -m copydesk_classifier``."""

from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.stage import stage
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.runner import run_stage_service
from copydesk_shared.service import run_main
from copydesk_shared.settings import load_settings


def main() -> int:
    """Run until told to stop. Raises :class:`copydesk_shared.errors.UserError` for bad settings or a bad taxonomy."""
    settings = load_settings(ClassifierSettings)
    return run_stage_service(stage(load_taxonomy(settings.taxonomy_dir)), settings, workers=settings.workers)


if __name__ == "__main__":
    run_main(main)
