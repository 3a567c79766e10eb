"""A cleaner for tests that does what the titles of pages say: ``python -m tests.faults.stage_service workers|loop``.

``workers`` handles in worker processes with a deadline, as the cleaner does; ``loop`` on the event loop, without any.
"""

import sys


def main() -> int:
    from copydesk_cleaner.settings import CleanerSettings
    from copydesk_shared.messages import Article, Page
    from copydesk_shared.runner import run_stage_service
    from copydesk_shared.settings import load_settings
    from copydesk_shared.stage import Stage
    from copydesk_shared.topics import CLEANED, FETCHED
    from tests.faults.deeds import handle, handle_on_loop

    settings = load_settings(CleanerSettings)
    stage: Stage[Page, Article]
    if sys.argv[1] == "loop":
        stage = Stage("cleaner", "faults", FETCHED, CLEANED, handle_on_loop)
    else:
        stage = Stage("cleaner", "faults", FETCHED, CLEANED, handle)
    return run_stage_service(stage, settings, workers=settings.workers, deadline_seconds=settings.deadline_seconds)


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main, takes_arguments=True)
