"""Whether a text says at its end that the story goes on for those who pay.

Lines elsewhere do not count: "Already a subscriber?" and offers stand on pages that anybody can read, too.
"""

from collections.abc import Sequence

from ahocorasick_rs import AhoCorasick

from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.story import Finding
from copydesk_cleaner.text import without_marks

MAX_LINE = 300
LONG_PARAGRAPH = 100
LAST_LINES = 3


def _plain(text: str) -> str:
    return " ".join(without_marks(text.casefold().replace("'", " ")).split())


PHRASES = AhoCorasick(list(dict.fromkeys(map(_plain, shipped().vocabulary("kept_back")))))


def keeps_back(line: str) -> bool:
    """Whether a line says that there is more for those who pay."""
    if len(line) > MAX_LINE:
        return False
    return bool(PHRASES.find_matches_as_indexes(_plain(line)))


def ends_at_wall(paragraphs: Sequence[str], findings: Sequence[Finding], text: str) -> bool:
    """Whether what was cut behind the last long paragraph of the text, or one of the last lines that stay, says it."""
    last = next((each for each in reversed(paragraphs) if len(each) >= LONG_PARAGRAPH), "")
    end = text.rfind(last) + len(last)
    cuts = (cut for finding in findings for cut in finding.cuts if cut.kind == "promotion" and cut.start >= end)
    return any(keeps_back(text[cut.start : cut.end]) for cut in cuts) or any(
        keeps_back(line) for line in paragraphs[-LAST_LINES:] if len(line) < LONG_PARAGRAPH
    )
