"""How near a text is to what the tag files say of their tags.

``similarity = 0.5 * cos(text, description) + 0.5 * max cos(text, example) - 0.5 * max cos(text, background)``. The
background is general news; without it any news text is near any tag. A text of the background that is about a tag is
left out for that tag.

The lead is compared with every tag. What a long story has on a tag in a later paragraph the lead does not show, so the
passages that hold most words of a tag are compared too, and the nearer of the two counts.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from copydesk_classifier.embeddings import Embedder, Vector
from copydesk_classifier.tag_file import TagSource
from copydesk_classifier.tokens import Document
from copydesk_classifier.weights import digest
from copydesk_shared.tags import Similarity

BACKGROUND = Path(__file__).parent / "background.json"
LANGUAGE = "en"
PASSAGE_CHARACTERS = 400
DIGITS = 4
HALF = 0.5
# Takes a text of the background out of the reckoning: no difference of two cosines is larger.
HANDICAP = 4.0


class Background(NamedTuple):
    """A general news text, and the tags that it is about."""

    text: str
    about: frozenset[str]


def read_background() -> tuple[Background, ...]:
    """The texts that come with the package."""
    entries = json.loads(BACKGROUND.read_text(encoding="utf-8"))
    return tuple(Background(entry["text"], frozenset(entry["about"])) for entry in entries)


class Likeness(NamedTuple):
    """The similarities of one passage to all tags, in the order of the tags."""

    values: Vector
    background: Vector
    examples: Vector


def _examples(tag: TagSource) -> tuple[str, ...]:
    return tuple(text for part in tag.lexica if LANGUAGE in part.languages for text in part.examples)


class TagVectors:
    """The tags as vectors. One product of matrices compares a passage with all of them."""

    def __init__(self, embedder: Embedder, tags: Sequence[TagSource]) -> None:
        self._embedder = embedder
        self._places = {tag.id: place for place, tag in enumerate(tags)}
        self._examples = [_examples(tag) for tag in tags]
        background = read_background()
        self.digest = digest([embedder.digest, [[each.text, sorted(each.about)] for each in background]])
        # The description stands in for the examples of a tag that has none.
        rows = [examples or (tag.file.description,) for tag, examples in zip(tags, self._examples, strict=True)]
        self._first_example = [0, *accumulate(map(len, rows[:-1]))]
        self._sections = (len(tags), len(tags) + sum(map(len, rows)))
        texts = [tag.file.description for tag in tags], *rows, [each.text for each in background]
        self._matrix = np.stack([embedder.direction(text) for text in chain(*texts)])
        self._handicap = np.array([[HANDICAP if tag.id in each.about else 0.0 for each in background] for tag in tags])

    def likeness(self, passage: str) -> Likeness:
        """The similarities of a text to the tags."""
        cosines = self._matrix @ self._embedder.direction(passage)
        first, last = self._sections
        descriptions, examples, general = cosines[:first], cosines[first:last], cosines[last:]
        background = (general - self._handicap).max(axis=1)
        values = HALF * (descriptions + np.maximum.reduceat(examples, self._first_example) - background)
        return Likeness(values.round(DIGITS), background.round(DIGITS), examples)

    def similarities(self, document: Document, tags: Iterable[tuple[str, int]]) -> dict[str, Similarity]:
        """The similarity of a text to tags, each given with the passage that holds most of its words."""
        lead = self.likeness(lead_of(document))
        likenesses: dict[int, Likeness] = {}
        similarities = {}
        for tag, passage in tags:
            if passage not in likenesses:
                # What begins in the lead has been compared.
                later = document.passage_start(passage) >= PASSAGE_CHARACTERS
                text = document.passage_text(passage, PASSAGE_CHARACTERS)
                likenesses[passage] = self.likeness(text) if later else lead
            similarities[tag] = self.best(tag, (lead, likenesses[passage]))
        return similarities

    def best(self, tag: str, likenesses: Iterable[Likeness]) -> Similarity:
        """The similarity of the passage that is nearest to the tag; of equal ones the first."""
        place = self._places[tag]
        nearest = max(likenesses, key=lambda likeness: float(likeness.values[place]))
        texts, first = self._examples[place], self._first_example[place]
        example = texts[int(nearest.examples[first : first + len(texts)].argmax())] if texts else ""
        return Similarity(
            value=float(nearest.values[place]), nearest_example=example, background=float(nearest.background[place])
        )


@cache
def _embedder() -> Embedder:
    """One for all taxonomies of a process."""
    return Embedder()


def tag_vectors(tags: Sequence[TagSource]) -> TagVectors:
    """The tags as vectors; at least one. Raises ``ImportError`` where the embeddings are not installed."""
    return TagVectors(_embedder(), tags)


def lead_of(document: Document) -> str:
    """What is always compared: the title and the beginning of the text."""
    begin = document.text[:PASSAGE_CHARACTERS]
    return f"{document.title}. {begin}" if document.title else begin
