"""What a sentence before a credit shows: that it is of the story, or that it describes a picture.

A credit may stand at the end of a story's paragraph, so the sentence before it is a caption only by what it says. When
unsure it is the story's: a caption that is left is a smaller harm than a sentence that is lost.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from itertools import pairwise

from copydesk_cleaner.caption_forms import MONTHS
from copydesk_cleaner.past_tense import past_start
from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.text import sentence_starts

MIN_NARRATIVE_WORDS = 12
MIN_WHOLE_WORDS = 8
MAX_BRIEF_WORDS, MAX_ENDED_WORDS = 4, 7
LONG_QUOTATION = 3  # words before the last one; shorter ones are names and scare quotes

_MONTH = rf"(?:{MONTHS}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\.?)"
FILE = re.compile(r"\W{0,3}(?:FILE|File)\b")
SHOWN = re.compile(
    r"\b(?:[Pp]ictured|[Pp]hotographed|[Pp]hoto|[Hh]andout|[Ss]creengrab|(?:[Ss]een|[Ss]hown) (?:here|in|at|on|from|as)"
    r"|(?:is|are) (?:seen|shown)|[Ss]hows|(?:from|at|top|bottom) (?:left|right)|im Bild|zu sehen"
    r"|this (?:[a-z]+ ){2,3}[A-Z]\w+"  # "said this midnight cherry Tesla will launch"
    r"|(?:[Ss]ur cette|[Ii]n questa|[Ee]n esta|[Nn]esta) (?:photo|foto|imagen|imagem))\b|\((?:left|right|above|[CLR])\)"
)
DATE = re.compile(
    rf"{_MONTH} \d{{1,2}}, \d{{4}}\b|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? (?:on )?{_MONTH} \d{{1,2}}\b"
    rf"|(?<!on )(?<!On )\b(?:Jan|Feb|Aug|Sept|Oct|Nov|Dec)\. \d{{1,2}}\b"
)
# "Workers near the bridge in March."
VERBLESS = re.compile(
    r"\W{0,2}(?:[A-Z]\w+|[\w’'-]+)(?: [\w’'-]+){0,3}"
    r" (?:near|at|in|on|outside|inside|behind|during|with|from|of)\b"
)
BEGINS_DATED = re.compile(rf"(?:On|In|Since|By|Until) (?:\w+day,? )?{_MONTH}")
QUOTATION = re.compile(
    rf"[“„»«](?:[^\s“”„«»]+\s){{{LONG_QUOTATION},}}[^“”„«»]+[”“«»]|\"(?:[^\s\"]+\s){{{LONG_QUOTATION},}}[^\"]+\""
)
PERSONS = re.compile(rf"\b{words_pattern(shipped().vocabulary('story_persons'))}\b")
ANAPHORA = re.compile(rf"\W{{0,2}}{words_pattern(shipped().vocabulary('story_starts'))}\b")
REPORTED = re.compile(rf"\b{words_pattern(shipped().vocabulary('story_words'))}\b", re.IGNORECASE)
WIRED = re.compile(r"\W{0,2}\([A-Z][\w/ ]{1,30}\) ")
PRONOUN = re.compile(r"\b(?:he|him|she|they|them)\b")
STATED = re.compile(
    r"\b(?:(?:is|are|was|were) (?:a|an|the|by|for|of|to|not|now|also|called|known|due|[A-Z]\w+)"
    r"|[a-z]+ comes? from|applies|apply"
    r"|went to|stands at \d|belongs? to|consists? of|ist|sind|wurde|wurden|waren|sont|jest|był)\b"
)
ABOUT_PICTURES = re.compile(
    r"\b(?:[Pp]hotographers? (?:for|of)|photographer|newspaper|photographs|news agency|report was|published)\b"
)
PRESENT = re.compile(rf"\b{words_pattern(shipped().vocabulary('caption_verbs'))}\b")
PAST = re.compile(
    rf"\b(?:{words_pattern(shipped().vocabulary('past_verbs'))}"
    rf"|(?<!\b[Aa]n )(?<!\b[Aa] )(?<![Tt]he )(?<!be )(?<!is )(?<!are )(?<!ly )(?<!, )"
    rf"(?!przed\b|\w+oed\b)[a-z]{{2,}}[^e\W]ed)\b"
)


def shows_picture(text: str) -> bool:
    """Whether the first sentence says that it describes a picture: "pictured", a full date, or the present tense."""
    first = _sentences(text)[0]
    if FILE.match(first) or SHOWN.search(first):
        return True
    if DATE.search(first) and not BEGINS_DATED.match(first):
        return True
    present, past = PRESENT.search(first), _past_start(first)
    if present is None:
        return past is None and VERBLESS.match(first) is not None and not _spoken(first)
    return past is None or present.start() < past


def _past_start(sentence: str) -> int | None:
    past = PAST.search(sentence)
    return past.start() if past else past_start(sentence)


def is_clause(text: str) -> bool:
    """Whether a text without a full stop is a sentence that says more than a picture does, or is about photographers.

    "The song is by two Scots", "The award went to the newspaper": a name in brackets after it explains a word of it.
    """
    if SHOWN.search(text) or DATE.search(text):
        return False
    return any(sign.search(text) for sign in (STATED, ABOUT_PICTURES)) or ANAPHORA.match(text) is not None


def tells_story(text: str, *, whole: bool = False) -> bool:
    """Whether what ends in a full stop before a credit is more likely of the story than the picture's caption.

    ``whole`` when it is all that the text says.
    """
    sentences = _sentences(text)
    if FILE.match(text) or ANAPHORA.match(text) or WIRED.match(text):
        return FILE.match(text) is None
    first, *others = sentences
    is_told = DATE.search(first) is not None or SHOWN.search(first) is not None
    if not is_told and (_spoken(first) or (whole and len(first.split()) >= MIN_WHOLE_WORDS)):
        return True
    if shows_picture(first):
        return False
    if others:
        return not _is_plain(text)
    past = PAST.search(first)
    if past is None:
        return past_start(first) is not None
    words = len(first.split())
    is_told = words >= MIN_NARRATIVE_WORDS or PRONOUN.search(first, past.end()) is not None
    return is_told or _is_brief(words, first[past.end() :])


def _is_brief(words: int, after: str) -> bool:
    """Whether a sentence says no more than that somebody did something: "The minister resigned."; pictures are of a
    place or a time.
    """
    return words <= MAX_BRIEF_WORDS or (words <= MAX_ENDED_WORDS and not any(map(str.isalnum, after)))


def _is_plain(text: str) -> bool:
    """Whether no sentence has a sign of a story; what is not in the past may describe."""
    return not any(_spoken(sentence) or _past_start(sentence) is not None for sentence in _sentences(text))


def _spoken(sentence: str) -> bool:
    """Whether somebody speaks: a quotation, "I" and "you", a verb of reporting, or "yesterday"."""
    return any(sign.search(sentence) for sign in (QUOTATION, PERSONS, REPORTED))


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *sentence_starts(text), len(text)])]
