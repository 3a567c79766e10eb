"""Lines that begin with the labels of a picture and run on into the story: the labels, the credit and the caption go.

Where a caption ends is known only when a sentence begins after it without a stop before; else the text stays.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator

from copydesk_cleaner.credit_lines import GOVERNED, source_end
from copydesk_cleaner.credit_places import MAX_CAPTION, STARTERS
from copydesk_cleaner.credits import is_source
from copydesk_cleaner.findings import image_of, picture_finding
from copydesk_cleaner.story import Cut, Finding, Unit
from copydesk_cleaner.text import LOWER, UPPER, count_sentences, has_end_mark

RULE = "credit.leading"
MIN_SENTENCE_WORDS, MIN_LED_WORDS = 4, 3
INSIDE = frozenset({"I", "One", "Two"})  # starters that stand inside sentences with a capital too

LED = re.compile(
    r"(?:Image (?:source|copyright),?\s(?P<credit>[A-Z][\w/.&'’ ]{1,60}?)\s?Image caption,?\s"
    r"|(?:Media|Image) caption,?\s(?=[A-Z0-9“]))"
)
TOGGLE = re.compile(rf"(?:Enlarge this image\s)?(?:toggle|[Hh]ide) caption\s(?=[{UPPER}©@])")
DOUBLED = re.compile(r"(?P<credit>\S.{2,80}?) (?P=credit)(?: |$)")
# A capital after a small letter or a figure, without a stop between them.
UNSTOPPED = re.compile(rf"(?P<last>[\w’'-]{{0,40}}[{LOWER}0-9]) (?=(?P<word>[{UPPER}]\w*) )")


def led_by_label(unit: Unit) -> list[Finding]:
    """The labels in front of a caption that runs on, and the caption when it shows where it ends."""
    match = LED.match(unit.text)
    if match is None:
        return _toggled(unit)
    end = match.end() if len(unit.text) > MAX_CAPTION else _caption_end(unit.text, match.end())
    if end is None:
        return []
    credit = match["credit"] or ""
    labels = picture_finding(unit, 0, 0, match.end(), RULE, credit)
    if end == match.end():
        return [labels]
    caption = Cut(unit.start + match.end(), unit.start + end, RULE, "caption")
    return [Finding((*labels.cuts, caption), image=image_of(unit.text[match.end() : end], credit))]


def _caption_end(text: str, start: int) -> int | None:
    """Where a sentence begins after a caption without a stop: "closed in 2025 A second bridge is planned."."""
    if not has_end_mark(text):
        return None
    for end in unstopped(text, start):
        caption = text[start:end]
        if count_sentences(caption) > 1:
            return None
        if len(caption.split()) >= MIN_LED_WORDS and len(text[end:].split()) >= MIN_SENTENCE_WORDS:
            return end
    return None


def unstopped(text: str, start: int = 0) -> Iterator[int]:
    """Where something new begins without a stop before it: a word that begins sentences, after one in small letters."""
    for match in UNSTOPPED.finditer(text, start):
        if match["word"] in STARTERS - INSIDE and match["last"].casefold() not in GOVERNED:
            yield match.end()


def _toggled(unit: Unit) -> list[Finding]:
    """A credit between "toggle caption" and a sentence; a line that is no more than the two is left to its own rule."""
    match = TOGGLE.match(unit.text)
    rest = unit.text[match.end() :] if match else ""
    if match is None or not has_end_mark(rest) or is_source(rest):
        return []
    doubled = DOUBLED.match(rest)
    end = match.end() + doubled.end() if doubled else source_end(unit.text, match.end()) or match.end()
    credit = doubled["credit"] if doubled else unit.text[match.end() : end]
    return [picture_finding(unit, 0, 0, end, RULE, credit)]
