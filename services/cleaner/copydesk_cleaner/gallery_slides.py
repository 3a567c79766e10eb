"""Galleries that were scraped into the text, a slide a line."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from copydesk_cleaner.findings import image_of
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_cleaner.text import has_end_mark

MIN_SLIDES = 3
NUMBERED = re.compile(r"(?P<number>\d{1,3})/(?P<all>\d{1,3}) (?=\S+ \S+ \S)")
# What is printed around a caption.
FRAME = re.compile(r"(?P<lead>Photos: )?.*(?P<tail> Hide Caption \d+ of \d+)", re.DOTALL)


def gallery_slides(whole: Family) -> Family:
    """Slides go whole, as this family cuts them, unless the text is nothing else: then their captions are the text, and
    only the frames go.
    """

    def family(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        found = list(whole(units, context))
        starts = {finding.cuts[0].start for finding in found}
        if not found or any(unit.start not in starts and has_end_mark(unit.text) for unit in units):
            yield from found
            return
        for unit in units:
            if unit.start in starts and (match := FRAME.fullmatch(unit.text)) is not None:
                yield Finding(tuple(_frame(unit, match)))

    return family


def _frame(unit: Unit, match: re.Match[str]) -> Iterator[Cut]:
    for group in ("lead", "tail"):
        if match[group]:
            start, end = match.span(group)
            yield Cut(unit.start + start, unit.start + end, "boilerplate.gallery-slide", "boilerplate")


def numbered_slides(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """Lines "3/30 Storm over the harbour …" of a text in which several count on to the same number."""
    counted: dict[str, list[tuple[int, Unit]]] = defaultdict(list)
    for unit in units:
        match = NUMBERED.match(unit.text) if unit.text[0].isdigit() else None
        if match is not None:
            counted[match["all"]].append((int(match["number"]), unit))
    for last, slides in counted.items():
        numbers = [number for number, _unit in slides]
        if len(slides) >= MIN_SLIDES and numbers == sorted(set(numbers)) and numbers[-1] <= int(last):
            for _number, unit in slides:
                caption = NUMBERED.sub("", unit.text)
                cut = Cut(unit.start, unit.end, "caption.numbered-slide", "caption")
                yield Finding((cut,), image=image_of(caption, ""))
