"""Whether an answer is the story, or something put before it."""

from dataclasses import dataclass
from typing import Literal

from copydesk_fetcher.pages import OpenPage
from copydesk_shared.messages import Access, Entry


@dataclass(frozen=True, slots=True)
class Judgement:
    """How much of the story an answer gives. ``reason`` is the name of the rule that says so, empty for ``full``.

    ``is_wall``: the text is not the story's and must not be published. ``better`` is where the better text is.
    """

    access: Access = "full"
    reason: str = ""
    is_wall: bool = False
    better: Literal["page", "feed"] = "page"


FULL = Judgement()


def judge(page: OpenPage, entry: Entry | None = None) -> Judgement:
    """Judge an answer with status 200; ``entry`` is what led to it."""
    return FULL
