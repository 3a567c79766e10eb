"""The text of an article as runs that a page can show: plain, evidence of tags, or cut by the cleaner."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from copydesk_shared.messages import PARAGRAPH_BREAK, Article, ClassifiedArticle, Removal
from copydesk_shared.removals import restore
from copydesk_shared.tags import Evidence

MAX_SPANS = 500  # of evidence that is marked
MOVED = ("caption", "credit")
AROUND_CREDITS = " \t\n()[]"


@dataclass(frozen=True)
class Run:
    """A stretch of text. ``tags`` are the indices of the tags it is evidence for; ``rule`` names what cut it."""

    text: str
    tags: tuple[int, ...] = ()
    rule: str | None = None
    kind: str | None = None


Paragraph = tuple[Run, ...]


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    tag: int


def _fits(evidence: Evidence, field: str, text: str) -> bool:
    inside = 0 <= evidence.start < evidence.end <= len(text)
    matches = inside and text[evidence.start : evidence.end] == evidence.text
    return matches and evidence.field == field and evidence.weight > 0


class _Marks:
    """Which tags each stretch of a text is evidence for."""

    def __init__(self, article: ClassifiedArticle, field: str, text: str) -> None:
        spans = [
            _Span(evidence.start, evidence.end, index)
            for index, tag in enumerate(article.tags)
            for evidence in tag.evidence
            if _fits(evidence, field, text)
        ][:MAX_SPANS]
        self._text = text
        self._edges = sorted({0, len(text), *(span.start for span in spans), *(span.end for span in spans)})
        self._tags = [_covering(spans, edge) for edge in self._edges]

    def runs(self, start: int, end: int) -> Iterator[Run]:
        """The stretch from ``start`` to ``end`` in runs with the same tags."""
        index = bisect_right(self._edges, start) - 1
        while start < end:
            stop = min(end, self._edges[index + 1])
            yield Run(self._text[start:stop], self._tags[index])
            start, index = stop, index + 1


def _covering(spans: Sequence[_Span], edge: int) -> tuple[int, ...]:
    return tuple(sorted({span.tag for span in spans if span.start <= edge < span.end}))


def title_runs(article: ClassifiedArticle) -> Paragraph:
    """The title with its evidence."""
    return tuple(_Marks(article, "title", article.title).runs(0, len(article.title)))


def paragraphs(article: ClassifiedArticle, *, with_removed: bool) -> tuple[Paragraph, ...]:
    """The text with its evidence and, if wanted, with everything that was cut at its place."""
    marks = _Marks(article, "text", article.text)
    if with_removed and removals_fit(article):
        return _split(_with_removed(article, marks))
    return _split(marks.runs(0, len(article.text)))


def removals_fit(article: Article) -> bool:
    """Whether the removals can be put back."""
    try:
        restore(article)
    except ValueError:
        return False
    return True


def picture_of(article: Article, run: Run) -> int | None:
    """The index of the picture that a cut caption or credit went to; ``None`` where it went to none."""
    said = run.text.strip(AROUND_CREDITS)
    if run.kind not in MOVED or not said:
        return None
    told = [f"{image.caption}\n{image.credit}" for image in article.images]
    return next((index for index, text in enumerate(told) if said in text), None)


def _with_removed(article: ClassifiedArticle, marks: _Marks) -> Iterator[Run]:
    position = taken = 0
    for removal in sorted(article.removals, key=_place):
        kept = removal.start - position
        yield from marks.runs(taken, taken + kept)
        yield Run(removal.text, rule=removal.rule, kind=removal.kind)
        taken += kept
        position = removal.end
    yield from marks.runs(taken, len(article.text))


def _place(removal: Removal) -> tuple[int, int]:
    return removal.start, removal.end


def _split(runs: Iterator[Run]) -> tuple[Paragraph, ...]:
    """Paragraphs with something in them."""
    lines: list[list[Run]] = [[]]
    for run in runs:
        first, *others = run.text.split(PARAGRAPH_BREAK)
        lines[-1].append(replace(run, text=first))
        lines += ([replace(run, text=part)] for part in others)
    filled = (tuple(run for run in line if run.text) for line in lines)
    return tuple(line for line in filled if any(run.text.strip() for run in line))
