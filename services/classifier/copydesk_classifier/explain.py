"""Why a text gets a tag or does not: everything that fired, for every tag, with what silenced it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from copydesk_classifier.engine import CANDIDATE_SHARE, TagScore, Taxonomy
from copydesk_classifier.lexicon import Found
from copydesk_classifier.matching import Hits, find_hits
from copydesk_classifier.oneshot import CONTEXT_CHARACTERS, Style, one_line
from copydesk_classifier.scoring import DIGITS, Scored, score
from copydesk_classifier.tokens import Document, read_document
from copydesk_shared.messages import Article

COUNTS, VETO, VETOED, IGNORED = "counts", "veto", "vetoed", "ignored"


class Firing(NamedTuple):
    """A phrase or rule that fired. ``added`` is what it adds to the score before that is divided by the length.

    ``what`` is one of: counts, veto (it speaks against the tag), vetoed (vetoes in its sentence left nothing of it),
    ignored (nothing within it counts). ``paragraph`` 0 is the title; ``start`` and ``end`` are offsets in the title or
    in the text.
    """

    what: str
    rule: str
    added: float
    paragraph: int
    start: int
    end: int


@dataclass(frozen=True)
class Explanation:
    """What one part of a tag makes of a text: ``score`` by its words alone, ``tag`` with all that adds to it."""

    languages: tuple[str, ...]
    score: float
    firings: tuple[Firing, ...]
    tag: TagScore

    @property
    def is_silent(self) -> bool:
        """Whether nothing speaks for the tag and nothing against it."""
        return not self.firings and not self.tag.score

    @property
    def verdict(self) -> str:
        """tag, candidate or none."""
        if self.tag.score >= self.tag.threshold:
            return "tag"
        return "candidate" if self.tag.score >= CANDIDATE_SHARE * self.tag.threshold else "none"


def explain(article: Article, taxonomy: Taxonomy) -> list[Explanation]:
    """Every part of every tag of which something fires, then the other tags, best first.

    Parts for other languages than the article's are left out.
    """
    scores = taxonomy.score(article.title, article.text, article.language, floor=None)[1]
    tags = {each.source.id: each for each in scores}
    document = read_document(article.title, article.text)
    explanations, seen = [], set()
    for part, found in taxonomy.finds(document, article.language):
        hits = find_hits(part, found, document)
        scored = score(part, hits, document)
        firings = sorted(_firings(found, hits, scored, document), key=lambda each: (each.paragraph, each.start))
        if firings:
            seen.add(part.source.id)
            explanations.append(Explanation(part.part.languages, scored.score, tuple(firings), tags[part.source.id]))
    others = (each for each in scores if each.source.id not in seen)
    explanations += [Explanation(each.source.file.languages, 0.0, (), each) for each in others]
    return sorted(explanations, key=_order)


def _order(each: Explanation) -> tuple[bool, float, float, str, float]:
    """The silent ones come last, the nearest of them first."""
    similarity = each.tag.similarity
    near = similarity.value if similarity and each.is_silent else 0.0
    return each.is_silent, -each.tag.score, -near, each.tag.source.id, -each.score


def _firings(found: Found, hits: Hits, scored: Scored, document: Document) -> Iterator[Firing]:
    left = {(weighed.hit.start, weighed.hit.end, weighed.hit.rule) for weighed in scored.weighed}
    for weighed in scored.weighed:
        hit = weighed.hit
        yield _firing(COUNTS if weighed.added > 0 else VETO, hit.rule, weighed.added, (hit.start, hit.end), document)
    for hit in hits.positive:
        if (hit.start, hit.end, hit.rule) not in left:
            yield _firing(VETOED, hit.rule, 0.0, (hit.start, hit.end), document)
    if not scored.weighed and hits.positive:
        for hit in (*hits.sentence_vetoes, *hits.document_vetoes):
            yield _firing(VETO, hit.rule, -hit.weight, (hit.start, hit.end), document)
    for _, role, spans in found:
        for span in spans if role.is_ignored else ():
            yield _firing(IGNORED, "ignore", 0.0, span, document)


def _firing(what: str, rule: str, added: float, words: tuple[int, int], document: Document) -> Firing:
    _, start, end = document.span(*words)
    return Firing(what, rule, round(added, DIGITS), document.paragraph(words[0]), start, end)


def rows(article: Article, explanations: Sequence[Explanation]) -> Iterator[dict[str, Any]]:
    """For programs: one mapping for each part of a tag."""
    for each in explanations:
        similarity = each.tag.similarity
        yield {
            "tag": each.tag.source.id, "verdict": each.verdict, "score": each.tag.score,
            "threshold": each.tag.threshold, "probability": each.tag.probability,
            "calibrated": each.tag.calibrated, "languages": list(each.languages), "lexicon_score": each.score,
            "similarity": similarity.model_dump(mode="json") if similarity else None,
            "trained_head": None if each.tag.trained is None else round(each.tag.trained, DIGITS),
            "firings": [{**firing._asdict(), "text": _text(article, firing)} for firing in each.firings],
        }  # fmt: skip


def _text(article: Article, firing: Firing) -> str:
    return (article.text if firing.paragraph else article.title)[firing.start : firing.end]


def _in_context(article: Article, firing: Firing, style: Style) -> str:
    source = article.text if firing.paragraph else article.title
    before, after = source[: firing.start].rpartition("\n")[2], source[firing.end :].partition("\n")[0]
    left = ("…" if len(before) > CONTEXT_CHARACTERS else "") + before[-CONTEXT_CHARACTERS:]
    right = after[:CONTEXT_CHARACTERS] + ("…" if len(after) > CONTEXT_CHARACTERS else "")
    return one_line(left) + style.marked(one_line(source[firing.start : firing.end])) + one_line(right)


def _head(each: Explanation, style: Style, *, is_one_of_many: bool) -> str:
    tag = each.tag
    verdict = {"tag": style.strong("gets the tag"), "candidate": "a candidate", "none": "no tag"}[each.verdict]
    spoken = f" [{' '.join(each.languages)}]" if is_one_of_many else ""
    sure = f"probability {tag.probability:.2f}{'' if tag.calibrated else ', not calibrated'}"
    return (
        f"{style.strong(tag.source.id)}{spoken}  {tag.score:.2f} of {tag.threshold:g}  {verdict}  {style.faint(sure)}"
    )


def _block(article: Article, each: Explanation, style: Style, *, is_one_of_many: bool) -> Iterator[str]:
    yield _head(each, style, is_one_of_many=is_one_of_many)
    for firing in each.firings:
        number = f"{firing.added:+7.2f}" if firing.what in (COUNTS, VETO) else f"{firing.what:>7}"
        where = f"paragraph {firing.paragraph}" if firing.paragraph else "title"
        named = firing.rule if firing.what != VETO else f"{firing.rule} (veto)"
        yield f"  {number}  {style.faint(f'{where:<12}')}  {named}: {_in_context(article, firing, style)}"
    if each.tag.trained is not None:
        yield f"  {each.tag.trained:+7.2f}  trained head"
    similarity = each.tag.similarity
    if similarity is not None:
        beyond = style.faint(f"similarity {similarity.value:.3f}, background {similarity.background:.3f}")
        nearest = f"  nearest example: {one_line(similarity.nearest_example)}" if similarity.nearest_example else ""
        yield f"  {beyond}{nearest}"


def render(article: Article, explanations: Sequence[Explanation], taxonomy: Taxonomy, *, colour: bool) -> str:
    """For people: a block for each part of a tag, then the tags that are silent. Ends with a newline."""
    style = Style(colour=colour)
    loud = [each for each in explanations if not each.is_silent]
    ids = [each.tag.source.id for each in loud]
    blocks = [
        "\n".join(_block(article, each, style, is_one_of_many=ids.count(each.tag.source.id) > 1)) for each in loud
    ]
    if not taxonomy.supports(article.language):
        blocks.append(f"No tag has words in the language {article.language!r}: none is tried.")
    if silent := [_silent(each) for each in explanations if each.is_silent]:
        legend = " (the similarity in brackets)" if taxonomy.has_similarity else ""
        blocks.append(f"Nothing fires{legend}: {', '.join(silent)}.")
    blocks.append(style.faint(f"classifier {taxonomy.version}"))
    return "\n\n".join(blocks) + "\n"


def _silent(each: Explanation) -> str:
    similarity = each.tag.similarity
    return f"{each.tag.source.id} ({similarity.value:.2f})" if similarity else each.tag.source.id
