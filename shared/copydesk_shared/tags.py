"""A tag as articles carry it, and why they have it."""

from typing import Annotated, Literal

from pydantic import Field

from copydesk_shared.message import Message


class Evidence(Message):
    """A span that led to a tag: ``field[start:end] == text``, with the weight it added (negative for a veto)."""

    rule: str
    text: str
    field: Literal["title", "text"]
    start: int
    end: int
    weight: float


class Similarity(Message):
    """How near the text is to what the tag's file says of it, by embeddings."""

    value: float
    """The mean of the cosines to description and nearest example, less half of ``background``."""
    nearest_example: str = ""
    """The example of the tag that the text is nearest to; empty where the tag has none."""
    background: float
    """The highest cosine to general news texts that are about no tag."""


class Tag(Message):
    """A topic of the taxonomy given to an article."""

    tag: str
    label: str
    score: float
    """The sum of what evidence, similarity and a trained head add; the tag is given from ``threshold`` on."""
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    """That the tag is right, as a logistic function of the score; ``None`` in messages of version 0.1."""
    calibrated: bool = False
    """Whether ``probability`` was fitted to labelled texts of which at least 30 have the tag."""
    threshold: float
    iptc: tuple[str, ...] = ()
    """The nearest IPTC Media Topics, as ``medtop:`` and eight digits."""
    evidence: tuple[Evidence, ...] = ()
    """At most 10 spans, the heaviest first, those that speak against the tag last."""
    similarity: Similarity | None = None
    """``None`` where embeddings are not installed or the text is not in English."""
