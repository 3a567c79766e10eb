"""Photo captions and credits: fused into a paragraph, in front of one, or on a line of their own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.credits import (
    COPYRIGHT,

    Credit,
    Strength,
    agencies_in,
    expands,
    is_agency,
    is_chain,
    is_source,
    is_supplier,
    parse_bracketed,
    parse_label,
)
from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import LOWER, UPPER, count_sentences, has_end_mark, key, last_sentence_start
from copydesk_shared.messages import Image

MAX_CAPTION = 420
MIN_KNOWN_CAPTION = 15
MIN_CAPTION_WORDS = 2
MIN_STANDING_WORDS = 5
FULL_PARAGRAPH = 60

BRACKETED = re.compile(r"\s?\((?P<content>[^()\n]{2,160})\)")
FUSED_NEXT = re.compile(rf"[\"“‘'*—–•\[]?[{UPPER}0-9]|[*—–•]\s")
SPACED_NEXT = re.compile(rf"\s[\"“‘']?[{UPPER}]")
DATELINE = re.compile(rf"(?:[{UPPER}][{UPPER}.'’\-]+[ ,/]*){{1,5}}(?:[A-Z][a-z]+\.?,? ?){{0,2}}(?:\d{{1,2}})?,?\s*")
TAIL_LABEL = re.compile(
    rf"(?P<gap>^|(?<=[.!?\"”’)])\s*|(?<=[{LOWER}0-9{UPPER}])(?=[A-Z])|(?<=[{LOWER}0-9{UPPER})])\s+|^\(|\s\()"
    r"(?P<label>Photograph by|Photograph|Photo by|Photo credit|Photo|Picture by|Picture|Pictures|Images? by|Image credits?|"
    r"Image Credits?|Image source|Image|Pic|Credits?|CREDITS?|PHOTO|PICTURE|IMAGE|Foto|FOTO|Bild|BILD|Fotos|Crédit photo|Crédit|Фото|Kuva|Source)"
    r"(?P<mark>\s?:\s*|(?<=by)\s+|(?<=source),\s*)(?P<source>[^:\n]{2,120})$"
)


@dataclass(frozen=True)
class Form:
    """A line that is a caption or a credit by its wording. ``example`` is cut, ``keep`` is not."""

    rule: str
    pattern: re.Pattern[str]
    example: str
    keep: str


_NAME = rf"[{UPPER}][^\s]*(?:\s(?:[{UPPER}/&|][^\s]*|of|the|for|via|and|de|by))*"

# Whole lines. The groups caption and credit, where they are, go to the images.
FORMS: tuple[Form, ...] = (
    Form(
        "caption.ap-file",
        re.compile(r"FILE\s?[-–—]\s?(?P<caption>.+?)(?:\s\((?P<credit>[^()]+)\)(?:\s\([^()]+\))?)?"),
        "FILE - Mike and Jane Roberts tend to their son at their Pocatello home on March 1, 2024.",
        "File your return by January 31 - or face a £100 fine.",
    ),
    Form(
        "caption.bbc",
        re.compile(rf"Image (?:source|copyright),?\s(?P<credit>{_NAME}?)(?:\s?Image caption,?\s(?P<caption>.+))?"),
        "Image source, Getty ImagesImage caption, The crash affected their friendship",
        "Image copyright law has not kept up, the judge said.",
    ),
    Form(
        "caption.bbc-caption",
        re.compile(r"(?:Image|Media) caption,?\s(?P<caption>[^a-z].+)"),
        "Image caption, The crash affected their friendship",
        "Image captions are written last, editors say.",
    ),
    Form(
        "caption.guardian",
        re.compile(
            r"Facebook Twitter Pinterest (?P<caption>.+?)(?:\s(?:Photograph|Illustration|Composite):\s(?P<credit>.+))?"
        ),
        "Facebook Twitter Pinterest A fan reacts after the Cubs won Game 7. Photograph: Charlie Riedel/AP",
        "Facebook, Twitter and Pinterest all fell in early trading.",
    ),
    Form(
        "caption.npr",
        re.compile(r"(?:Enlarge this image|Hide caption|hide caption|toggle caption)(?:\stoggle caption)?\s?(?P<credit>.*)"),
        "Enlarge this image toggle caption Michael Sohn/AP Michael Sohn/AP",
        "Enlarge the image, the detective told them.",
    ),
    Form(
        "caption.reuters-third-party",
        re.compile(r"(?P<caption>.*?)\s?(?P<credit>\S*)\s?THIS (?:IMAGE|PICTURE|VIDEO) (?:HAS BEEN SUPPLIED|WAS (?:PROVIDED|SUPPLIED)) BY A THIRD PARTY.*"),
        "A screen grab. @SubasTheOne/via REUTERS THIS IMAGE HAS BEEN SUPPLIED BY A THIRD PARTY. MANDATORY CREDIT.",
        "“This image has been supplied by a third party,” the court heard.",
    ),
    Form(
        "caption.sun-agency-prefix",
        re.compile(rf"(?P<credit>(?:AP|AFP|PA|EPA|Getty|Rex|Reuters|Alamy|SWNS):[{UPPER}][\w-]*(?: [{UPPER}][\w-]*)?)\s(?P<caption>[{UPPER}].+)"),
        "AP:Associated Press The girls have been released as part of a hostage swap with the militant group",
        "AP: the agency at the heart of the row.",
    ),
    Form(
        "credit.file-name",
        re.compile(r"(?P<credit>[\w-]+\.(?:jpe?g|png|gif|webp))", re.IGNORECASE),
        "AD_152311321.jpg",
        "The file, AD_152311321.jpg, was found on his laptop.",
    ),
)

# An agency in front of a caption: no end mark, or it is a sentence about the agency.
AGENCY_PREFIX = re.compile(
    rf"(?P<credit>Reuters|AFP|AP|EPA|Getty Images|Getty|Rex Features|SWNS|Alamy|Instagram|PA)\s(?P<caption>[{UPPER}][^\s]*(?:\s[^\s]+){{4,}})"
)


def captions(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Captions and credits of the story. One image per finding."""
    known = {key(caption): caption for caption in context.captions if len(caption) >= MIN_KNOWN_CAPTION}
    for index, unit in enumerate(units):
        previous = units[index - 1] if index and units[index - 1].line == unit.line else None
        yield from (
            _formed(unit)
            or list(_bracketed(unit, known))
            or _prefixed(unit)
            or _bare_credit(unit, previous)
            or _tail_label(unit, known)
            or _known_caption(unit, known)
        )


def standing_captions(units: Sequence[Unit], context: Context) -> Iterator[Finding]:  # noqa: ARG001 - all families have one shape
    """A caption and a bracketed name, "The SatMena offices in Muscat (Etlaq)", alone between two full paragraphs."""
    for before, unit, after in zip(units, units[1:], units[2:], strict=False):
        match = BRACKETED.search(unit.text)
        if match is None or match.end() != len(unit.text) or not (_full(before.text) and _full(after.text)):
            continue
        caption = unit.text[: match.start()]
        credit = parse_bracketed(match["content"])
        if (
            credit.strength == Strength.NAME
            and len(caption.split()) >= MIN_STANDING_WORDS
            and not has_end_mark(caption)
            and not expands(caption, credit.source)
        ):
            yield _finding(unit, 0, match.start(), match.end(), "credit.standing", credit.source)


def _full(text: str) -> bool:
    return has_end_mark(text) and len(text) >= FULL_PARAGRAPH


def _image(caption: str, credit: str) -> Image:
    credit = credit.strip()
    return Image(caption=caption.strip(), credit=credit, agencies=agencies_in(credit))


def _finding(unit: Unit, start: int, middle: int, end: int, rule: str, credit: str) -> Finding:
    """A caption from ``start`` to ``middle`` and a credit from there to ``end``, all offsets in the unit."""
    cuts = []
    if unit.text[start:middle].strip():
        cuts.append(Cut(unit.start + start, unit.start + middle, rule, "caption"))
    if end > middle:
        cuts.append(Cut(unit.start + middle, unit.start + end, rule, "credit"))
    return Finding(tuple(cuts), image=_image(unit.text[start:middle], credit))


def _bracketed(unit: Unit, known: dict[str, str]) -> Iterator[Finding]:
    position = 0
    for match in BRACKETED.finditer(unit.text):
        credit = parse_bracketed(match["content"])
        if credit.strength == Strength.NONE:
            continue
        before, after = unit.text[position : match.start()], unit.text[match.end() :]
        if not _stands_as_credit(credit, before, after, known):
            continue
        start = position + _caption_start(before, known)
        yield _finding(unit, start, match.start(), match.end(), "credit.bracketed", credit.source)
        position = match.end()


def _stands_as_credit(credit: Credit, before: str, after: str, known: dict[str, str]) -> bool:
    """Whether the place of a parenthesis is that of a credit, given how credit-like its content is."""
    fused, at_end = FUSED_NEXT.match(after) is not None, not after.strip()
    spaced = SPACED_NEXT.match(after) is not None
    if expands(before, credit.source) or DATELINE.fullmatch(before):
        return False
    if credit.strength == Strength.SURE:
        return fused or at_end or (spaced and count_sentences(before) == 1)
    if len(before.split()) < MIN_CAPTION_WORDS or not before[:1].isupper() and before[:1] not in "’‘“\"'0123456789":
        return False
    if _known_end(before, known) is not None:
        return fused or at_end or spaced
    if credit.strength == Strength.AGENCY:
        return fused or (at_end and not has_end_mark(before))
    return fused and not has_end_mark(before) and count_sentences(before) == 1


def _known_end(before: str, known: dict[str, str]) -> int | None:
    """Where a caption that is known from the page starts, when ``before`` ends with it."""
    words = key(before)
    for caption in known:
        if words.endswith(caption):
            return _start_of_tail(before, caption)
    return None


def _start_of_tail(text: str, tail: str) -> int:
    """The offset in the text at which the tail, given as a key, starts."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(key(text[middle:])) >= len(tail):
            low = middle
        else:
            high = middle - 1
    return low


def _caption_start(before: str, known: dict[str, str]) -> int:
    """Where the caption before a credit starts: where a known one starts, else the line, else its last sentence."""
    start = _known_end(before, known)
    if start is not None:
        return start
    if len(before) <= MAX_CAPTION:
        return 0
    return last_sentence_start(before)


def _formed(unit: Unit) -> list[Finding]:
    for form in FORMS:
        match = form.pattern.fullmatch(unit.text)
        if match is not None:
            groups = match.groupdict()
            cut = Cut(unit.start, unit.end, form.rule, "caption" if groups.get("caption") else "credit")
            return [Finding((cut,), image=_image(groups.get("caption") or "", groups.get("credit") or ""))]
    return []


def _prefixed(unit: Unit) -> list[Finding]:
    match = AGENCY_PREFIX.fullmatch(unit.text)
    if match is None or has_end_mark(unit.text):
        return []
    middle = unit.start + match.start("caption")
    cuts = (Cut(unit.start, middle, "caption.agency-prefix", "credit"), Cut(middle, unit.end, "caption.agency-prefix", "caption"))
    return [Finding(cuts, image=_image(match["caption"], match["credit"]))]


def _bare_credit(unit: Unit, previous: Unit | None) -> list[Finding]:
    """A line, or the end of one, that is a credit and nothing else."""
    text = unit.text
    if is_chain(text) or (previous is not None and is_agency(text)):
        start = unit.start
        cuts = [Cut(start, unit.end, "credit.bare", "credit")]
        if previous is not None and len(previous.text) <= MAX_CAPTION and previous.text[:1].isupper():
            cuts.insert(0, Cut(previous.start, previous.end, "credit.bare", "caption"))
        return [Finding(tuple(cuts), image=_image(previous.text if len(cuts) > 1 and previous else "", text))]
    match = COPYRIGHT.search(text)
    if match is not None and len(text) - match.start() <= MAX_CAPTION and _copyright_source(text[match.end() :]):
        return [_finding(unit, _caption_start(text[: match.start()], {}), match.start(), len(text), "credit.copyright", text[match.start() :])]
    return []


def _copyright_source(text: str) -> bool:
    bare = text.replace("(", "/").replace(")", "")
    return not has_end_mark(bare) and is_source(bare)


def _tail_label(unit: Unit, known: dict[str, str]) -> list[Finding]:
    """ "Guards arriving at the palaceCredit: PA" and "Photograph: Eva Manez/Reuters" at the end of a line."""
    match = TAIL_LABEL.search(unit.text)
    if match is None:
        return []
    source = match["source"].strip(" )")
    if not (is_source(source) or is_supplier(source)):
        return []
    if match["label"] == "Source" and match.start("label") > 0:
        return []
    before = unit.text[: match.start()]
    return [_finding(unit, _caption_start(before, known), match.start(), len(unit.text), "credit.labelled", source)]


def _known_caption(unit: Unit, known: dict[str, str]) -> list[Finding]:
    """A line that is a caption which the page gives for one of its figures."""
    if key(unit.text) not in known:
        return []
    return [Finding((Cut(unit.start, unit.end, "caption.known", "caption"),), image=_image(unit.text, ""))]


def split_caption(text: str) -> Image:
    """A figure's caption taken apart into caption, credit and agencies."""
    text = " ".join(text.split())
    for form in FORMS:
        match = form.pattern.fullmatch(text)
        if match is not None:
            return _image(match.groupdict().get("caption") or "", match.groupdict().get("credit") or "")
    match = TAIL_LABEL.search(text)
    if match is not None and is_source(match["source"].strip(" )")):
        return _image(text[: match.start()], match["source"].strip(" )"))
    return _split_bracketed(text)


def _split_bracketed(text: str) -> Image:
    found = [match for match in BRACKETED.finditer(text) if match.end() == len(text)]
    if found:
        credit = parse_bracketed(found[-1]["content"])
        if credit.strength >= Strength.AGENCY:
            return _image(text[: found[-1].start()], credit.source)
    labelled = parse_label(text)
    if labelled is not None:
        return _image("", labelled)
    if is_chain(text):
        return _image("", text)
    return _image(text, "")


