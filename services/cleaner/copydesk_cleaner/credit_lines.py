"""Credits without brackets: alone on a line, after a label at its end, at its bare end, or in front of the caption."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Sequence
from itertools import islice

from copydesk_cleaner.caption_forms import ALONE, DATED, WEAK_LABELS, Gap, Label, gap_before, tail_label_of
from copydesk_cleaner.caption_signs import shows_picture, tells_story
from copydesk_cleaner.credit_places import MAX_CAPTION, STARTERS, WINDOW, Place, Surroundings, caption_start
from copydesk_cleaner.credits import (
    COPYRIGHT,
    MAX_CREDIT,
    PERSON,
    RIGHTS,
    agencies_in,
    are_wires,
    is_agency,
    is_chain,
    is_picture_agency,
    is_source,
    is_supplier,
    is_unknown_chain,
)
from copydesk_cleaner.findings import image_of, picture_finding
from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.story import MAX_FINDINGS, Cut, Finding, Unit
from copydesk_cleaner.text import LOWER, UPPER, count_sentences, has_end_mark, last_sentence_start

MIN_LABELLED_WORDS = 4
MIN_PREFIXED_WORDS, MIN_SUFFIXED_WORDS = 5, 6
MIN_PREFIXED_LINES = 2
MAX_CHAIN_WORDS = 9
MAX_NAME_WORDS = 3
MAX_INITIAL = 3
MAX_STOPPED = 300
MAX_COPYRIGHT = 60

LABEL_ALONE = re.compile(r"(?:Photo|Photos|Image|Picture|Foto|Fotos|Bild|Imagen|Imagem|Immagine|Zdjęcie|Фото)")
_CAPTION = rf"\s(?P<caption>[{UPPER}0-9‘“'\"][^\s]*(?:\s[^\s]+){{{MIN_PREFIXED_WORDS - 1},}})"
PREFIXES = shipped().vocabulary("prefix_agencies")
_PREFIXES = words_pattern(PREFIXES)
# "Getty Images Victims are carried", "SWNS • PA A survivor is carried", "Kim Kyung Hoon / Reuters A man walks".
PREFIXED = re.compile(
    rf"(?P<credit>{_PREFIXES}(?: ?[•|] ?{_PREFIXES})?|(?:[{UPPER}][\w.'’-]+ ){{1,4}}?/ ?{_PREFIXES})" + _CAPTION
)
# The same where a page has shown that it prints credits in front of captions.
WEAK_PREFIXED = re.compile(rf"(?P<credit>{words_pattern(shipped().vocabulary('weak_prefixes'))})" + _CAPTION)
# A label inside a line, and where its source may run on into the next sentence.
MARKS = ("©", "(c)", "(C)")
INLINE = re.compile(
    "|".join(
        rf"{label} ?: ?"
        for label in (
            *("Photograph", "PHOTO", "Photos", "Photo [Cc]redit", "Photo", "Pictures", "Picture", "Image", "CREDIT"),
            *("Credit", "Crédit photo", "Crédit", "Crédito", "Fotos", "Foto", "Bildquelle", "Bild", "Imagen"),
            *("Imagem", "Zdjęcie", "Фото"),
        )
    )
    + r"|Photos? by |Image by |Picture by |© ?|\([cC]\) ?"
)
RUN_ON = re.compile(
    rf"(?<=[^\W\d_])(?=(?: [\"“‘„«]?(?P<spaced>[{UPPER}][\w’']*)|(?:(?<=[{LOWER}])[\"“‘„«]?[{UPPER}]"
    rf"|[\"“‘„«]?[{UPPER}][{LOWER}])))"
)
# At the bare end of a line: a chain, or an agency that is no subject of news.
_AGENCY_END = re.compile(
    rf"(?P<gap>\s)(?P<credit>{words_pattern([w.title() for w in shipped().vocabulary('picture_agencies')])}|EPA|AFP)$"
)
# "REUTERS/Valentyn Ogirenko": the agency first, as in no sentence; where a name runs on into the next one.
_AGENCY_FIRST = r"(?:REUTERS|AFP|AP|EPA|EFE|ANSA|PAP|LUSA|ANP|UPI|AAP|TASS|NTB|TT)/ ?"
AGENCY_FIRST = re.compile(rf"(?<=[.!?…”\"’)] ){_AGENCY_FIRST}(?=[{UPPER}])")
NAME_JOINT = re.compile(rf"(?<=[{LOWER}]{{2}})(?=(?P<word>[{UPPER}][\w’']*)|[\"“‘«])")
NAMES_OF = re.compile(rf"[^().©]{{2,50}} ?\((?P<agency>[^()]{{2,30}})\)(?=\s?[\"“„«]?[{UPPER}])")
FIRST_CHAIN = re.compile(rf"{_AGENCY_FIRST}[{UPPER}].*")
QUOTED = re.compile(r"[\"“”«»„]")
VIA = re.compile(r" via$")
GOVERNED = frozenset(shipped().vocabulary("governing_words"))
OPENERS = frozenset(shipped().vocabulary("sentence_openers"))


def uses_prefixes(units: Sequence[Unit]) -> bool:
    """Whether the page prints the names of agencies in front of captions, in some lines at least."""
    found = 0
    for unit in units:
        found += bool(prefixed(unit, weak=False))
        if found >= MIN_PREFIXED_LINES:
            return True
    return False


def prefixed(unit: Unit, *, weak: bool) -> list[Finding]:
    """An agency in front of a caption. There is no end mark, or it is a sentence about the agency."""
    text = unit.text
    if len(text) > MAX_CAPTION or has_end_mark(text):
        return []
    begun = text.startswith(PREFIXES) or "/" in text  # a name before a slash may be anybody's
    match = PREFIXED.fullmatch(text) if begun else None
    if match is None and weak:
        match = WEAK_PREFIXED.fullmatch(text)
    if match is None or _is_title_case(match["caption"]):
        return []
    rule = "caption.agency-prefix"
    middle = unit.start + match.start("caption")
    cuts = (Cut(unit.start, middle, rule, "credit"), Cut(middle, unit.end, rule, "caption"))
    return [Finding(cuts, image=image_of(match["caption"], match["credit"]))]


def _is_title_case(text: str) -> bool:
    words = [word for word in text.split() if word[:1].isalpha()]
    return not any(word[:1].islower() for word in words) or sum(word[:1].islower() for word in words) * 4 < len(words)


def bare_credit(unit: Unit, previous: Unit | None, around: Surroundings, *, prefixes: bool) -> list[Finding]:
    """A line, or the end of one, that is a credit and nothing else."""
    text = unit.text
    if len(text) <= MAX_CREDIT and _is_credit(text, alone=previous is not None or prefixes):
        finding = picture_finding(unit, 0, 0, len(text), "credit.bare", text)
        return [with_caption(finding, previous, text, around)]
    if "©" not in text and "(c)" not in text and "(C)" not in text:
        return []
    match = COPYRIGHT.search(text)
    if match is None or len(text) - match.start() > MAX_CAPTION or not _copyright_source(text[match.end() :]):
        return []
    start = caption_start(unit, 0, match.start(), Place.END, around)
    return [picture_finding(unit, start, match.start(), len(text), "credit.copyright", text[match.start() :])]


def _is_credit(text: str, *, alone: bool) -> bool:
    """Whether the text is a credit; ``alone`` when the name of any agency is enough."""
    if has_end_mark(text):
        return False
    if is_chain(text):
        return not are_wires(text) or " - " in text
    return LABEL_ALONE.fullmatch(text) is not None or (is_agency(text) if alone else is_picture_agency(text))


def with_caption(finding: Finding, previous: Unit | None, credit: str, around: Surroundings) -> Finding:
    """The finding with its caption: the unit of the same line before it, or the last sentence of one of several."""
    if previous is None or len(previous.text) > MAX_CAPTION or not previous.text[:1].isupper():
        return finding
    start = caption_start(previous, 0, len(previous.text), Place.FUSED, around)
    if start == len(previous.text):
        start = last_sentence_start(previous.text)
        caption = previous.text[start:]
        if tells_story(caption) or not shows_picture(caption):
            return finding
    first = Cut(previous.start + start, previous.end, finding.cuts[0].rule, "caption")
    return Finding((first, *finding.cuts), image=image_of(previous.text[start:], credit))


def _copyright_source(text: str) -> bool:
    if RIGHTS.match(text):
        return False
    if is_supplier(text):
        return True
    bare = text.replace("(", "/").replace(")", "")
    return not has_end_mark(bare) and is_source(bare)


def tail_label(unit: Unit, previous: Unit | None, around: Surroundings, low: int = 0) -> list[Finding]:
    """A label and a source at the end of a line: "Guards at the palaceCredit: PA", "Photograph: Eva Manez/Reuters".

    Neither they nor the caption may begin before ``low``.
    """
    text = unit.text
    label = tail_label_of(text)
    if label is None or not (is_source(label.source) or is_supplier(label.source)):
        return []
    if not _is_credits(text, label) and not (previous is not None and label.gap == Gap.START):
        return []
    rule = "credit.labelled"
    if label.start < low:
        return []
    if label.start:
        start = caption_start(unit, low, label.start, Place.END, around)
        return [picture_finding(unit, start, label.start, len(text), rule, label.source)]
    alone = picture_finding(unit, 0, 0, len(text), rule, label.source)
    return [with_caption(alone, previous, label.source, around)]


def inline_labels(unit: Unit, around: Surroundings, taken: Sequence[Finding]) -> list[Finding]:
    """Labels and known sources in the middle of a line: "Guards at the palaceCredit: PAThe minister said…".

    ``taken`` are findings of this unit, in order; a caption does not reach back over them.
    """
    text = unit.text
    if ":" not in text and " by " not in text and "©" not in text and "(c)" not in text and "(C)" not in text:
        return []  # one of them is in every line with such a label
    found: list[Finding] = []
    cuts = [finding.cuts[-1].end - unit.start for finding in taken]
    low = 0
    for match in islice(INLINE.finditer(unit.text), MAX_FINDINGS):
        end = source_end(unit.text, match.end()) if match.start() >= low else None
        if end is None and match.start() >= low and match[0].startswith(MARKS):
            end = _names_end(unit.text, match.end())
        elif end is None and match.start() >= low and _is_closed(unit.text[low : match.start()]):
            end = _person_end(unit.text, match.end())
        if end is None or is_source(unit.text[match.end() :]):
            continue
        while cuts and cuts[0] <= match.start():
            low = max(low, cuts.pop(0))
        low = max(low, match.start() - WINDOW)
        gap = gap_before(unit.text[low : match.start()], match[0])
        if gap is not None:
            middle = low + gap[0]
            place = Place.SPACED if unit.text[end] == " " else Place.FUSED
            start = caption_start(unit, low, middle, place, around)
            is_mark = match[0].startswith(MARKS)
            rule, first = ("credit.copyright", match.start()) if is_mark else ("credit.labelled", match.end())
            found.append(picture_finding(unit, start, middle, end, rule, unit.text[first:end]))
            low = end
    return found


def _is_closed(before: str) -> bool:
    """Whether what stands before a label has an end: a mark or a bar."""
    bare = before.rstrip()
    return bare.endswith("|") or has_end_mark(bare[-2:])


def source_end(text: str, start: int) -> int | None:
    """Where a known source ends that runs on into the next sentence; the longest that may."""
    found = None
    for match in RUN_ON.finditer(text, start, start + MAX_CREDIT):
        source = text[start : match.start()]
        alone = is_agency(source) or is_supplier(source)
        if not alone and not is_chain(source):
            continue
        named = agencies_in(source)[-1:] or (source.rpartition("/")[2],)
        if not alone and not source.endswith(named):
            continue
        if match["spaced"] is None or match["spaced"] in STARTERS or any(map(is_picture_agency, named)):
            found = match.start()
    return found


def _names_end(text: str, start: int) -> int | None:
    """Where names that need not be known end after a copyright sign: "© Harbour Post / Jane RoeThe board met"."""
    bracketed = NAMES_OF.match(text, start)
    if bracketed and is_agency(bracketed["agency"]):
        return bracketed.end()
    for match in NAME_JOINT.finditer(text, start, start + MAX_COPYRIGHT):
        if match["word"] in STARTERS and is_source(text[start : match.start()]):
            return match.start()
    return None


def _person_end(text: str, start: int) -> int | None:
    """Where the name of somebody who need not be known ends behind a label: "Photo: Jane Roe She said"."""
    for match in RUN_ON.finditer(text, start, start + MAX_COPYRIGHT):
        source = text[start : match.start()]
        if match["spaced"] in OPENERS and (PERSON.fullmatch(source) or is_unknown_chain(source)):
            return match.start()
    return None


def _is_credits(text: str, label: Label) -> bool:
    """Whether the label is one of a picture: "Best Picture: Anora" and "Universal Credit: Who Qualifies" are not."""
    if label.words == ALONE:
        is_named = label.gap == Gap.START and is_unknown_chain(label.source)
        return is_named or is_chain(label.source) or (label.gap == Gap.MARK and is_agency(label.source))
    if label.gap == Gap.START or is_chain(label.source) or is_agency(label.source):
        return True
    if label.words in WEAK_LABELS:
        return label.gap == Gap.FUSED and is_unknown_chain(label.source)
    before = text[: label.start]
    return label.gap != Gap.SPACE or (len(before.split()) >= MIN_LABELLED_WORDS and not _is_title_case(before))


def _ends(word: str) -> bool:
    """Whether a word ends a sentence or a date, and is no part of a name: not "J." or "Jr."."""
    return (len(word) > MAX_INITIAL and has_end_mark(word)) or word.strip(".,")[-1:].isdigit()


def agency_first(unit: Unit, around: Surroundings) -> list[Finding]:
    """An agency and a name, "REUTERS/Eva Manez", after a caption's stop, run on into the next sentence: "ManezThe…"."""
    match = AGENCY_FIRST.search(unit.text) if "/" in unit.text else None
    if match is None:
        return []
    joints = list(NAME_JOINT.finditer(unit.text, match.end(), match.start() + MAX_CREDIT))
    ends = [joint.start() for joint in joints if is_chain(unit.text[match.start() : joint.start()])]
    known = [joint.start() for joint in joints if joint["word"] in STARTERS and joint.start() in ends]
    if not ends:
        return []
    end, low = (known or ends)[0], max(0, match.start() - WINDOW)
    middle = len(unit.text[: match.start()].rstrip())
    start = caption_start(unit, low, middle, Place.FUSED, around)
    return [picture_finding(unit, start, middle, end, "credit.trailing", unit.text[match.start() : end])]


def suffixed(unit: Unit, around: Surroundings) -> list[Finding]:
    """A chain at the bare end of a line, "…in Nice Eva Manez/Reuters", or an agency after a caption without a stop."""
    text = unit.text
    start = None if has_end_mark(text) or text[-1] in ")]" else _suffix_start(text)
    before = text[:start].rstrip() if start else ""
    if not before or before.split()[-1].casefold() in GOVERNED:
        return []
    is_caption = not has_end_mark(before) or (not around.one_line and _is_stopped_caption(unit, before))
    caption = len(before) if not is_caption else caption_start(unit, 0, len(before), Place.END, around)
    return [picture_finding(unit, caption, start or 0, len(text), "credit.trailing", text[start:])]


def _suffix_start(text: str) -> int | None:
    """Where the credit at the end of a text starts."""
    start = _chain_start(text) if "/" in text[-MAX_CREDIT:] else None
    if start is not None:
        return start
    match = _AGENCY_END.search(text, max(0, len(text) - 40))
    if match is None or len(text) > MAX_CAPTION or len(text.split()) < MIN_SUFFIXED_WORDS:
        return None
    start = match.start("credit")
    return None if _is_title_case(text[:start]) else _via_start(text, start)


def _via_start(text: str, start: int) -> int:
    """The start with the word before it, as in "via Getty Images", and the name that begins a sentence before that."""
    via = VIA.search(text[:start].rstrip())
    if via is None:
        return start
    last = last_sentence_start(text)
    return last if last and is_chain(text[last:]) else via.start() + 1


def _is_stopped_caption(unit: Unit, before: str) -> bool:
    """Whether a text with an end mark is the caption of the chain after it.

    It says its date; or it is one sentence without a quotation, and an agency that goes first comes after it.
    """
    if DATED.search(before) is not None:
        return True
    is_first = FIRST_CHAIN.fullmatch(unit.text[len(before) :].strip()) is not None
    is_plain = count_sentences(before) == 1 and QUOTED.search(before) is None
    return is_first and is_plain and unit.start > 0 and len(before) <= MAX_STOPPED


def _chain_start(text: str) -> int | None:
    """Where a chain with a known agency starts that ends the text, with the name before its first slash."""
    words = text.split(" ")
    first = next((i for i in range(max(1, len(words) - MAX_CHAIN_WORDS), len(words)) if "/" in words[i]), None)
    if first is None:
        return None
    stop = next((i + 1 for i in range(first - 1, max(0, first - 1 - MAX_NAME_WORDS), -1) if _ends(words[i])), None)
    usual = first - 1 - (words[first] == "/")
    for start in (stop, usual, first):
        chain = " ".join(words[start:]) if start else ""
        if chain and is_chain(chain) and not any(word.casefold() in GOVERNED for word in words[start:first]):
            return len(text) - len(chain)
    return None
