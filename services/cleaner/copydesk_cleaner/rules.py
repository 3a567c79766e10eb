"""The families of rules, in the order in which they run: what is sure first, what needs clean neighbours last."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from copydesk_cleaner.captions import captions, standing_captions
from copydesk_cleaner.gallery_slides import gallery_slides, numbered_slides
from copydesk_cleaner.headlines import bare_headlines
from copydesk_cleaner.host_lines import host_lines
from copydesk_cleaner.inline_lines import inline_lines
from copydesk_cleaner.one_line import by_sentence, inner_headlines
from copydesk_cleaner.page_lines import author_bios, author_lines, opening_crumbs, tag_lines
from copydesk_cleaner.related import announced, known_titles, read_more
from copydesk_cleaner.repeats import repeated_paragraphs
from copydesk_cleaner.rulebook import Book, Source, book_with, shipped
from copydesk_cleaner.rulebook.engine import edge_family, line_family
from copydesk_cleaner.rulebook.sieve import Sieve, shipped_sieve
from copydesk_cleaner.story import Context, Family, Finding, Story, Unit
from copydesk_cleaner.titles import title_echo
from copydesk_cleaner.unmarked_captions import unmarked_captions

# The order names the rule where several match.
LINES = (
    "boilerplate",
    "signoffs",
    "bylines",
    "bios",
    "comments",
    "crumbs",
    "legal",
    "widgets",
    "promotions",
    "prompts",
    "walls",
    "live",
    "furniture",
    "site",
    "templates",
)
CLOSING_UNITS = OPENING_UNITS = 3


def _closing(family: Family) -> Family:
    """The same for the end of a text only, where an agency's name is a signature and no picture credit.

    What stands before a line that goes is at the end then, so that what is left is clean.
    """

    def closing(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        left, gone = list(units), {(-1, -1)}
        while gone:
            last = left[-CLOSING_UNITS:]
            found = list(family(last, context))
            yield from found
            gone = {(finding.cuts[0].start, finding.cuts[0].end) for finding in found}
            gone &= {(unit.start, unit.end) for unit in last}
            left[-CLOSING_UNITS:] = [unit for unit in last if (unit.start, unit.end) not in gone]

    return closing


def _opening(family: Family) -> Family:
    """The same for the beginning of a text, where a label and a name are the author's and no picture credit."""

    def opening(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        turned = _closing(lambda last, known: family(last[::-1], known))
        yield from turned(units[::-1], context)

    return opening


def _at_the_ends(family: Family) -> Family:
    """The same for texts that have such lines among their first or last ones and nowhere else."""

    def at_the_ends(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        found = list(family(units, context))
        ends = {unit.start for unit in (*units[:OPENING_UNITS], *units[-CLOSING_UNITS:])}
        if all(finding.cuts[0].start in ends for finding in found):
            yield from found

    return at_the_ends


def families(book: Book) -> tuple[Family, ...]:
    """All families, those of files from this book; families that the book has besides ours run after ours."""
    ours = shipped().families
    others = [name for name in book.families if name not in ours]
    sieve = shipped_sieve() if book is shipped() else Sieve(book.rules())

    def lines(*names: str) -> Family:
        return line_family(book.rules(*names), sieve)

    def edges(*names: str) -> Family:
        return edge_family(book.rules(*names), sieve)

    inline = inline_lines((lines(*LINES, "related"), announced(book.leads)), (lines("signoffs", "closings"),))
    return (
        title_echo,
        known_titles,
        host_lines,
        lines("sources"),
        edges("sources"),
        _closing(lines("signoffs")),
        _closing(edges("signoffs")),
        opening_crumbs,
        author_lines,
        _opening(lines("bylines")),
        _closing(lines("bylines")),
        _at_the_ends(lines("byline-labels")),
        gallery_slides(lines("galleries")),
        numbered_slides,
        inline,
        read_more(book.leads),
        lines("related"),
        captions,
        lines(*LINES),
        inline,
        by_sentence(lines("promotions", "prompts")),
        edges("edges"),
        edges("signoffs"),
        tag_lines,
        author_bios,
        repeated_paragraphs,
        *(make(name) for name in others for make in (lines, edges)),
        standing_captions,
        unmarked_captions,
        bare_headlines,
        inner_headlines,
        _closing(lines("closings")),
    )


@lru_cache(maxsize=2)
def families_with(extra: tuple[Source, ...] = ()) -> tuple[Family, ...]:
    """The families with an operator's rule files, compiled once a process, and in that only which cleans.

    Raises :class:`InputError`.
    """
    return families(book_with(extra) if extra else shipped())


def tidy(text: str, context: Context, families: Sequence[Family] | None = None) -> Story:
    """Run every family over a normalised text, those of :func:`families_with` where none are given."""
    story = Story.of(text)
    for family in families_with() if families is None else families:
        story.apply(family, context)
    return story
