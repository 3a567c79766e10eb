"""The shape of a tag file: one topic of the taxonomy, as an operator writes it."""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from copydesk_classifier.tokens import phrase_words

MAX_VARIANTS = 400
LIST_MARK = "$"


_PIECE = re.compile(r"\(([^()]*)\)|([^()|\s]+)|(\||[()])")


def alternatives(written: str) -> list[str]:
    """The phrases that a line stands for: ``(prisoner|captive) swap | spy swap`` stands for three.

    Raises ``ValueError`` for an empty alternative, a stray parenthesis, too many variants, or a phrase that cannot
    match.
    """
    branches: list[list[list[str]]] = [[]]
    for group, word, sign in _PIECE.findall(written):
        if sign == "|":
            branches.append([])
        elif sign:
            raise ValueError(f"a stray parenthesis in {written!r}")
        else:
            branches[-1].append([word] if word else [choice.strip() for choice in group.split("|")])
    if any(not branch or not all(map(all, branch)) for branch in branches):
        raise ValueError(f"an empty alternative in {written!r}")
    if sum(prod(map(len, branch)) for branch in branches) > MAX_VARIANTS:
        raise ValueError(f"{written!r} stands for more than {MAX_VARIANTS} phrases")
    variants = [" ".join(choice) for branch in branches for choice in product(*branch)]
    for variant in variants:
        phrase_words(variant)
    return variants


def _checked(written: str) -> str:
    if not written.startswith(LIST_MARK):
        alternatives(written)
    return written


Written = Annotated[str, AfterValidator(_checked)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
ListName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Qcode = Annotated[str, StringConstraints(pattern=r"^medtop:\d{8}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Weight = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Phrases = Annotated[tuple[Written, ...], Field(min_length=1)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhraseGroup(Part):
    """Phrases of one weight. ``name`` is what evidence calls the group; ``case`` makes case matter."""

    name: Name
    weight: Weight
    case: bool = False
    any: Phrases


class Near(Part):
    """Two sets of phrases within ``window`` words of each other in one sentence.

    ``ordered`` wants ``a`` first. ``unless`` cancels when the sentence holds one of these; ``need`` wants one of them.
    """

    a: Phrases
    b: Phrases
    window: Annotated[int, Field(ge=1, le=60)]
    ordered: bool = False
    unless: tuple[Written, ...] = ()
    need: tuple[Written, ...] = ()


class Rule(Near):
    """A proximity rule that speaks for the tag."""

    name: Name
    weight: Weight


class Veto(Part):
    """What speaks against the tag, as phrases or as a proximity rule.

    In scope ``sentence`` it dampens what stands in the same sentence, in scope ``document`` it lowers the whole score.
    """

    name: Name
    weight: Weight
    scope: Literal["sentence", "document"]
    case: bool = False
    any: tuple[Written, ...] = ()
    near: Near | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.any) == bool(self.near):
            raise ValueError("give either 'any' (phrases) or 'near' (a proximity rule)")
        return self


class Core(Part):
    """The gate: one hit of at least ``weight``, or ``distinct`` different phrases of any weight."""

    weight: Weight
    distinct: Annotated[int, Field(ge=1)]


class Tests(Part):
    """Texts that must and must not get the tag; they run whenever the file is loaded."""

    positive: Annotated[tuple[Line, ...], Field(min_length=1)]
    negative: Annotated[tuple[Line, ...], Field(min_length=1)]


class TagFile(Part):
    """One tag. ``ignore`` are phrases inside which nothing else of this tag counts.

    ``paragraph_weight`` is what a hit after the lead weighs when its paragraph is scored by itself: high where one
    paragraph of a long story is enough for the tag, low where a mention in passing is not.
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    label: Line
    description: Line
    iptc: tuple[Qcode, ...] = ()
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    threshold: Weight
    paragraph_weight: Annotated[float, Field(ge=0, le=1.2)] = 0.8
    core: Core
    lists: dict[ListName, Phrases] = Field(default_factory=dict)
    ignore: tuple[Written, ...] = ()
    phrases: Annotated[tuple[PhraseGroup, ...], Field(min_length=1)]
    rules: tuple[Rule, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    tests: Tests

    def expand(self, written: Iterable[str]) -> Iterator[str]:
        """The phrases that these stand for, with references to lists followed."""
        for each in written:
            if each.startswith(LIST_MARK):
                yield from self.expand(self.lists[each.removeprefix(LIST_MARK)])
            else:
                yield from alternatives(each)

    def mistakes(self) -> Iterator[tuple[tuple[int | str, ...], str]]:
        """What the parts get wrong between them, each with its place: unknown lists and names given twice."""
        for place, written in _written(self, ()):
            name = written.removeprefix(LIST_MARK)
            if written.startswith(LIST_MARK) and place[0] == "lists":
                yield place, "a list cannot refer to a list"
            elif written.startswith(LIST_MARK) and name not in self.lists:
                yield place, f"there is no list {name!r}"
        seen: set[str] = set()
        for kind in ("phrases", "rules", "vetoes"):
            for index, part in enumerate(getattr(self, kind)):
                if part.name in seen:
                    yield (kind, index, "name"), f"{part.name!r} is given twice"
                seen.add(part.name)


_WRITTEN_FIELDS = frozenset({"any", "a", "b", "unless", "need", "ignore"})


def _written(value: object, place: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Every phrase or list reference in a tag file with its place."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _written(getattr(value, name), (*place, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _written(item, (*place, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _written(item, (*place, index))
    elif isinstance(value, str) and len(place) > 1 and (place[0] == "lists" or place[-2] in _WRITTEN_FIELDS):
        yield place, value
