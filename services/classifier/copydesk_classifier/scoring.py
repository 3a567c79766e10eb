"""From hits to a score.

A hit counts its weight times that of the zone it stands in, half as much at each repeat of the same phrase. The sum is
divided by a norm that grows with the square root of the length. The same is done for the title and for each paragraph
by itself, because a long story may hold its third topic in one paragraph; the best of them counts.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from copydesk_classifier.lexicon import CompiledTag
from copydesk_classifier.matching import Hit, Hits
from copydesk_classifier.tag_file import Core
from copydesk_classifier.tokens import Document

TITLE_ZONE = 1.6
# The lead, the body and the tail: the words of the text at which the next begins, and what each weighs.
ZONE_LIMITS = (60, 500)
ZONE_WEIGHTS = (1.2, 0.8, 0.4)
REPEAT = 0.5
NORM_WORDS = 150
# Where a score that did not pass the core gate is held, as a share of the threshold.
GATED = 0.9
DIGITS = 3


class Weighed(NamedTuple):
    """A hit and what it added: negative for a veto."""

    hit: Hit
    added: float


class Scored(NamedTuple):
    """The score of one tag, never negative, and what made it, in the order of the text."""

    score: float
    weighed: tuple[Weighed, ...]


def _zone(document: Document, word: int) -> float:
    if word < document.title_words:
        return TITLE_ZONE
    return ZONE_WEIGHTS[bisect_right(ZONE_LIMITS, word - document.title_words)]


def _norm(words: int) -> float:
    return max(1.0, sqrt(words / NORM_WORDS))


def _dampened(hits: Hits, document: Document) -> list[Hit]:
    """The positive hits after the vetoes of their sentences, without those that nothing is left of."""
    if not hits.sentence_vetoes:
        return hits.positive
    against: defaultdict[int, float] = defaultdict(float)
    for veto in hits.sentence_vetoes:
        against[document.sentences[veto.start]] += veto.weight
    total: defaultdict[int, float] = defaultdict(float)
    for hit in hits.positive:
        total[document.sentences[hit.start]] += hit.weight
    left = {sentence: max(0.0, 1 - against[sentence] / weight) for sentence, weight in total.items()}
    dampened = (hit._replace(weight=hit.weight * left[document.sentences[hit.start]]) for hit in hits.positive)
    return [hit for hit in dampened if hit.weight > 0]


def _weigh(hits: Iterable[Hit], document: Document, after_lead: float | None = None) -> list[Weighed]:
    """Each hit with what it adds by its zone, repeats halved. ``after_lead`` replaces the zones after the lead."""
    repeats: defaultdict[str, float] = defaultdict(lambda: 1.0)
    weighed = []
    for hit in hits:
        zone = _zone(document, hit.start)
        if after_lead is not None and zone < ZONE_WEIGHTS[0]:
            zone = after_lead
        weighed.append(Weighed(hit, hit.weight * zone * repeats[hit.key]))
        repeats[hit.key] *= REPEAT
    return weighed


def _gated(score: float, hits: list[Hit], core: Core, threshold: float) -> float:
    if any(hit.weight >= core.weight for hit in hits) or len({hit.key for hit in hits}) >= core.distinct:
        return score
    return min(score, GATED * threshold)


def _passage(hits: list[Hit], added: list[Weighed], words: int, against: float, compiled: CompiledTag) -> float:
    """The score of a passage of that many words."""
    total = sum(each.added for each in added) / _norm(words) - against
    return _gated(total, hits, compiled.tag.core, compiled.tag.threshold)


def _best_paragraph(hits: list[Hit], document: Document, against: float, compiled: CompiledTag) -> float:
    groups: defaultdict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        groups[document.paragraphs[hit.start]].append(hit)
    sizes: defaultdict[int, int] = defaultdict(int)
    for paragraph in document.paragraphs:
        sizes[paragraph] += 1
    body = compiled.tag.paragraph_weight
    return max(
        (
            _passage(group, _weigh(group, document, body), sizes[paragraph], against, compiled)
            for paragraph, group in groups.items()
        ),
        default=0.0,
    )


def score(compiled: CompiledTag, hits: Hits, document: Document) -> Scored:
    """The score of a tag: the document's or its best paragraph's, whichever is more, less the document's vetoes."""
    positive = _dampened(hits, document)
    if not positive:
        return Scored(0.0, ())
    weighed = _weigh(positive, document)
    vetoes = [Weighed(hit, -added) for hit, added in _weigh(hits.document_vetoes, document)]
    against = -sum(veto.added for veto in vetoes)
    best = max(
        _passage(positive, weighed, len(document), against, compiled),
        _best_paragraph(positive, document, against, compiled),
    )
    spoken = {document.sentences[hit.start] for hit in hits.positive}
    silenced = [Weighed(hit, -hit.weight) for hit in hits.sentence_vetoes if document.sentences[hit.start] in spoken]
    everything = sorted(weighed + vetoes + silenced, key=lambda each: each.hit)
    return Scored(round(max(0.0, best), DIGITS), tuple(everything))
