"""A cleaner that does what the title of a page says: ``python -m tests.faults.stage_service workers|loop``.

``workers`` handles in worker processes with a deadline, as the cleaner does; ``loop`` on the event loop, without any.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from copydesk_shared.errors import DeadLetterReason, DropReason, Poison, Retryable, RetryClass
from copydesk_shared.messages import Article, Page
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.topics import CLEANED, FETCHED, MAX_MESSAGE_BYTES

EMIT, DROP, FAIL, FAIL_ONCE, POISON, BUG, HUGE, DIE, HANG, SLOW = (
    "emit", "drop", "fail", "fail-once", "poison", "bug", "huge", "die", "hang", "slow"
)  # fmt: skip
MARKS = "COPYDESK_FAULTS_MARKS"
SLOW_SECONDS = 0.05


def article_of(page: Page, text: str) -> Article:
    return Article(
        article_id=page.article_id, revision=page.revision, url=page.url, canonical_url=page.canonical_url,
        source=page.source, title=page.entry_title, fetched_at=page.fetched_at, language="en", paragraphs=(text,),
        word_count=1, content_hash="0" * 64, simhash="0" * 16, cleaner_version="faults",
    )  # fmt: skip


def _is_first_time(page: Page) -> bool:
    try:
        (Path(os.environ[MARKS]) / page.article_id).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def handle(page: Page) -> Emit[Article] | Drop:
    """Do what the title says. Raises what it says."""
    match page.entry_title:
        case "drop":
            return Drop(DropReason.NO_ARTICLE, "as the title says")
        case "fail":
            raise Retryable("always", RetryClass.TIMED_OUT)
        case "fail-once" if _is_first_time(page):
            raise Retryable("once", RetryClass.TIMED_OUT)
        case "poison":
            raise Poison("as the title says", DeadLetterReason.INVALID)
        case "bug":
            raise KeyError("a bug")
        case "huge":
            return Emit(article_of(page, os.urandom(MAX_MESSAGE_BYTES).hex()))
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "slow":
            time.sleep(SLOW_SECONDS)
    return Emit(article_of(page, page.content))


async def handle_on_loop(page: Page) -> Emit[Article] | Drop:
    """The same, and ``hang`` waits for ever."""
    if page.entry_title == HANG:
        await asyncio.Event().wait()
    if page.entry_title == SLOW:
        await asyncio.sleep(SLOW_SECONDS)
        return Emit(article_of(page, page.content))
    return handle(page)


HANDLES = {"workers": handle, "loop": handle_on_loop}


def main() -> int:
    from copydesk_cleaner.settings import CleanerSettings
    from copydesk_shared.runner import run_stage_service
    from copydesk_shared.settings import load_settings

    settings = load_settings(CleanerSettings)
    stage = Stage("cleaner", "faults", FETCHED, CLEANED, HANDLES[sys.argv[1]])
    return run_stage_service(stage, settings, workers=settings.workers, deadline_seconds=settings.deadline_seconds)


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main)
