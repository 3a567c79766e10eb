"""What the stage for tests does with a page: what the title of the page says."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from copydesk_shared.errors import DeadLetterReason, DropReason, Poison, Retryable, RetryClass
from copydesk_shared.messages import Article, Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.topics import MAX_MESSAGE_BYTES

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


def _drop(_page: Page) -> Drop:
    return Drop(DropReason.NO_ARTICLE, "as the title says")


def _fail(_page: Page) -> None:
    raise Retryable("always", RetryClass.TIMED_OUT)


def _fail_once(page: Page) -> None:
    if _is_first_time(page):
        raise Retryable("once", RetryClass.TIMED_OUT)


def _poison(_page: Page) -> None:
    raise Poison("as the title says", DeadLetterReason.INVALID)


def _bug(_page: Page) -> None:
    raise KeyError("a bug")


def _huge(page: Page) -> Emit[Article]:
    return Emit(article_of(page, os.urandom(MAX_MESSAGE_BYTES).hex()))


def _die(_page: Page) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _slow(_page: Page) -> None:
    time.sleep(SLOW_SECONDS)


DEEDS: Mapping[str, Callable[[Page], Emit[Article] | Drop | None]] = {
    DROP: _drop, FAIL: _fail, FAIL_ONCE: _fail_once, POISON: _poison, BUG: _bug, HUGE: _huge, DIE: _die, SLOW: _slow
}  # fmt: skip


def handle(page: Page) -> Emit[Article] | Drop:
    """Do what the title says; the article where it says nothing. Raises what it says."""
    deed = DEEDS.get(page.entry_title)
    return (deed(page) if deed else None) or Emit(article_of(page, page.content))


async def handle_on_loop(page: Page) -> Emit[Article] | Drop:
    """The same, and ``hang`` waits for ever."""
    if page.entry_title == HANG:
        await asyncio.Event().wait()
    if page.entry_title == SLOW:
        await asyncio.sleep(SLOW_SECONDS)
        return Emit(article_of(page, page.content))
    return handle(page)
