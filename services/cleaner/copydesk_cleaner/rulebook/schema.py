"""What a rule file may hold, as models; a key that is not here is refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

# What a rule may find; that whitespace goes besides is no rule's doing.
Kind = Literal["caption", "credit", "related-link", "title", "promotion", "boilerplate"]
Scope = Literal["line", "start", "end", "code"]
Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")]
FragmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9]+(?:-[a-z0-9]+)*$")]
Language = Annotated[str, StringConstraints(pattern=r"^(?:[a-z]{2,3}|any)$")]


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _examples(value: object) -> object:
    return [{"text": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Example(_Model):
    """A text and what is known besides it. Of a hit, ``cut`` are the parts of the text that go; without it, any may."""

    text: Text
    cut: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    titles: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    known_titles: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    host_lines: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    captions: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    alternatives: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    links: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    headings: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    authors: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    keywords: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()


Examples = Annotated[tuple[Example, ...], Field(min_length=1), BeforeValidator(_examples), BeforeValidator(_listed)]


class RuleEntry(_Model):
    """One rule."""

    id: RuleId
    kind: Kind
    scope: Scope
    languages: Annotated[tuple[Language, ...], Field(min_length=1), BeforeValidator(_listed)]
    provenance: Text
    about: str = ""
    ignore_case: bool = False
    needs: tuple[Text, ...] = ()
    patterns: tuple[Text, ...] = ()
    hit: Examples
    keep: Examples

    @model_validator(mode="after")
    def _check_patterns(self) -> "RuleEntry":
        if self.scope == "code" and (self.patterns or self.needs or self.ignore_case):
            raise ValueError("a rule of scope code is done by a function and has no patterns, needs or ignore_case")
        if self.scope == "code" and not self.about:
            raise ValueError("a rule of scope code says in `about` what its function looks for")
        if self.scope != "code" and not self.patterns:
            raise ValueError(f"a rule of scope {self.scope} needs patterns")
        return self


class LeadEntry(_Model):
    """Words that stand before the headline of another story."""

    words: Text
    language: Language
    sure: bool
    hit: Examples
    keep: Examples


class FileEntry(_Model):
    """One rule file."""

    family: Name
    about: Text
    fragments: dict[FragmentName, Text] = {}
    vocabularies: dict[FragmentName, list[Text] | dict[Language, list[Text]]] = {}
    leads: list[LeadEntry] = []
    rules: list[RuleEntry] = []
