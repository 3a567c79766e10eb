"""What a photo credit looks like, wherever it stands: pure functions over short strings.

The words are the vocabularies of ``rulebook/data/credits.yaml``.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.text import END_MARKS, UPPER

MAX_CREDIT = 160
MAX_SOURCE_WORDS = 16
MAX_SUPPLIER_WORDS = 10
EXPANDED = 300  # characters in which the words lie that an acronym stands for
MIN_PARTS = 2  # of a chain
REMEMBERED = 4096  # answers for short strings; they depend on the string alone


def _vocabulary(*names: str) -> frozenset[str]:
    return frozenset(word for name in names for word in shipped().vocabulary(name))


AGENCIES = _vocabulary("agencies")
PICTURE_AGENCIES = _vocabulary("picture_agencies")
WIRES = _vocabulary("wires")
SUPPLIERS = _vocabulary("suppliers")
LINKS = _vocabulary("agencies", "outlets", "suppliers")
KNOWN = _vocabulary("agencies", "outlets", "institutions")
CONNECTORS = _vocabulary("credit_connectors")
SUPPLIER_STARTS = tuple(f"{words} " for words in shipped().vocabulary("supplier_starts"))

LABELLED = re.compile(
    rf"(?:{words_pattern(shipped().vocabulary('credit_labels'))}\s?[:;|=：＝]"
    rf"|{words_pattern(shipped().vocabulary('credit_labels_by'))}(?:\s?[:：]|(?=\s)))\s*(?P<source>\S.*)",
    re.IGNORECASE,
)
AGENCY_PHOTO = re.compile(
    r"(?:AP|PA|EPA|AFP|UPI|LM|IANS|CNS|ANI|PTI|Reuters|REUTERS|USN|U\.S\. \w+) ?/?"
    r"(?:[Pp]hotos?|PHOTO|[Ii]mages?|[Vv]ideo|File)\b"
)
# "Taken by" behind a name, in Chinese and Japanese.
TAKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff ・]{2,14}(?:撮影|摄|攝)")
PHOTO_CHAIN = re.compile(r"(?:Photo|PHOTO|Foto|Image|File)\s?[/|]\s?\S.*")
PHOTO_WORD = re.compile(r"(?:[Pp]hoto|[Ff]oto|[Ii]mage|[Pp]icture|[Bb]ild|Фото|фото)\s(?P<source>\S.*)")
# What rights are reserved is not who reserves them.
RIGHTS = re.compile(
    r".*\b(?:reserved|vorbehalten|réservés?|reservad[oa]s?|riservat[aio]|rezervate|voorbehouden|zastrzeżone|защищены|захищені)\b",
    re.IGNORECASE,
)
COPYRIGHT = re.compile(r"(?:©|\([cC]\)|Ⓒ|\b[Cc]opyright(?: ©)?)\s?(?=[\w@])")
PICTURED = (AGENCY_PHOTO.match, PHOTO_CHAIN.fullmatch, TAKEN.fullmatch)
SEPARATORS = re.compile(
    r"\s*(?:\bon (?=(?:Unsplash|Pexels|Pixabay|Flickr)\b)|/|\||,|;|\+|\bvia\b|\band\b|\bfor\b|\s[-–—]\s)\s*"
)
LINKED = re.compile(r"\bon (?:Unsplash|Pexels|Pixabay|Flickr)\b|/|\||\bvia\b|\S \bfor\b \S|\S [-–—] \S", re.IGNORECASE)
VIA = re.compile(r"\S \bvia\b \S", re.IGNORECASE)
PERSON = re.compile(rf"[{UPPER}][\w'’.-]+(?: (?:de|da|van|von|al|bin|el) | )(?:[{UPPER}][\w'’.-]*\s?){{1,3}}")
ACRONYM = re.compile(r"[A-Z][A-Za-z]{1,6}")
DOMAIN = re.compile(r"(?:[\w-]+\.)+[a-z]{2,6}")
MARKED_END = re.compile(rf"[{END_MARKS}][\"”’)]?$")
ABBREVIATED_END = re.compile(r"(?:\b(?:Inc|Ltd|Co|Jr|Sr|Corp|Gov|U\.S|St|Bros)\.|\b[A-Z]\.)$")
ARTICLES = frozenset({"a", "an", "the"})  # no expansion begins with them: "in a file photo [AFP]"
DASHES = frozenset("-–—&|•+/")
BRACKETS = "\"“‘'(@©#["


class Strength(IntEnum):
    """How sure it is that a parenthesis is a credit, from its content alone."""

    NONE = 0
    NAME = 1  # any name in capitals: "(Etlaq)"
    CHAIN = 2  # a person and a name that is not known: "(Jane Doe/Northpix)"
    AGENCY = 3  # an agency or supplier on its own: "(Reuters)", "(Supplied)"
    SURE = 4  # a label, a chain with an agency in it, "X via Y"


@dataclass(frozen=True)
class Credit:
    """A credit as printed, without its brackets and label."""

    source: str
    strength: Strength
    labelled: bool = False


def _part_key(part: str) -> str:
    return part.strip(' .()[]"“”').casefold()


def _parts(credit: str) -> list[str]:
    return [part for piece in SEPARATORS.split(credit) if (part := piece.strip(" .()[]"))]


def agencies_in(credit: str) -> tuple[str, ...]:
    """The agencies that a credit names, as printed and in order: "Anadolu via Getty Images" names two."""
    if _part_key(credit) in KNOWN:
        return (credit.strip(" .()"),)
    return tuple(dict.fromkeys(part for part in _parts(credit) if _part_key(part) in KNOWN))


def _is_name_word(word: str) -> bool:
    """Whether a word is printed as names are: a capital, a digit, a script without capitals, iStock, @name, a.site."""
    if word[0] in "@#" or word in DASHES:
        return True
    bare = word.lstrip(BRACKETS)
    if not bare:
        return False
    first = bare[0]
    if first.isdigit() or (first.isalpha() and not first.islower()):
        return True
    return bare[1:2].isupper() or DOMAIN.fullmatch(bare) is not None


def _are_names(words: Iterable[str]) -> bool:
    return all(word == "/" or _is_name_word(word) or word.casefold().strip(".,()[]") in CONNECTORS for word in words)


@lru_cache(REMEMBERED)
def is_source(text: str) -> bool:
    """Whether the text could name a photographer, an agency or a company: words in capitals and connectors."""
    if (
        len(text) > MAX_CREDIT
        or ";" in text
        or ": " in text
        or "：" in text
        or "%" in text
        or not any(map(str.isalnum, text))
    ):
        return False
    words = text.replace("/", " / ").split()
    if len(words) > MAX_SOURCE_WORDS:
        return False
    if MARKED_END.search(text) and not ABBREVIATED_END.search(text):
        return False
    if not _is_name_word(words[0]) and not _starts_known(text):
        return False
    return _are_names(words) or all(_part_key(part) in KNOWN or _are_names(part.split()) for part in _parts(text))


def _starts_known(text: str) -> bool:
    """Whether the first part is an agency that writes itself small: "dpa", "picture alliance / dpa"."""
    parts = _parts(text)
    return bool(parts) and _part_key(parts[0]) in KNOWN


def is_supplier(text: str) -> bool:
    """Whether the text says no more than where the picture came from: "Supplied", "supplied by family"."""
    words = _part_key(text)
    if words in SUPPLIERS:
        return True
    return words.startswith(SUPPLIER_STARTS) and len(words.split()) <= MAX_SUPPLIER_WORDS and ";" not in words


@lru_cache(REMEMBERED)
def is_chain(text: str) -> bool:
    """Whether the text is a chain such as "Jon Super/AP" or "X via Getty Images" with a known agency in it."""
    if len(text) > MAX_CREDIT or LINKED.search(text) is None or not is_source(text):
        return False
    parts = list(map(_part_key, _parts(text)))
    if len(parts) < MIN_PARTS:
        return False
    return any(part in LINKS for part in parts) or (any(part in KNOWN for part in parts) and is_unknown_chain(text))


def is_unknown_chain(text: str) -> bool:
    """Whether the text has the form of a chain whose agency is not known: a person and a name, or "X via Y"."""
    if LINKED.search(text) is None or not is_source(text):
        return False
    first = SEPARATORS.split(text)[0]
    return VIA.search(text) is not None or (
        ("/" in text or "|" in text) and PERSON.fullmatch(first.strip()) is not None
    )


def is_agency(text: str) -> bool:
    """Whether the text is the name of an agency and nothing else."""
    return _part_key(text) in AGENCIES


def is_picture_agency(text: str) -> bool:
    """Whether the text is the name of an agency that sells pictures and is no subject of news itself."""
    return _part_key(text) in PICTURE_AGENCIES


def are_wires(text: str) -> bool:
    """Whether the text names agencies that sell texts, and nothing else: "dpa/AFP" may be the source of the story."""
    parts = _parts(text)
    return bool(parts) and all(_part_key(part) in WIRES for part in parts)


@lru_cache(REMEMBERED)
def parse_label(text: str) -> str | None:
    """The source in "Picture: Jon Super/AP", or ``None`` when this is not a label and a source."""
    match = LABELLED.fullmatch(text.strip())
    if match is None:
        return None
    source = match["source"].strip()
    return source if is_source(source) or is_supplier(source) or is_agency(source) else None


def _outlets(content: str) -> str | None:
    """All of "ABC News: Eva Manez": an agency, a newsroom or "Supplied", and who took the picture for it."""
    outlet, mark, name = content.partition(": ")
    words = _part_key(outlet)
    told = mark and (words in AGENCIES or words in SUPPLIERS or (words in KNOWN and words.endswith(" news")))
    return content if told and PERSON.fullmatch(name.strip()) else None


def _worded(content: str) -> str | None:
    """The source in "foto ANSA/Eva Manez", where a known agency does for the colon."""
    match = PHOTO_WORD.fullmatch(content)
    return match["source"] if match and (is_chain(match["source"]) or is_agency(match["source"])) else None


@lru_cache(REMEMBERED)
def parse_bracketed(content: str) -> Credit:
    """What the content of a parenthesis is worth as a credit."""
    content = content.strip()
    labelled = parse_label(content) or _worded(content) or _outlets(content)
    if labelled is not None:
        return Credit(labelled, Strength.SURE, labelled=True)
    stripped = COPYRIGHT.sub("", content)
    marked = stripped != content and (is_source(stripped) or is_supplier(stripped))
    if marked or any(form(content) for form in PICTURED):
        return Credit(content, Strength.SURE, labelled=True)
    if is_chain(stripped):
        return Credit(content, Strength.SURE)
    if is_agency(content) or is_supplier(content):
        return Credit(content, Strength.AGENCY)
    if is_unknown_chain(content):
        return Credit(content, Strength.CHAIN)
    return Credit(content, Strength.NAME if is_source(content) else Strength.NONE)


def expands(before: str, acronym: str) -> bool:
    """Whether the words before a parenthesis are what its letters stand for: "Protection Agency (EPA)"."""
    if not ACRONYM.fullmatch(acronym):
        return False
    words = [word for word in re.split(r"[\s\-]+", before[-EXPANDED:].rstrip()) if word[:1].isalnum()][
        -2 * len(acronym) :
    ]
    letters = acronym.casefold()
    initials = "".join(word[0].casefold() for word in words)
    capitals = "".join(word[0].casefold() for word in words if word[0].isupper())
    begins_so = len(words) >= len(letters) and words[-len(letters)] in ARTICLES
    return (initials.endswith(letters) and not begins_so) or capitals.endswith(letters)
