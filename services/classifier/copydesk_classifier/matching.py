"""From occurrences of phrases to hits: what speaks for and against one tag, and where."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from copydesk_classifier.lexicon import CompiledNear, CompiledPhrase, CompiledTag, Found, Negatives, Span
from copydesk_classifier.tokens import Document


class Hit(NamedTuple):
    """Something that fired on the words from ``start`` up to ``end``.

    ``key`` is the same for repeats of the same phrase or rule. ``weight`` is always positive.
    """

    start: int
    end: int
    rule: str
    key: str
    weight: float


class Hits(NamedTuple):
    """All hits of one tag in one document, each list in the order of the text."""

    positive: list[Hit]
    sentence_vetoes: list[Hit]
    document_vetoes: list[Hit]


class Cover:
    """Spans that hide what lies within one of them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._reach = list(accumulate((end for _, end in ordered), max))

    def hides(self, span: Span) -> bool:
        before = bisect_right(self._starts, span[0])
        return before > 0 and self._reach[before - 1] >= span[1]


def _spans(found: Found, terms: frozenset[int]) -> list[Span]:
    return [span for term in terms.intersection(found) for span in found[term]]


def _masked(found: Found, compiled: CompiledTag) -> Found:
    """What is found of this tag's terms once the phrases to ignore are laid over it."""
    own = {term: found[term] for term in compiled.speaking.intersection(found)}
    ignored = _spans(found, compiled.ignore)
    if not ignored:
        return own
    cover = Cover(ignored)
    return {term: [span for span in spans if not cover.hides(span)] for term, spans in own.items()}


def _longest(hits: list[Hit]) -> list[Hit]:
    """The hits that lie within no longer one, in order. Of equal spans the heaviest stays."""
    kept: list[Hit] = []
    reach = -1
    for hit in sorted(hits, key=lambda each: (each.start, -each.end, -each.weight, each.key)):
        if hit.end > reach:
            kept.append(hit)
            reach = hit.end
    return kept


def _phrase_hits(found: Found, phrases: Mapping[int, CompiledPhrase]) -> list[Hit]:
    return _longest(
        [
            Hit(start, end, phrases[term].name, f"{phrases[term].name}/{term}", phrases[term].weight)
            for term in found.keys() & phrases.keys()
            for start, end in found[term]
        ]
    )


def _partner(span: Span, others: list[Span], window: int, *, ordered: bool) -> Span | None:
    """The nearest other span within the window; at equal distance the one after."""
    at = bisect_left(others, (span[1], 0))
    after = others[at] if at < len(others) and others[at][0] - span[1] <= window else None
    if ordered:
        return after
    at = bisect_left(others, (span[0], 0)) - 1
    while at >= 0 and others[at][1] > span[0]:
        at -= 1
    before = others[at] if at >= 0 and span[0] - others[at][1] <= window else None
    if after and before:
        return after if after[0] - span[1] <= span[0] - before[1] else before
    return after or before


def _sentences(found: Found, terms: frozenset[int], document: Document) -> set[int]:
    return {document.sentences[start] for start, _ in _spans(found, terms)}


def near_hits(rule: CompiledNear, found: Found, document: Document) -> Iterator[Hit]:
    """Each ``a`` with its nearest ``b`` in the same sentence, where the sentence has what it needs and no obstacle."""
    others = sorted(_spans(found, rule.b))
    starts = sorted(_spans(found, rule.a)) if others else []
    if not starts:
        return
    barred = _sentences(found, rule.unless, document)
    wanted = _sentences(found, rule.need, document) if rule.need else None
    reach = -1
    for span in starts:
        sentence = document.sentences[span[0]]
        if span[0] < reach or sentence in barred or (wanted is not None and sentence not in wanted):
            continue
        partner = _partner(span, others, rule.window, ordered=rule.ordered)
        if partner and document.sentences[partner[0]] == sentence:
            reach = max(span[1], partner[1])
            yield Hit(min(span[0], partner[0]), reach, rule.name, rule.name, rule.weight)


def _rule_hits(rules: Iterable[CompiledNear], found: Found, document: Document) -> list[Hit]:
    return [hit for rule in rules for hit in near_hits(rule, found, document)]


def _beyond(rules: list[Hit], phrases: list[Hit]) -> list[Hit]:
    """The rule hits that say more than a phrase that was counted already; of two on the same words the heavier."""
    heaviest: dict[Span, Hit] = {}
    for hit in sorted(rules, key=lambda each: (each.weight, each.rule)):
        heaviest[hit.start, hit.end] = hit
    cover = Cover((hit.start, hit.end) for hit in phrases)
    return [hit for span, hit in heaviest.items() if not cover.hides(span)]


def _negative_hits(negatives: Negatives, found: Found, document: Document) -> list[Hit]:
    return sorted(_phrase_hits(found, negatives.phrases) + _rule_hits(negatives.rules, found, document))


def find_hits(compiled: CompiledTag, found: Found, document: Document) -> Hits:
    """What speaks for and against this tag. A veto sees the text without the mask of ignored phrases."""
    masked = _masked(found, compiled)
    phrases = _phrase_hits(masked, compiled.phrases)
    positive = phrases + _beyond(_rule_hits(compiled.rules, masked, document), phrases)
    if not positive:
        return Hits([], [], [])
    return Hits(
        sorted(positive),
        _negative_hits(compiled.sentence_vetoes, found, document),
        _negative_hits(compiled.document_vetoes, found, document),
    )
