"""Photo captions and credits: fused into a paragraph, in front of one, or on a line of their own."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from copydesk_cleaner.caption_echoes import lines_above
from copydesk_cleaner.caption_forms import (
    BRACKETED,
    TRAILING_COPYRIGHT,
    Gap,
    Label,
    line_rule,
    tail_label_of,
)
from copydesk_cleaner.caption_signs import is_clause
from copydesk_cleaner.credit_lines import (
    agency_first,
    bare_credit,
    inline_labels,
    prefixed,
    suffixed,
    tail_label,
    uses_prefixes,
)
from copydesk_cleaner.credit_places import (
    MAX_CAPTION,
    MIN_KNOWN_CAPTION,
    WINDOW,
    Place,
    Surroundings,
    caption_start,
    place_of,
    stands_as_credit,
)
from copydesk_cleaner.credits import (
    Strength,
    expands,
    is_agency,
    is_chain,
    is_source,
    is_supplier,
    parse_bracketed,
    parse_label,
)
from copydesk_cleaner.findings import image_of, picture_finding
from copydesk_cleaner.fused_agencies import fused_agency
from copydesk_cleaner.led_lines import led_by_label, unstopped
from copydesk_cleaner.related import LEAD
from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import has_end_mark, key
from copydesk_shared.messages import Image

MIN_STANDING_WORDS = 5
AFTER = 24
FULL_PARAGRAPH = 60
MAX_LABELLED_WORDS = 5
DASHED = re.compile(r"\s([—–|-])\s")
SENTENCE_MARKS = (". ", "! ", "? ", ".” ", '." ')
LEADING_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)[\s:]*(?:\d{4}\s)?", re.IGNORECASE)


def captions(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Captions and credits of the story. One image per finding."""
    around = Surroundings.of(units, context)
    prefixes = uses_prefixes(units)
    found = [_found(units, index, around, prefixes=prefixes) for index in range(len(units))]
    for index, findings in enumerate(found):
        yield from findings
        if findings:
            yield from lines_above(units, index, found)


def _found(units: Sequence[Unit], index: int, around: Surroundings, *, prefixes: bool) -> list[Finding]:
    unit = units[index]
    previous = units[index - 1] if index and units[index - 1].line == unit.line else None
    return (
        _formed(unit)
        or _inside(unit, previous, around)
        or fused_agency(unit, previous, around)
        or prefixed(unit, weak=prefixes)
        or bare_credit(unit, previous, around, prefixes=prefixes)
        or tail_label(unit, previous, around)
        or agency_first(unit, around)
        or suffixed(unit, around)
        or _known_caption(unit, around)
    )


def standing_captions(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """A caption and a bracketed name, "The SatMena offices in Muscat (Etlaq)", alone between two full paragraphs."""
    for before, unit, after in zip(units, units[1:], units[2:], strict=False):
        if not unit.text.endswith((")", "]")) or not (_full(before.text) and _full(after.text)):
            continue
        match = next((found for found in BRACKETED.finditer(unit.text) if found.end() == len(unit.text)), None)
        if match is not None and _is_standing(unit.text[: match.start()], match["content"]):
            yield picture_finding(unit, 0, match.start(), match.end(), "credit.standing", match["content"].strip())


def _is_standing(caption: str, content: str) -> bool:
    credit = parse_bracketed(content)
    return (
        Strength.NAME <= credit.strength <= Strength.CHAIN
        and any(map(str.isalpha, content))  # no year
        and len(caption.split()) >= MIN_STANDING_WORDS
        and not has_end_mark(caption)
        and is_sentence_case(caption)
        and not expands(caption, credit.source)
        and not is_clause(caption)
    )


def is_sentence_case(text: str) -> bool:
    """Whether two in five words at least are in small letters; sub-heads and names of products are not captions."""
    words = [word for word in text.split() if word[:1].isalpha()]
    return 5 * sum(1 for word in words if word[0].islower()) >= 2 * len(words)


def _full(text: str) -> bool:
    return has_end_mark(text) and len(text) >= FULL_PARAGRAPH


def _inside(unit: Unit, previous: Unit | None, around: Surroundings) -> list[Finding]:
    """Credits in brackets and after labels, anywhere in a line."""
    bracketed = list(_bracketed(unit, previous, around))
    labelled = inline_labels(unit, around, bracketed)
    if not bracketed and not labelled:
        return []
    found = sorted((*bracketed, *labelled), key=lambda finding: finding.cuts[0].start)
    return found + tail_label(unit, None, around, found[-1].cuts[-1].end - unit.start)


def _bracketed(unit: Unit, previous: Unit | None, around: Surroundings) -> Iterator[Finding]:
    if "(" not in unit.text and "[" not in unit.text and "（" not in unit.text:
        return
    position = 0
    matches = list(BRACKETED.finditer(unit.text))
    for index, match in enumerate(matches):
        credit = parse_bracketed(match["content"])
        if credit.strength == Strength.NONE:
            continue
        low = max(position, match.start() - WINDOW)
        place, word = place_of(unit.text[match.end() : match.end() + AFTER])
        if index + 1 < len(matches) and matches[index + 1].start() == match.end():
            doubled = parse_bracketed(matches[index + 1]["content"]).strength >= Strength.AGENCY
            place = Place.END if doubled else place
        if not stands_as_credit(credit, unit.text[low : match.start()].lstrip(), place, word, around):
            continue
        start = caption_start(unit, low, match.start(), place, around)
        copyright_mark = TRAILING_COPYRIGHT.search(unit.text, start, match.start())
        middle = copyright_mark.start() if copyright_mark else match.start()
        source = f"{unit.text[middle : match.start()].strip()} ({credit.source})" if copyright_mark else credit.source
        finding = picture_finding(unit, start, middle, match.end(), "credit.bracketed", source)
        yield _unled(_with_double(finding, unit, previous) if not start else finding, unit)
        position = match.end()


def _with_double(finding: Finding, unit: Unit, previous: Unit | None) -> Finding:
    """The finding with the unit before it, when the caption says the same again."""
    caption = finding.image.caption if finding.image else ""
    if previous is None or previous.end != unit.start or len(previous.text) > MAX_CAPTION:
        return finding
    words = key(previous.text)
    if len(words) < MIN_KNOWN_CAPTION or words not in key(caption):
        return finding
    first = finding.cuts[0]
    return replace(finding, cuts=(Cut(previous.start, previous.end, first.rule, "caption"), *finding.cuts))


def _unled(finding: Finding, unit: Unit) -> Finding:
    """In an article on one line a caption may run on from a READ MORE and its headline.

    The caption begins at the last word that begins a sentence without a stop before it, and is unknown without one.
    """
    first = finding.cuts[0]
    text = unit.text[first.start - unit.start : first.end - unit.start]
    if first.kind != "caption" or not LEAD.match(text):
        return finding
    begins = [start for start in unstopped(text) if len(text[start:].split()) >= MIN_STANDING_WORDS]
    middle = begins[-1] if begins else len(text)
    led = Cut(first.start, first.start + middle, "related.read-more", "related-link")
    caption = (replace(first, start=led.end),) if begins else ()
    credit = finding.image.credit if finding.image else ""
    return Finding((led, *caption, *finding.cuts[1:]), image=image_of(text[middle:], credit))


def _formed(unit: Unit) -> list[Finding]:
    found = line_rule(unit.text) if len(unit.text) <= MAX_CAPTION else None
    if found is None or found[0].kind == "caption":
        led = led_by_label(unit)
        if led or found is None:
            return led
    rule, match = found
    groups = match.groupdict()
    cut = Cut(unit.start, unit.end, rule.id, rule.kind)
    return [Finding((cut,), image=image_of(groups.get("caption") or "", groups.get("credit") or ""))]


def _known_caption(unit: Unit, around: Surroundings) -> list[Finding]:
    """A line that is the caption of one of the page's figures. A sentence stays: it may be the text."""
    if not around.known or has_end_mark(unit.text) or not around.known.get(key(unit.text)):
        return []
    return [Finding((Cut(unit.start, unit.end, "caption.known", "caption"),), image=image_of(unit.text, ""))]


def split_caption(text: str, marked: str = "") -> Image:
    """A figure's caption taken apart into caption, credit and agencies.

    ``marked`` is what the page marks as the credit, in the caption or beside it: then no agency needs to be known.
    """
    text, marked = " ".join(text.split()), " ".join(marked.split())
    if marked:
        before, _, after = text.rpartition(marked) if marked in text else (text, "", "")
        rest = f"{before.rstrip(' ([|/–—-')} {after.lstrip(' )]')}".strip() if marked in text else text
        return _with_caption(rest, unlabelled(marked))
    formed = line_rule(text)
    if formed is not None:
        groups = formed[1].groupdict()
        return image_of(groups.get("caption") or "", groups.get("credit") or "")
    label = tail_label_of(text)
    if label is not None and (is_source(label.source) or _is_short_after_label(label)):
        return image_of(text[: label.start], label.source.rstrip("."))
    return _split_copyright(text) or _split_bracketed(text)


def _with_caption(text: str, credit: str) -> Image:
    """The picture of a marked credit; its caption may be labelled too, or end with the same credit once more."""
    own = split_caption(text)
    if credit and credit.casefold() in own.credit.casefold():
        return own
    caption = own.caption if own.credit in {"", credit} or line_rule(text) is not None else text
    return image_of(caption, credit)


def _is_short_after_label(label: Label) -> bool:
    """A label after the end of a sentence, and a few words: "….Photo by the author."."""
    return label.gap in {Gap.MARK, Gap.START} and len(label.source.split()) <= MAX_LABELLED_WORDS


def _split_copyright(text: str) -> Image | None:
    """Caption and credit where a copyright sign, or an end mark alone, stands before a name at the end."""
    found = TRAILING_COPYRIGHT.search(text)
    if found is not None:
        return image_of(text[: found.start()], unlabelled(found.group()))
    for mark in SENTENCE_MARKS:
        caption, _, credit = text.rpartition(mark)
        if caption and (("/" in credit and is_source(credit)) or is_chain(credit) or is_supplier(credit)):
            return image_of(f"{caption}{mark.rstrip()}", credit)
    caption, dash, credit = DASHED.split(text)[-3:] if DASHED.search(text) else ("", "", "")
    known = is_agency(credit) or is_chain(credit)
    return image_of(text.removesuffix(credit).rstrip(" —–-|"), credit) if dash and caption and known else None


def credit_alone(text: str) -> str:
    """The source where the text is the label of a credit and a source, and no more; else nothing."""
    text = text.strip(" ()[]")
    label = tail_label_of(text)
    if label is not None and label.start == 0 and label.gap == Gap.START and is_source(label.source):
        return label.source
    sign = LEADING_COPYRIGHT.match(text)
    if sign is not None and is_source(text[sign.end() :]):
        return text[sign.end() :]
    return parse_label(text) or ""


def unlabelled(marked: str) -> str:
    """A credit without brackets, label and copyright sign."""
    credit = marked.strip(" ()[]|/–—-")
    return credit_alone(credit) or LEADING_COPYRIGHT.sub("", credit)


def _split_bracketed(text: str) -> Image:
    found = [match for match in BRACKETED.finditer(text) if match.end() == len(text)]
    if found:
        credit = parse_bracketed(found[-1]["content"])
        caption = text[: found[-1].start()]
        named = credit.strength == Strength.NAME and has_end_mark(caption)
        if (credit.strength >= Strength.CHAIN or named) and not expands(caption, credit.source):
            return image_of(caption, unlabelled(credit.source))
    labelled = parse_label(text)
    if labelled is not None:
        return image_of("", labelled)
    if is_chain(text):
        return image_of("", text)
    return image_of(text, "")
