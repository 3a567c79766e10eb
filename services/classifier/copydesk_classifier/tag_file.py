"""The shape of a tag file: one topic of the taxonomy, as an operator writes it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from copydesk_classifier.gazetteers import SUFFIX, Gazetteer
from copydesk_classifier.language_codes import mistake_in
from copydesk_classifier.notation import GAZETTEER_MARK, LIST_MARK, MARKS, alternatives, check, variants

AUTO = "auto"
MAX_TESTS = 1_000
# Phrases of one file, lists and gazetteers followed at each place where they are referred to.
MAX_PHRASES = 50_000

Place = tuple[int | str, ...]
PartModel = TypeVar("PartModel", bound="LexiconPart")


def _checked(written: str) -> str:
    if not written.startswith(MARKS):
        check(written)
    return written


def _auto(value: object) -> object:
    if value is None:
        raise ValueError(f"give a number or {AUTO!r}")
    return None if value == AUTO else value


def _no_answer(value: object) -> object:
    """YAML takes yes, no, on and off for truth values, and pydantic takes those for numbers."""
    if value is True or value is False:
        raise ValueError("give a number")
    return value


def _of_form(pattern: str, form: str) -> AfterValidator:
    """Takes what matches the pattern, and tells the form that anything else does not have."""
    wanted = re.compile(pattern)

    def check_form(written: str) -> str:
        if not wanted.fullmatch(written):
            raise ValueError(f"{written!r}: write {form}")
        return written

    return AfterValidator(check_form)


def _quoted(value: object) -> object:
    if value is False:
        raise ValueError("'no' needs quotation marks here, or YAML takes it for the answer")
    return value


def _language(code: str) -> str:
    if mistake := mistake_in(code):
        raise ValueError(mistake)
    return code


Written = Annotated[str, AfterValidator(_checked)]
Name = Annotated[
    str,
    StringConstraints(max_length=64),
    _of_form("[a-z0-9]+(-[a-z0-9]+)*", "small letters and digits, with single hyphens between"),
]
ListName = Annotated[str, _of_form("[a-z][a-z0-9_]*", "small letters, digits and underscores, a letter first")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Qcode = Annotated[str, _of_form("medtop:[0-9]{8}", "medtop: and eight digits")]
Language = Annotated[
    str,
    BeforeValidator(_quoted),
    _of_form("[a-z]{2,3}", "a code of two or three small letters, as in en"),
    AfterValidator(_language),
]
Weight = Annotated[float, BeforeValidator(_no_answer), Field(gt=0, le=100, allow_inf_nan=False)]
Threshold = Annotated[Weight | None, BeforeValidator(_auto)]
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
    With ``across`` sentences and paragraphs do not part the two, and both look at all sentences from one to the other.
    """

    a: Phrases
    b: Phrases
    window: Annotated[int, Field(ge=1, le=60)]
    ordered: bool = False
    across: bool = False
    unless: tuple[Written, ...] = ()
    need: tuple[Written, ...] = ()


class Rule(Near):
    """A proximity rule that speaks for the tag."""

    name: Name
    weight: Weight


class Veto(Part):
    """What speaks against the tag, as phrases or as a proximity rule.

    In scope ``sentence`` it dampens what stands in the same sentence, in scope ``document`` it lowers the whole score.
    If it looks across sentences, it dampens the sentence of ``a``.
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
    """The gate: one hit of at least ``weight``, or ``distinct`` different phrases of at least ``least``."""

    weight: Weight
    distinct: Annotated[int, Field(ge=1)]
    least: Annotated[float, Field(ge=0, le=100)] = 0.0


class Tests(Part):
    """Texts that must and must not get the tag; they run whenever the file is loaded."""

    positive: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MAX_TESTS)]
    negative: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MAX_TESTS)]


class LexiconPart(Part):
    """What to look for in texts of these languages.

    ``ignore`` are phrases inside which nothing else of this tag counts. ``examples`` are typical texts. A part without
    phrases and rules works by similarity alone.
    """

    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    core: Core = Core(weight=1.9, distinct=3)
    lists: dict[ListName, Phrases] = Field(default_factory=dict)
    ignore: tuple[Written, ...] = ()
    phrases: tuple[PhraseGroup, ...] = ()
    rules: tuple[Rule, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    examples: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    tests: Tests

    def expand(self, written: Iterable[str]) -> Iterator[str]:
        """The phrases that these stand for, with references to lists and gazetteers followed."""
        for each in written:
            if each.startswith(MARKS):
                yield from self.expand(self.lists[each.removeprefix(LIST_MARK)])
            else:
                yield from alternatives(each)

    def with_gazetteers(self, gazetteers: Mapping[str, Gazetteer]) -> Self:
        """The same with the gazetteers that it refers to, as lists whose names begin with ``@``."""
        used = sorted({written for _, written in self.written() if written.startswith(GAZETTEER_MARK)})
        if not used:
            return self
        lines = {mark: gazetteers[mark.removeprefix(GAZETTEER_MARK)].lines for mark in used}
        return self.model_copy(update={"lists": {**self.lists, **lines}})

    def written(self) -> Iterator[tuple[Place, str]]:
        """Every phrase and every reference to a list or a gazetteer, with its place."""
        return _written(self, ())

    def mistakes(self, gazetteers: Mapping[str, Gazetteer]) -> Iterator[tuple[Place, str]]:
        """What the parts get wrong between them, each with its place."""
        yield from self._bad_references(gazetteers)
        yield from self._repeated_names()
        tests = {*self.tests.positive, *self.tests.negative}
        for index, example in enumerate(self.examples):
            if example in tests:
                yield ("examples", index), "an example may not be a test as well"
        if not self.has_lexicon and not self.examples:
            yield (), "give phrases or rules, or examples"

    def counted(self, gazetteers: Mapping[str, Gazetteer]) -> Iterator[tuple[Place, int]]:
        """For how many phrases each thing written stands, with its place; asked when there are no mistakes."""
        sizes = {f"{GAZETTEER_MARK}{each.name}": each.size for each in gazetteers.values()}
        for name, lines in self.lists.items():
            sizes[f"{LIST_MARK}{name}"] = sum(
                sizes[line] if line.startswith(MARKS) else variants(line) for line in lines
            )
        for place, written in self.written():
            yield place, sizes[written] if written.startswith(MARKS) else variants(written)

    def _bad_references(self, gazetteers: Mapping[str, Gazetteer]) -> Iterator[tuple[Place, str]]:
        for place, written in self.written():
            name = written[1:]
            if written.startswith(LIST_MARK) and place[0] == "lists":
                yield place, "a list cannot refer to a list"
            elif written.startswith(LIST_MARK) and name not in self.lists:
                yield place, f"there is no list {name!r}"
            elif written.startswith(GAZETTEER_MARK) and name not in gazetteers:
                yield place, f"there is no gazetteer {name!r} ({name}{SUFFIX})"

    def _repeated_names(self) -> Iterator[tuple[Place, str]]:
        seen: set[str] = set()
        for kind in ("phrases", "rules", "vetoes"):
            for index, part in enumerate(getattr(self, kind)):
                if part.name in seen:
                    yield (kind, index, "name"), f"{part.name!r} is given twice"
                seen.add(part.name)

    @property
    def has_lexicon(self) -> bool:
        """Whether it looks for words at all."""
        return bool(self.phrases or self.rules)


def _bare(part: PartModel) -> PartModel:
    return part.model_copy(update={"tests": Tests.model_construct(positive=(), negative=()), **_NO_WORDS})


class LanguageFile(LexiconPart):
    """``TAG.LANG.yaml``: what to look for in a further language; all else is in ``TAG.yaml``."""

    tag: Name


class TagFile(LexiconPart):
    """``TAG.yaml``: one tag, and what to look for in its first language.

    ``paragraph_weight`` is what a hit after the lead weighs when its paragraph is scored by itself: high where one
    paragraph of a long story is enough for the tag, low where a mention in passing is not. ``body_weight`` is what the
    zones after the lead weigh in the score of the whole story, as a share of what they weigh otherwise; it is for what
    speaks for the tag only. The threshold ``auto`` (here ``None``) is the one that the weights file gives for the tag.
    """

    id: Name
    version: Annotated[int, Field(ge=1)]
    label: Line
    description: Line
    iptc: tuple[Qcode, ...] = ()
    threshold: Threshold
    paragraph_weight: Annotated[float, Field(ge=0, le=1.2)] = 0.8
    body_weight: Annotated[float, Field(ge=0, le=1.2)] = 1.0


@dataclass(frozen=True)
class TagSource:
    """All that the files of one tag say: ``TAG.yaml`` and each ``TAG.LANG.yaml``."""

    file: TagFile
    further: tuple[LanguageFile, ...] = ()

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def lexica(self) -> tuple[LexiconPart, ...]:
        """The parts in the order in which they count: the first that ties wins."""
        return (self.file, *self.further)

    def without_words(self) -> "TagSource":
        """The same without what is looked for and without tests: what is asked of a tag that has been compiled."""
        return TagSource(_bare(self.file), tuple(map(_bare, self.further)))

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(language for part in self.lexica for language in part.languages)


_NO_WORDS: dict[str, object] = {"lists": {}, "ignore": (), "phrases": (), "rules": (), "vetoes": ()}
_WRITTEN_FIELDS = frozenset({"any", "a", "b", "unless", "need", "ignore"})


def _written(value: object, place: Place) -> Iterator[tuple[Place, str]]:
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
