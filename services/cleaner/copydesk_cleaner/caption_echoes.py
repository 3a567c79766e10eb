"""Lines above a caption or a credit that belong to it: a picture's alternative text, and a caption above its credit."""

import re
from collections.abc import Iterator, Sequence

from copydesk_cleaner.credit_places import MAX_CAPTION, MIN_KNOWN_CAPTION
from copydesk_cleaner.findings import image_of
from copydesk_cleaner.story import Cut, Finding, Unit
from copydesk_cleaner.text import has_end_mark, key

BROKEN_OFF = ("...", "…")
HIDDEN = re.compile(r"(?:[Hh]ide|[Tt]oggle|[Ss]how) caption")


def lines_above(units: Sequence[Unit], index: int, found: Sequence[Sequence[Finding]]) -> Iterator[Finding]:
    """What of the line before a unit goes with what was ``found`` in the unit; lines with findings have their own."""
    above, own = units[index - 1] if index else None, found[index]
    if above is None or not own or found[index - 1] or above.line == units[index].line or len(above.text) > MAX_CAPTION:
        return
    first = own[0].cuts[0]
    if first.kind == "caption" and first.start == units[index].start and own[0].image:
        if _repeats(above.text, own[0].image.caption):
            yield Finding((Cut(above.start, above.end, "caption.echoed", "caption"),))
    elif first.kind == "credit" and first.start == units[index].start and first.end == units[index].end:
        following = units[index + 1].text if index + 1 < len(units) else ""
        if HIDDEN.fullmatch(following):
            cut = Cut(above.start, above.end, "caption.above-credit", "caption")
            yield Finding((cut,), image=image_of(above.text, ""))


def _repeats(text: str, caption: str) -> bool:
    """Whether a line is how the caption below it begins; a sentence may be the story's."""
    if has_end_mark(text) and not text.endswith(BROKEN_OFF):
        return False
    words = key(text)
    return len(words) >= MIN_KNOWN_CAPTION and key(caption).startswith(words)
