"""What is worth knowing about a line when the question is whether it is the headline of another story.

Every feature is a name that holds or does not hold; :mod:`copydesk_cleaner.headline_weights` says what each is worth.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from statistics import median

from copydesk_cleaner.story import Unit
from copydesk_cleaner.text import CLOSERS, LOWER, UPPER, has_end_mark

MIN_WORDS, MAX_WORDS = 5, 24
MAX_LENGTH = 240
FULL_PARAGRAPH = 60
STEM, CONTENT_LENGTH = 5, 4
NEIGHBOURS = 3
MAX_UNMARKED = 160
LONG_LINE, FEW = 9, 4
OPENING, MIN_SHARED, SHARED = 2, 2, 1 / 3
SHORTEST_RUN, LONGEST_RUN, ALIKE = 3, 8, 1.5
MIN_UNSEEN, MIN_NEW = 2, 0.5
SHORT_LINE, SHORT_STORY = 8, 9
MIN_LONG_WORDS, TITLE_SHARE = 2, 0.75

BREAKS = ("...", "…")
BREAKS_OFF = re.compile(r"(?:\.\.\.|…)$")
CLOSER = rf"[{re.escape(CLOSERS)}]"
OTHER_ENDS = tuple(".!,:;。！")
SOURCE_AFTER = re.compile(rf".*[.!?…。]{CLOSER}? ?\([^()]{{2,60}}\)$")  # a sentence, and who says so: "(Xinhua)"
WORD = re.compile(r"[^\W_]+")
FIRST_LETTER = re.compile(r"[^\W_]")
LISTED = re.compile(
    r"(?:[-–—•*▪►]|\d{1,2}[.)] |[\w.]+ ?\d* -- )|.*(?:https?:|@\w|#\w|\.{3}.|….|pic\.twitter|[\U0001F300-\U0001FAFF])"
)
SENTENCE_START = re.compile(
    r"(?:And|But|However|Meanwhile|Also|This|These|Those|That|He|She|It|They|We|I|There|Here|Users|Scroll)\b"
)

# A quotation that goes on in the next paragraph is not closed in this one.
OPEN_QUOTATION = re.compile(r"(?:“[^”]*|\"[^\"]*|„[^“”\"]*|«[^»]*)$")
QUOTED_SENTENCE = re.compile(rf"[^\"“‘'„«].*[.!?…]{CLOSER}$")
DATED = re.compile(r".*\b(?:[A-Z][a-z]{2,8}\.? \d{1,2},? (?:19|20)\d\d|\d{1,2}\.? [A-Z][a-zä]{2,8} (?:19|20)\d\d)\b")
WHOLLY_QUOTED = re.compile(r"(?:“[^”]*”|\"[^\"]*\"|‘.*’|'.*'|„[^“”\"]*[“”\"]|«[^»]*»|»[^«]*«|‚.*‘|「.*」)$")
SCORE = re.compile(r".*\w \d{1,3}, \w.* \d{1,3}\b")
# Scorers with their minutes, and who played where.
SCORERS = re.compile(
    r".*\(\d{1,3}['’]?(?:\+\d)?(?:,| pen\b| og\b|['’]\))|(?:.*\(\d[^()]*\)){2}|"
    r".*\w \d{1,3} \([^()]*\d|.*\(\d(?:-\d){2,3}\)"
)
SHARES = re.compile(r".*\d ?%.*\d ?%")
SEVERAL_SEMICOLONS = re.compile(r".*;.*;")
REPORTED = re.compile(r".*\breported (?:from|by)\b")
SUB_HEAD = re.compile(
    r"(?:What (?:we|is known|happens|comes)|Here['’]s what|Was wir|Was (?:bisher|man)|Ce que (?:l['’]on|nous|on)|"
    r"Lo que (?:se sabe|sabemos)|Cosa sappiamo|O que (?:se sabe|sabemos)|Wat we)\b",
    re.IGNORECASE,
)
PAST_SPEECH = re.compile(r".*\b(?:said|added|tweeted)\b")  # headlines speak in the present
SEVERAL_SENTENCES = re.compile(rf".*[.!?]{CLOSER}? \S.*[.!?]{CLOSER}? \S.*")
QUESTION = re.compile(r"(?:What|Why|How|Who|Where|When|Which|Was|Warum|Wie|Wer|Wo|Pourquoi|Comment|Qué|Por qué|Cómo)\b")

# A work and whose it is, with or without "Read:" before it.
WORK = re.compile(
    r"(?:\w+: )?[\"“„«‘'][^\"”“»’']{2,80}[\"”“»’'],? "
    r"(?:\(|(?:by|with|von|mit|de|par|di|con|por|com|door|van) [^\W\d_]{2})"
)

# A list item, a date, a pull-quote, a sentence: none of them is a headline.
NO_HEADLINE = (
    LISTED,
    SENTENCE_START,
    OPEN_QUOTATION,
    WHOLLY_QUOTED,
    QUOTED_SENTENCE,
    SEVERAL_SENTENCES,
    DATED,
    PAST_SPEECH,
    SCORE,
    SCORERS,
    SHARES,
    SEVERAL_SEMICOLONS,
    SOURCE_AFTER,
    REPORTED,
    SUB_HEAD,
    WORK,
)

# The commonest words of four letters and more; those of other languages are shorter or do little harm.
COMMON = frozenset(
    "about after also amid been before being between both could down during even from have here into just like make "
    "more most much must only other over says should since some such than that their them then there these they this "
    "those through under until very want were what when where which while will with would your".split()
)

HEADLINE_WORDINGS = ("verb after name", "connective", "said by", "quoted words")

# What the words of a line may look like, whichever hold.
WORDINGS = {
    "verb after name": re.compile(
        rf"[\"“‘']?(?:[{UPPER}0-9$£€][\w’'.,%&-]*\s){{1,5}}(?:[{LOWER}]\w{{2,}}s|[{LOWER}]\w+ed|to [{LOWER}]\w+)\b"
    ),
    "connective": re.compile(
        r".*\w (?:as|after|amid|over|following|ahead of|despite|before|says?|in row|vs|against)\b", re.IGNORECASE
    ),
    "said by": re.compile(
        r".*[,–—-] (?:says?|warns?|urges?|claims?|reveals?|insists?|admits?|finds?|shows?|suggests?|according to)\b"
    ),
    "quoted words": re.compile(r"(?:.*\s)?[\'‘“\"][^\'’”\"]{3,}[\'’”\"]"),
    "colon": re.compile(r".*: ."),
    "comma": re.compile(r".*,"),
    "bracket": re.compile(r".*[(\[]"),
    "sentence end inside": re.compile(r".*[.!?] \S"),
    "second person": re.compile(r".*\b(?:you|your|yours)\b", re.IGNORECASE),
    "starts with a preposition": re.compile(
        r"(?:In|On|At|For|From|With|By|To|Of|Or|So|Then|If|When|While|As|After|Before|Because|Although|Not|No|Yes|"
        r"Between|About|Beyond|Under|Over|Among|Despite|During|Since|Until|Some|Many|Most|More|All|Each|Every|Both|"
        r"Another|Other)\b"
    ),
    "starts with -ing": re.compile(r"\w+ing\b"),
}


def looks_like_headline(text: str) -> bool:
    """Whether a line could be a headline at all: its length, its first letter and how it ends."""
    if len(text) > MAX_LENGTH or _ends_otherwise(text) or not MIN_WORDS <= len(text.split()) <= MAX_WORDS:
        return False
    first = FIRST_LETTER.search(text)
    return (
        first is not None
        and first.start() <= 1
        and not first.group().islower()
        and not any(form.match(text) for form in NO_HEADLINE)
    )


def _ends_otherwise(text: str) -> bool:
    """Whether the text ends with a mark, or with one inside quotation marks or brackets, that headlines do not have."""
    return text.rstrip(CLOSERS).endswith(OTHER_ENDS) and not text.endswith(BREAKS)


def is_full(text: str) -> bool:
    """Whether this is a paragraph of prose."""
    return has_end_mark(text) and len(text) >= FULL_PARAGRAPH and not text.endswith(":")


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _stems(words: set[str]) -> set[str]:
    return {word[:STEM] for word in words if len(word) >= CONTENT_LENGTH and word not in COMMON}


def _step(name: str, value: float, steps: Sequence[float]) -> str:
    """The feature of the first step that the value does not pass: "words <= 8"."""
    return next((f"{name} <= {step:g}" for step in steps if value <= step), f"{name} > {steps[-1]:g}")


class Surroundings:
    """The words of each line and of the whole story, each computed once."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units

    @cached_property
    def words(self) -> list[set[str]]:
        return [set(_words(unit.text)) for unit in self.units]

    @cached_property
    def stems(self) -> list[set[str]]:
        return [_stems(words) for words in self.words]

    @cached_property
    def distinct(self) -> list[int]:
        """The places of lines that differ: a headline may stand in a text twice."""
        return list({unit.text: index for index, unit in enumerate(self.units)}.values())

    def holders(self, word: str) -> int:
        """In how many different lines a word stands."""
        return sum(1 for index in self.distinct if word in self.words[index])

    def stem_holders(self, stem: str) -> int:
        return sum(1 for index in self.distinct if stem in self.stems[index])

    @cached_property
    def openings(self) -> Counter[str]:
        """The first words of the short lines without an end mark, with how many there are of each."""
        short = (unit.text for unit in self.units if len(unit.text) < MAX_UNMARKED and not has_end_mark(unit.text))
        return Counter(_opening(text) for text in dict.fromkeys(short))

    @property
    def unmarked(self) -> int:
        """How many such lines there are: sub-heads come in a rhythm, related headlines now and then."""
        return self.openings.total()

    def is_foreign(self, index: int) -> bool:
        """Whether the line holds words that the story lacks, and few of those that follow: a sub-head does not."""
        own = self.stems[index]
        after = own - set().union(*self.stems[index + 1 : index + 1 + NEIGHBOURS])
        unseen = sum(1 for stem in own if self.stem_holders(stem) == 1)
        return unseen >= MIN_UNSEEN and len(after) >= MIN_NEW * len(own)

    def is_one_of_a_row(self, index: int) -> bool:
        """Whether another short line opens with the same word, as in "Lap 14", "Lap 20" or "Zone 1", "Zone 2"."""
        text = self.units[index].text
        return self.openings[_opening(text)] > (not has_end_mark(text))

    def is_too_short_to_tell(self, index: int) -> bool:
        """Whether a short line has nothing of a headline's wording: most words are new to a story of few lines."""
        text = self.units[index].text
        if len(text.split()) > SHORT_LINE:
            return False
        if text.endswith("?") or text.isupper() or QUESTION.match(text):
            return True
        beside_prose = is_full(self.units[index - 1].text) or is_full(self.units[index + 1].text)
        worded = any(WORDINGS[name].match(text) for name in HEADLINE_WORDINGS)
        return len(self.units) <= SHORT_STORY and not (worded and beside_prose)

    def is_on_topic(self, index: int) -> bool:
        """Whether a third of the line's words stand in the first two paragraphs, which say what the story is about."""
        if WORDINGS["said by"].match(self.units[index].text):  # "…, urges minister" is no sub-head
            return False
        own = self.folded(index)
        shared = len(own & set().union(*(self.folded(i) for i in self.opening_paragraphs if i != index)))
        return shared >= MIN_SHARED and shared >= SHARED * len(own)

    @cached_property
    def opening_paragraphs(self) -> list[int]:
        return list(islice((index for index, unit in enumerate(self.units) if is_full(unit.text)), OPENING))

    def folded(self, index: int) -> set[str]:
        """The stems, so that "ferry" is "ferries"."""
        return {stem.replace("y", "i") for stem in self.stems[index]}

    def run(self, index: int) -> range:
        """The short lines without a stop, as of a list or of verse, that this line is one of; empty when alone."""
        first = last = index
        while first and index - first < LONGEST_RUN and self._is_open(first - 1):
            first -= 1
        while last + 1 < len(self.units) and last - first < LONGEST_RUN and self._is_open(last + 1):
            last += 1
        lengths = [len(self.units[i].text.split()) for i in range(first, last + 1)]
        alike = len(self.units[index].text.split()) <= ALIKE * median(lengths)
        return range(first, last + 1) if alike and SHORTEST_RUN <= len(lengths) <= LONGEST_RUN else range(0)

    def _is_open(self, index: int) -> bool:
        text = self.units[index].text
        return (
            len(text) < MAX_UNMARKED
            and LISTED.match(text) is None
            and (not has_end_mark(text) or text.endswith((";", ":")))
        )

    def features(self, index: int) -> Iterator[str]:
        """All features of a line that has a line before and after it."""
        text = self.units[index].text
        yield "any line"
        yield _step("words", len(text.split()), (5, 6, 8, 10, 15, 20))
        yield from _ending(text)
        yield from self._neighbours(index)
        yield from self._vocabulary(index)
        yield from self._capitals(index)
        yield from (name for name, pattern in WORDINGS.items() if pattern.match(text))
        yield from self._rhythm(index)

    def _neighbours(self, index: int) -> Iterator[str]:
        before, after = is_full(self.units[index - 1].text), is_full(self.units[index + 1].text)
        yield ("no full neighbour", "one full neighbour", "full neighbours")[before + after]
        if self.units[index - 1].text.endswith(":"):
            yield "after a colon"
        if before and after and len(self.units[index].text.split()) >= LONG_LINE and self.unmarked <= FEW:
            yield "a long line among paragraphs"
        if self._is_beside_cut(index):
            yield "beside a cut"

    def _is_beside_cut(self, index: int) -> bool:
        before, unit, after = self.units[index - 1 : index + 2]
        return unit.start - before.end > 1 or after.start - unit.end > 1

    def _vocabulary(self, index: int) -> Iterator[str]:
        own, words = self.stems[index], self.words[index]
        after = own - set().union(*self.stems[index + 1 : index + 1 + NEIGHBOURS])
        before = own - self.stems[index - 1]
        unseen = sum(1 for stem in own if self.stem_holders(stem) == 1)
        count = len(own) or 1
        yield _step("new to what follows", len(after) / count, (0.5, 0.8, 0.99))
        yield _step("new to what precedes", len(before) / count, (0.75, 0.99))
        yield _step("stems not in the story", unseen, (2, 3, 5))
        yield _step("stems in the story", len(own) - unseen, (0, 1, 2, 3))
        shared = sum(1 for word in words if self.holders(word) > 1) / max(1, len(words))
        yield _step("share of words in the story", shared, (0.1, 0.25, 0.4, 0.6, 0.8))

    def _capitals(self, index: int) -> Iterator[str]:
        text = self.units[index].text
        inner = [word.strip("\"“”‘’'.,:;?!()") for word in text.split()[1:]]
        long = [word for word in inner if len(word) >= CONTENT_LENGTH]
        if text.isupper():
            yield "all capitals"
        elif len(long) >= MIN_LONG_WORDS and sum(word[0].isupper() for word in long) >= TITLE_SHARE * len(long):
            yield "title case"
        else:
            names = {_words(word)[0] for word in inner if word[:1].isupper() and len(word) >= 3 and _words(word)}  # noqa: PLR2004
            new = sum(1 for name in names if self.holders(name) == 1)
            yield _step("names not in the story", new, (0, 1, 2))

    def _rhythm(self, index: int) -> Iterator[str]:
        others = self.unmarked - (not has_end_mark(self.units[index].text))
        yield _step("other unmarked lines", others, (0, 2, 4, 7))
        yield _step("share of unmarked lines", others / len(self.units), (0.05, 0.2, 0.3))


def _opening(text: str) -> str:
    return text.split(maxsplit=1)[0].casefold()


def _ending(text: str) -> Iterator[str]:
    if text.endswith("?"):
        yield "ends with a question"
    elif has_end_mark(text) and BREAKS_OFF.search(text) is None:
        yield "ends with a quotation"
