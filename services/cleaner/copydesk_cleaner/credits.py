"""What a photo credit looks like, wherever it stands: pure functions over short strings.

The tables are in :mod:`copydesk_cleaner.credit_words`.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from dataclasses import dataclass
from enum import IntEnum

from copydesk_cleaner.credit_words import AGENCIES, CONNECTORS, LABELS, OUTLETS, SUPPLIERS
from copydesk_cleaner.text import END_MARKS, UPPER

MAX_CREDIT = 160
MAX_SOURCE_WORDS = 16

_LABEL = "|".join(re.escape(label) for label, _ in sorted(LABELS, key=lambda row: -len(row[0])))
LABELLED = re.compile(rf"(?P<label>{_LABEL})\s*(?P<mark>[:;|]|(?<=by)\s|(?<=of)\s)\s*(?P<source>\S.*)", re.IGNORECASE)
AP_PHOTO = re.compile(
    r"(?:AP|PA|EPA|AFP|UPI|LM|IANS|CNS|Reuters|USN|U\.S\. \w+) (?:[Pp]hoto|PHOTO|[Ii]mages?|[Vv]ideo)\b"
)
COPYRIGHT = re.compile(rf"(?:©|\([cC]\)|Ⓒ)\s?(?=[{UPPER}0-9@])")
SEPARATORS = re.compile(r"\s*(?:/|\||,|;|\bvia\b|\band\b|\bfor\b|\s[-–—]\s)\s*")
LINKED = re.compile(r"/|\bvia\b|\S \bfor\b \S", re.IGNORECASE)
NAME_WORD = re.compile(rf"[\"“‘'(@©]*[a-z]?[{UPPER}0-9][^\s]*|@\S+|[-–—&|]")
ACRONYM = re.compile(r"[A-Z][A-Za-z]{1,6}")
MARKED_END = re.compile(rf"[{END_MARKS}][\"”’)]?$")
ABBREVIATED_END = re.compile(r"(?:\b(?:Inc|Ltd|Co|Jr|Sr|Corp|Gov|U\.S|St)\.|\b[A-Z]\.)$")


class Strength(IntEnum):
    """How sure it is that a parenthesis is a credit, from its content alone."""

    NONE = 0
    NAME = 1  # any name in capitals: "(Etlaq)"
    AGENCY = 2  # an agency or supplier on its own: "(Reuters)", "(Supplied)"
    SURE = 3  # a label, a chain with an agency in it, "X via Y"


@dataclass(frozen=True)
class Credit:
    """A credit as printed, without its brackets and label."""

    source: str
    strength: Strength


def _part_key(part: str) -> str:
    return part.strip(' .()"“”').casefold()


def agencies_in(credit: str) -> tuple[str, ...]:
    """The agencies that a credit names, as printed and in order: "Anadolu via Getty Images" names two."""
    if _part_key(credit) in AGENCIES | OUTLETS:
        return (credit.strip(" .()"),)
    parts = [part.strip(" .()") for part in SEPARATORS.split(credit) if part.strip(" .()")]
    return tuple(dict.fromkeys(part for part in parts if _part_key(part) in AGENCIES | OUTLETS))


def is_source(text: str) -> bool:
    """Whether the text could name a photographer, an agency or a company: words in capitals and connectors."""
    words = text.replace("/", " / ").split()
    if not words or len(words) > MAX_SOURCE_WORDS or len(text) > MAX_CREDIT or ";" in text:
        return False
    if MARKED_END.search(text) and not ABBREVIATED_END.search(text):
        return False
    named = [word for word in words if NAME_WORD.fullmatch(word)]
    plain = [word for word in words if word not in named and word != "/"]
    return all(word.casefold().strip(".,()") in CONNECTORS for word in plain) and (
        bool(named) and NAME_WORD.fullmatch(words[0]) is not None
    )


def is_supplier(text: str) -> bool:
    """Whether the text says no more than where the picture came from: "Supplied", "stock image"."""
    return _part_key(text) in SUPPLIERS


def is_chain(text: str) -> bool:
    """Whether the text is a chain such as "Jon Super/AP" or "X via Getty Images" with a known agency in it."""
    if not is_source(text):
        return False
    linked = LINKED.search(text) is not None
    known = {_part_key(part) for part in SEPARATORS.split(text)}
    return linked and bool(known & (AGENCIES | OUTLETS | SUPPLIERS))


def is_agency(text: str) -> bool:
    """Whether the text is the name of an agency and nothing else."""
    return _part_key(text) in AGENCIES


def parse_label(text: str) -> str | None:
    """The source in "Picture: Jon Super/AP", or ``None`` when this is not a label and a source."""
    match = LABELLED.fullmatch(text.strip())
    if match is None:
        return None
    source = match["source"].strip()
    return source if is_source(source) or is_supplier(source) or is_agency(source) else None


def parse_bracketed(content: str) -> Credit:
    """What the content of a parenthesis is worth as a credit."""
    content = content.strip()
    labelled = parse_label(content)
    if labelled is not None:
        return Credit(labelled, Strength.SURE)
    stripped = COPYRIGHT.sub("", content)
    if AP_PHOTO.match(content) or is_chain(stripped) or (stripped != content and is_source(stripped)):
        return Credit(content, Strength.SURE)
    if is_agency(content) or is_supplier(content):
        return Credit(content, Strength.AGENCY)
    return Credit(content, Strength.NAME if is_source(content) else Strength.NONE)


def expands(before: str, acronym: str) -> bool:
    """Whether the words before a parenthesis are what its letters stand for: "Protection Agency (EPA)"."""
    if not ACRONYM.fullmatch(acronym):
        return False
    words = [word for word in re.split(r"[\s\-]+", before.rstrip()) if word[:1].isalnum()][-2 * len(acronym) :]
    letters = acronym.casefold()
    initials = "".join(word[0].casefold() for word in words)
    capitals = "".join(word[0].casefold() for word in words if word[0].isupper())
    return initials.endswith(letters) or capitals.endswith(letters)
