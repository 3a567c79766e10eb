"""What the light stages do: next to nothing, unless the title of a page says otherwise.

``block:SECONDS`` stops the whole process, ``wait:SECONDS`` lets others run meanwhile; each only the first time.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copydesk_shared.messages import Article, ClassifiedArticle, Page
from copydesk_shared.stage import Emit
from tests.faults.deeds import article_of

VERSION = "faults"


def handle(marks: Path, page: Page) -> Emit[Article]:
    """Do what the title says, the first time."""
    what, _, seconds = page.entry_title.partition(":")
    if what in {"block", "wait"} and _is_first_time(marks, page):
        time.sleep(float(seconds))
    return Emit(article_of(page, page.content))


def handle_on_loop(marks: Path) -> Callable[[Page], Any]:
    """The same, on the event loop."""

    async def handle_page(page: Page) -> Emit[Article]:
        what, _, seconds = page.entry_title.partition(":")
        if what == "wait" and _is_first_time(marks, page):
            await asyncio.sleep(float(seconds))
        return handle(marks, page)

    return handle_page


def _is_first_time(marks: Path, page: Page) -> bool:
    try:
        (marks / page.article_id).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


async def classify(article: Article) -> Emit[ClassifiedArticle]:
    """No tags."""
    return Emit(ClassifiedArticle(**article.model_dump(exclude={"text"}), classifier_version=VERSION))
