"""Photo captions and credits: fused into a paragraph, in front of one, or on a line of their own."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

from collections.abc import Iterator, Sequence
from dataclasses import replace

from copydesk_cleaner.caption_forms import (
    AGENCY_PREFIX,
    BRACKETED,
    DATELINE,
    FORMS,
    FUSED_NEXT,
    SPACED_NEXT,
    TAIL_LABEL,
)
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
from copydesk_cleaner.related import LEAD
from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import count_sentences, has_end_mark, key, last_sentence_start
from copydesk_shared.messages import Image

MAX_CAPTION = 480
MIN_KNOWN_CAPTION = 15
STARTS = "’‘“\"'0123456789"  # of a caption, besides a capital
MIN_CAPTION_WORDS = 2
MIN_STANDING_WORDS = 5
MAX_PLACE_WORDS = 3
MAX_DATELINE = 60
WINDOW = 2000  # how far back a caption is looked for
WIRES = frozenset({"afp", "ap", "cnn", "cnn business", "cnn money", "cnnmoney", "reuters", "upi"})
FULL_PARAGRAPH = 60


def captions(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Captions and credits of the story. One image per finding."""
    known = {key(text): False for text in context.alternatives if len(text) >= MIN_KNOWN_CAPTION}
    known |= {
        key(text): key(text) not in context.headings for text in context.captions if len(text) >= MIN_KNOWN_CAPTION
    }
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


def standing_captions(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
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
            and _is_sentence_case(caption)
            and not expands(caption, credit.source)
        ):
            yield _finding(unit, 0, match.start(), match.end(), "credit.standing", credit.source)


def _is_sentence_case(text: str) -> bool:
    """Whether most words are in small letters; sub-heads and names of products are not captions."""
    words = text.split()
    return 2 * sum(1 for word in words if word[:1].islower()) > len(words) - 1


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


def _bracketed(unit: Unit, known: dict[str, bool]) -> Iterator[Finding]:
    position = 0
    for match in BRACKETED.finditer(unit.text):
        credit = parse_bracketed(match["content"])
        if credit.strength == Strength.NONE:
            continue
        low = max(position, match.start() - WINDOW)
        before, after = unit.text[low : match.start()], unit.text[match.end() : match.end() + 3]
        if not _stands_as_credit(credit, before, after, known):
            continue
        start = low + _caption_start(before, known)
        yield _unled(_finding(unit, start, match.start(), match.end(), "credit.bracketed", credit.source), unit)
        position = match.end()


def _unled(finding: Finding, unit: Unit) -> Finding:
    """In an article on one line a caption may run on from a READ MORE; where the headline ends is then unknown."""
    first = finding.cuts[0]
    if first.kind != "caption" or not LEAD.match(unit.text[first.start - unit.start :]):
        return finding
    led = replace(first, rule="related.read-more", kind="related-link")
    credit = finding.image.credit if finding.image else ""
    return Finding((led, *finding.cuts[1:]), image=_image("", credit))


def _stands_as_credit(credit: Credit, before: str, after: str, known: dict[str, bool]) -> bool:
    """Whether the place of a parenthesis is that of a credit, given how credit-like its content is."""
    fused, at_end = FUSED_NEXT.match(after) is not None, not after.strip()
    spaced = SPACED_NEXT.match(after) is not None
    if expands(before, credit.source) or _is_dateline(before, credit.source):
        return False
    if credit.strength == Strength.SURE:
        return fused or at_end or (spaced and count_sentences(before) == 1)
    if len(before.split()) < MIN_CAPTION_WORDS or not (before[:1].isupper() or before[:1] in STARTS):
        return False
    if _known_end(before, known) is not None:
        return fused or at_end or spaced
    if credit.strength == Strength.AGENCY:
        return fused or (at_end and not has_end_mark(before))
    return fused and not has_end_mark(before) and count_sentences(before) == 1


def _is_dateline(before: str, source: str) -> bool:
    """The place and the wire, "Hong Kong (CNN Business)", and what follows fused to them start a story: no caption."""
    words = before.split()
    if len(before) <= MAX_DATELINE and DATELINE.fullmatch(before):
        return True
    return key(source) in WIRES and len(words) <= MAX_PLACE_WORDS and all(word[:1].isupper() for word in words)


def _known_end(before: str, known: dict[str, bool]) -> int | None:
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


def _caption_start(before: str, known: dict[str, bool]) -> int:
    """Where the caption before a credit starts: where a known one starts, else the line, else its last sentence."""
    start = _known_end(before, known)
    if start is not None:
        return start
    if len(before) <= MAX_CAPTION:
        return 0
    return last_sentence_start(before)


def _formed(unit: Unit) -> list[Finding]:
    if len(unit.text) > MAX_CAPTION:  # a whole article in one line may begin with a caption
        return []
    for form in FORMS:
        match = form.pattern.fullmatch(unit.text) if form.needs in unit.text else None
        if match is not None:
            groups = match.groupdict()
            cut = Cut(unit.start, unit.end, form.rule, "caption" if groups.get("caption") else "credit")
            return [Finding((cut,), image=_image(groups.get("caption") or "", groups.get("credit") or ""))]
    return []


def _prefixed(unit: Unit) -> list[Finding]:
    match = AGENCY_PREFIX.fullmatch(unit.text)
    if match is None or has_end_mark(unit.text) or len(unit.text) > MAX_CAPTION:
        return []
    middle = unit.start + match.start("caption")
    cuts = (
        Cut(unit.start, middle, "caption.agency-prefix", "credit"),
        Cut(middle, unit.end, "caption.agency-prefix", "caption"),
    )
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
        return [
            _finding(
                unit,
                _caption_start(text[: match.start()], {}),
                match.start(),
                len(text),
                "credit.copyright",
                text[match.start() :],
            )
        ]
    return []


def _copyright_source(text: str) -> bool:
    bare = text.replace("(", "/").replace(")", "")
    return not has_end_mark(bare) and is_source(bare)


def _tail_label(unit: Unit, known: dict[str, bool]) -> list[Finding]:
    """A label and a source at the end of a line: "Guards at the palaceCredit: PA", "Photograph: Eva Manez/Reuters"."""
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


def _known_caption(unit: Unit, known: dict[str, bool]) -> list[Finding]:
    """A line that is the caption of one of the page's figures. A sentence stays: it may be the text."""
    if not known.get(key(unit.text)) or has_end_mark(unit.text):
        return []
    return [Finding((Cut(unit.start, unit.end, "caption.known", "caption"),), image=_image(unit.text, ""))]


def split_caption(text: str, marked: str = "") -> Image:
    """A figure's caption taken apart into caption, credit and agencies.

    ``marked`` is the end of it that the page marks as the credit: then no agency needs to be known.
    """
    text = " ".join(text.split())
    if marked and text.endswith(marked):
        credit = marked.strip(" ()[]")
        return _image(text.removesuffix(marked), parse_label(credit) or credit)
    for form in FORMS:
        match = form.pattern.fullmatch(text) if form.needs in text else None
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
