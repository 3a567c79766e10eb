"""Findings of captions and credits: what is cut and the picture that it was about."""

from copydesk_cleaner.credits import agencies_in
from copydesk_cleaner.story import Cut, Finding, Unit
from copydesk_shared.messages import Image


def image_of(caption: str, credit: str) -> Image:
    """A picture of which only the words are known."""
    credit = credit.strip()
    return Image(caption=caption.strip(), credit=credit, agencies=agencies_in(credit))


def picture_finding(unit: Unit, start: int, middle: int, end: int, rule: str, credit: str) -> Finding:
    """A caption from ``start`` to ``middle`` and a credit from there to ``end``, all offsets in the unit."""
    cuts = []
    if unit.text[start:middle].strip():
        cuts.append(Cut(unit.start + start, unit.start + middle, rule, "caption"))
    if end > middle:
        cuts.append(Cut(unit.start + middle, unit.start + end, rule, "credit"))
    return Finding(tuple(cuts), image=image_of(unit.text[start:middle], credit))
