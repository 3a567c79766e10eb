"""From occurrences of phrases to hits: what speaks for and against one tag, and where."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from copydesk_classifier.lexicon import CompiledNear, CompiledPart, Found, Group, Span
from copydesk_classifier.tokens import Document


class Hit(NamedTuple):
    """Something that fired on the words from ``start`` up to ``end``.

    ``key`` is the same for repeats of the same phrase or rule. ``weight`` is always positive.
    """

    start: int
    end: int
    rule: str
    key: int
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


def _spans(found: Found, number: int) -> list[Span]:
    """Of the phrases of a set, in no order."""
    return [span for _, role, spans in found if number in role.sets for span in spans]


def _order(hit: Hit) -> tuple[int, int, float, int]:
    return hit.start, -hit.end, -hit.weight, hit.key


def _longest(hits: list[Hit]) -> list[Hit]:
    """The hits that lie within no longer one, in order. Of equal spans the heaviest stays."""
    if len(hits) < 2:  # noqa: PLR2004 - most often there is one, and nothing to sort
        return hits
    kept: list[Hit] = []
    reach = -1
    for hit in sorted(hits, key=_order):
        if hit.end > reach:
            kept.append(hit)
            reach = hit.end
    return kept


def _partner(span: Span, others: list[Span], rule: CompiledNear, document: Document) -> Span | None:
    """The nearest other span of the clause within the window; at equal distance the one after."""
    after = before = None
    at = bisect_left(others, (span[1], 0))
    if at < len(others) and others[at][0] - span[1] <= rule.window:
        after = _beside(span, others[at], rule, document)
    if rule.ordered:
        return after
    at = bisect_left(others, (span[0], 0)) - 1
    while at >= 0 and others[at][1] > span[0]:
        at -= 1
    if at >= 0 and span[0] - others[at][1] <= rule.window:
        before = _beside(span, others[at], rule, document)
    if after and before:
        return after if after[0] - span[1] <= span[0] - before[1] else before
    return after or before


def _beside(span: Span, other: Span, rule: CompiledNear, document: Document) -> Span | None:
    return other if rule.across or document.is_one_clause(other[0], span[0]) else None


def _sentences(found: Found, number: int, document: Document) -> set[int]:
    return {document.sentence(start) for start, _ in _spans(found, number)}


def near_hits(rule: CompiledNear, found: Found, document: Document, *, at_a: bool = False) -> Iterator[Hit]:
    """Each ``a`` with its nearest ``b`` in the same clause, where the sentence has what it needs and no obstacle.

    A rule that looks across sentences takes the nearest anywhere, and the sentences from one to the other. What is said
    to hit is then ``a`` alone if ``at_a``, for what is about the sentence of ``a``.
    """
    others = sorted(_spans(found, rule.b))
    starts = sorted(_spans(found, rule.a)) if others else []
    if not starts:
        return
    barred = set() if rule.unless is None else _sentences(found, rule.unless, document)
    wanted = None if rule.need is None else _sentences(found, rule.need, document)
    reach = -1
    for span in starts:
        partner = _partner(span, others, rule, document) if span[0] >= reach else None
        if not partner:
            continue
        start, end = min(span[0], partner[0]), max(span[1], partner[1])
        sentences = range(document.sentence(start), document.sentence(end - 1) + 1)
        if not barred.isdisjoint(sentences) or (wanted is not None and wanted.isdisjoint(sentences)):
            continue
        reach = end
        if rule.across:
            # What is shown stands in one paragraph.
            start, end = span if at_a else document.within_paragraph(span[0], start, end)
        yield Hit(start, end, rule.name, rule.key, rule.weight)


def possible_rules(found: Found) -> list[CompiledNear]:
    """The rules that have both their sides in the text, in the order of the file."""
    return two_sided([rule for _, role, _ in found if role.begins for rule in role.begins], found)


def _possible_vetoes(found: Found) -> list[CompiledNear]:
    return two_sided([rule for _, role, _ in found if role.counters for rule in role.counters], found)


def two_sided(begun: Iterable[CompiledNear], found: Found) -> list[CompiledNear]:
    """Those of the rules whose ``b`` is in the text as well, each once, in the order of the file."""
    if not begun:
        return []
    there = frozenset[int]().union(*[role.sets for _, role, _ in found])
    # The keys count down in the order of the file.
    return sorted({rule for rule in begun if rule.b in there}, key=lambda rule: -rule.key)


def _rule_hits(rules: Iterable[CompiledNear], found: Found, document: Document) -> list[Hit]:
    return [hit for rule in rules for hit in near_hits(rule, found, document)]


def _beyond(rules: list[Hit], phrases: list[Hit]) -> list[Hit]:
    """The rule hits that say more than a phrase that was counted already; of two on the same words the heavier."""
    if not rules:
        return rules
    heaviest: dict[Span, Hit] = {}
    for hit in sorted(rules, key=lambda each: (each.weight, each.rule)):
        heaviest[hit.start, hit.end] = hit
    cover = Cover((hit.start, hit.end) for hit in phrases)
    return [hit for span, hit in heaviest.items() if not cover.hides(span)]


def _hits(term: int, group: Group, spans: Iterable[Span]) -> list[Hit]:
    name, weight = group
    return [Hit(start, end, name, term, weight) for start, end in spans]


def _mask(found: Found) -> Found:
    """What is found once the phrases to ignore are laid over it."""
    ignored = [span for _, role, spans in found if role.is_ignored for span in spans]
    if not ignored:
        return found
    cover = Cover(ignored)
    left = [(term, role, [span for span in spans if not cover.hides(span)]) for term, role, spans in found]
    return [sight for sight in left if sight[-1]]


def _positive(found: Found, document: Document) -> list[Hit]:
    phrases: list[Hit] = []
    for term, role, spans in found:
        if role.phrase:
            phrases += _hits(term, role.phrase, spans)
    phrases = _longest(phrases)
    rules = _rule_hits(possible_rules(found), found, document)
    return sorted(phrases + _beyond(rules, phrases)) if rules else phrases


def _against(compiled: CompiledPart, found: Found, document: Document) -> tuple[list[Hit], list[Hit]]:
    """The vetoes of sentences and those of the whole document."""
    sentence: list[Hit] = []
    whole: list[Hit] = []
    for term, role, spans in found:
        if role.sentence_veto:
            sentence += _hits(term, role.sentence_veto, spans)
        if role.document_veto:
            whole += _hits(term, role.document_veto, spans)
    sentence, whole = _longest(sentence), _longest(whole)
    for rule in _possible_vetoes(found):
        if rule in compiled.rules.sentence_vetoes:
            sentence += near_hits(rule, found, document, at_a=True)
        else:
            whole += near_hits(rule, found, document)
    return sorted(sentence), sorted(whole)


def find_hits(compiled: CompiledPart, found: Found, document: Document) -> Hits:
    """What speaks for and against this tag. A veto sees the text without the mask of ignored phrases."""
    positive = _positive(_mask(found), document)
    if not positive:
        return Hits([], [], [])
    return Hits(positive, *_against(compiled, found, document))
