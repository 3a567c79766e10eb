"""From hits to a score.

A hit counts its weight times that of the zone it stands in, half as much at each repeat of the same phrase. The sum is
divided by a norm that grows with the square root of the length. The same is done for the title and for each paragraph
by itself, because a long story may hold its third topic in one paragraph; the best of them counts. A paragraph that is
very long is looked at in parts.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import inf, sqrt
from typing import NamedTuple

from copydesk_classifier.lexicon import CompiledNear, CompiledPart, Found, Span
from copydesk_classifier.matching import Hit, Hits, two_sided
from copydesk_classifier.tokens import TITLE_PASSAGE, Document

TITLE_ZONE = 1.6
# The lead, the body and the tail: the words of the text at which the next begins, and what each weighs.
ZONE_LIMITS = (60, 500)
ZONE_WEIGHTS = (1.2, 0.8, 0.4)
REPEAT = 0.5
ALL_REPEATS = 1 / (1 - REPEAT)
NORM_WORDS = 150
# Where a score that did not pass the core gate is held, as a share of the threshold.
GATED = 0.9
DIGITS = 3
# More than what the order of a sum can change in it.
ROUNDING = 1e-6


class Weighed(NamedTuple):
    """A hit and what it added: negative for a veto."""

    hit: Hit
    added: float


class Scored(NamedTuple):
    """The score of one tag by its words, never negative, and what made it, in the order of the text.

    ``passage`` is the paragraph, or the part of a long one, that scores most by itself.
    """

    score: float
    weighed: tuple[Weighed, ...]
    passage: int = TITLE_PASSAGE


def _norm(words: int) -> float:
    return max(1.0, sqrt(words / NORM_WORDS))


def _dampened(hits: Hits, document: Document) -> list[Hit]:
    """The positive hits after the vetoes of their sentences, without those that nothing is left of."""
    if not hits.sentence_vetoes:
        return hits.positive
    against: defaultdict[int, float] = defaultdict(float)
    for veto in hits.sentence_vetoes:
        against[document.sentence(veto.start)] += veto.weight
    places = [(hit, document.sentence(hit.start)) for hit in hits.positive]
    total: defaultdict[int, float] = defaultdict(float)
    for hit, sentence in places:
        total[sentence] += hit.weight
    left = {sentence: max(0.0, 1 - against[sentence] / total[sentence]) for sentence in against if sentence in total}
    return [
        hit._replace(weight=hit.weight * left[sentence]) if sentence in left else hit
        for hit, sentence in places
        if left.get(sentence, 1.0)
    ]


def _added(hits: Iterable[Hit], document: Document, zones: tuple[float, float, float] = ZONE_WEIGHTS) -> list[float]:
    """What each hit adds by its zone, repeats halved."""
    lead, body, tail = zones
    title_words = document.title_words
    lead_end, body_end = (title_words + limit for limit in ZONE_LIMITS)
    repeats: dict[int, float] = {}
    added = []
    for start, _, _, key, weight in hits:
        if start >= lead_end:
            zone = body if start < body_end else tail
        else:
            zone = lead if start >= title_words else TITLE_ZONE
        share = repeats.get(key, 1.0)
        repeats[key] = share * REPEAT
        added.append(weight * zone * share)
    return added


def _gated(score: float, hits: list[Hit], compiled: CompiledPart) -> float:
    core, limit = compiled.part.core, GATED * compiled.threshold
    if score <= limit or max(hit.weight for hit in hits) >= core.weight:
        return score
    return score if len({hit.key for hit in hits if hit.weight >= core.least}) >= core.distinct else limit


def _best_passage(hits: list[Hit], document: Document, against: float, compiled: CompiledPart) -> tuple[float, int]:
    """The score of the best passage and its number; of equal ones the first."""
    groups: defaultdict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        groups[document.passage(hit.start)].append(hit)
    later = compiled.source.file.paragraph_weight
    zones = (ZONE_WEIGHTS[0], later, later)
    best, number = -inf, TITLE_PASSAGE
    for passage, group in groups.items():
        total = sum(_added(group, document, zones)) / _norm(document.passage_words(passage)) - against
        if total > best:
            total = _gated(total, group, compiled)
        if total > best:
            best, number = total, passage
    return best, number


def may_reach(least: float, compiled: CompiledPart, found: Found, document: Document) -> bool:
    """Whether the score may be that high: told with little work, as if nothing dampened or gated it."""
    return _weighs(least, found) and _may_reach(least, compiled, found, document)


def _weighs(least: float, found: Found) -> bool:
    """Whether the score may be that high if all stood in the title: most tags are done with by this."""
    most = sum([role.most if len(spans) == 1 else ALL_REPEATS * role.most for _, role, spans in found])
    return most * TITLE_ZONE > least - ROUNDING


def _may_reach(least: float, compiled: CompiledPart, found: Found, document: Document) -> bool:
    file = compiled.source.file
    later = max(ZONE_WEIGHTS[1] * file.body_weight, file.paragraph_weight)
    title_words = document.title_words
    lead_end = title_words + ZONE_LIMITS[0]
    whole = 0.0
    said: list[tuple[float, list[Span]]] = []
    begun: list[CompiledNear] = []
    for _, role, spans in found:
        phrase = role.phrase
        if role.begins:
            begun += role.begins
        if phrase:
            start = spans[0][0]
            zone = later if start >= lead_end else ZONE_WEIGHTS[0] if start >= title_words else TITLE_ZONE
            weight = phrase.weight * zone
            whole += weight if len(spans) == 1 else weight * ALL_REPEATS
            said.append((weight, spans))
    rules = two_sided(begun, found)
    whole += sum(rule.weight for rule in rules) * TITLE_ZONE * ALL_REPEATS
    if rules or whole < least or whole >= least * _norm(len(document)):
        return whole >= least
    passages: defaultdict[int, float] = defaultdict(float)
    for weight, spans in said:
        for start, _ in spans:
            passages[document.passage(start)] += weight
    return max(passages.values()) >= least


def score(compiled: CompiledPart, hits: Hits, document: Document, least: float = 0.0) -> Scored:
    """The score of a tag: the document's or its best passage's, whichever is more, less the document's vetoes.

    What made a score below ``least`` is not told.
    """
    positive = _dampened(hits, document)
    if not positive:
        return Scored(0.0, ())
    lead, body, tail = ZONE_WEIGHTS
    later = compiled.source.file.body_weight
    added = _added(positive, document, (lead, body * later, tail * later))
    vetoes = _added(hits.document_vetoes, document)
    against = sum(vetoes)
    best, passage = _best_passage(positive, document, against, compiled)
    whole = _gated(sum(added) / _norm(len(document)) - against, positive, compiled)
    total = round(max(0.0, best, whole), DIGITS)
    if total < least:
        return Scored(total, (), passage)
    weighed = [*map(Weighed, positive, added)]
    weighed += [Weighed(hit, -each) for hit, each in zip(hits.document_vetoes, vetoes, strict=True)]
    if hits.sentence_vetoes:
        spoken = {document.sentence(hit.start) for hit in hits.positive}
        vetoes_there = [hit for hit in hits.sentence_vetoes if document.sentence(hit.start) in spoken]
        weighed += [Weighed(hit, -hit.weight) for hit in vetoes_there]
    return Scored(total, tuple(sorted(weighed)), passage)
