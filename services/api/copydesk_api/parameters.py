"""The query parameters of the calls, declared once: they are checked by these models and documented from them.

An empty value counts as not given, because that is what an HTML form sends; of a tag that is given more than once, each
that is empty. An unknown name is refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from copydesk_api.cursors import MAX_VALUE
from copydesk_api.filters import Filters, Order, when
from copydesk_api.search import parse_terms
from copydesk_api.values import CursorText, Language, LetterCursor, Moment, Name, SearchText
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.messages import Access

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
PAGE_LIMIT = 30
MAX_REVISIONS = 50
MAX_LETTERS = 80  # as many fit into a form
DEFAULT_REVISIONS = 10
MAX_NAME = 60
MAX_WAIT = 60
MAX_NAMES = 10

REPEATABLE = frozenset({"tag"})
UNKNOWN = "unknown_parameter"
NO_ORDER = "changes come in the order of the feed; there is no other"


def _without_empty(value: Any) -> Any:
    return [each for each in value if each != ""] if isinstance(value, list | tuple) else value


class Parameters(BaseModel):
    """Base of the parameters of a call; by itself that of a call that takes none."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, values: Any) -> Any:
        given = {name: _without_empty(value) for name, value in cls._known(values).items()}
        return {name: value for name, value in given.items() if value not in ("", [])}

    @classmethod
    def _known(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = sorted(set(values) - set(cls.model_fields))
        if unknown:
            said = {name: cls._unknown(name) for name in unknown[:MAX_NAMES]}
            raise PydanticCustomError(UNKNOWN, "unknown parameters", {UNKNOWN: said})
        return values

    @classmethod
    def _unknown(cls, name: str) -> str:
        close = get_close_matches(name[:MAX_NAME].lower(), cls.model_fields, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"there is no such parameter{hint}"


class StoryParameters(Parameters):
    """What narrows a list of articles and can be told of each article by itself."""

    tag: Annotated[
        tuple[Name, ...], Field(max_length=20, description="Articles with this tag; may be given more than once.")
    ] = ()
    tag_mode: Annotated[
        Literal["any", "all"], Field(description="With several tags: articles with any of them, or with all.")
    ] = "any"
    source: Annotated[Name | None, Field(description="The name of the publisher.")] = None
    domain: Annotated[Name | None, Field(description="The registrable domain of the publisher: bbc.co.uk")] = None
    language: Annotated[Language | None, Field(description="A language tag; en finds en-GB as well.")] = None

    def filters(self) -> Filters:
        """The filters in the form that the store takes."""
        return Filters(
            tags=tuple(dict.fromkeys(self.tag)),
            tag_mode=self.tag_mode,
            source=self.source.casefold() if self.source else None,
            domain=self.domain.lower() if self.domain else None,
            language=self.language.lower() if self.language else None,
        )


class NarrowingParameters(StoryParameters):
    """All that narrows a list of articles."""

    q: Annotated[
        SearchText | None,
        Field(description='Words and "phrases" that must all occur in the title or the text, 32 of them at most.'),
    ] = None
    published_from: Annotated[
        Moment | None,
        Field(
            description="Published then or later: 2026-03-01, 2026-03-01T12:00:00Z, or how long ago: 90m, 12h, 7d, 2w. "
            "Where the time of publication is not known, that of fetching counts."
        ),
    ] = None
    published_to: Annotated[
        Moment | None, Field(description="Published then or earlier, on a day up to its end; as published_from.")
    ] = None
    access: Annotated[
        Access | None, Field(description="How much of the story the publisher shows: full, or what keeps it back.")
    ] = None
    dedupe: Annotated[
        Literal["lead"] | None,
        Field(description="lead: of articles that are nearly the same text, only the one that came first."),
    ] = None

    def filters(self) -> Filters:
        """See :class:`StoryParameters`."""
        return replace(
            super().filters(),
            terms=parse_terms(self.q) if self.q else (),
            published_from=when(self.published_from) if self.published_from else None,
            published_to=when(self.published_to, is_end=True) if self.published_to else None,
            access=self.access,
            only_leads=self.dedupe == "lead",
        )


class FilterParameters(NarrowingParameters):
    """A list of articles: which, and in which order."""

    order: Annotated[Order, Field(description="By time, or with q by relevance, the best first.")] = "newest"

    @model_validator(mode="after")
    def _can_be_ranked(self) -> Self:
        if self.order == "relevance" and self.q is None:
            raise PydanticCustomError(UNKNOWN, "q is missing", {UNKNOWN: {"order": "relevance needs q"}})
        return self

    def filters(self) -> Filters:
        """See :class:`StoryParameters`."""
        return replace(super().filters(), order=self.order)

    def pairs(self) -> list[tuple[str, str]]:
        """The filters as query parameters, without cursor and limit."""
        given = self.model_dump(include=set(FilterParameters.model_fields), exclude={"tag"}, exclude_defaults=True)
        return [("tag", tag) for tag in self.tag] + [(name, str(value)) for name, value in given.items()]


class WebhookFilters(NarrowingParameters):
    """Which articles a webhook tells of, by what narrows /v1/articles. What is empty is refused here."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        if "order" in values:
            raise PydanticCustomError("order", NO_ORDER)
        return cls._known(values)


class ListParameters(FilterParameters):
    """A page of a list of articles."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many articles at most.")] = DEFAULT_LIMIT


class SearchParameters(ListParameters):
    """A page of a list that may show where the words stand."""

    highlight: Annotated[
        bool, Field(description="With q: where the words stand in title and text, as HTML, in highlights.")
    ] = False


class PageParameters(FilterParameters):
    """A page for a browser."""

    cursor: CursorText | None = None


class ArticlePageParameters(Parameters):
    """An article for a browser."""

    removed: bool = False


class RevisionsPageParameters(Parameters):
    """The revisions of an article for a browser."""

    cursor: CursorText | None = None


class RevisionsParameters(Parameters):
    """A page of the revisions of an article."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_REVISIONS, description="How many revisions at most.")] = DEFAULT_REVISIONS
    full: Annotated[bool, Field(description="The whole article with each revision, not only what changed.")] = False


class SourcesParameters(Parameters):
    """A page of the sources."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many sources at most.")] = DEFAULT_LIMIT


class SourcesPageParameters(Parameters):
    """The sources for a browser."""

    cursor: CursorText | None = None


class LettersParameters(Parameters):
    """A page of the dead letters."""

    reason: Annotated[DeadLetterReason | None, Field(description="Only those given up for this reason.")] = None
    stage: Annotated[Name | None, Field(description="Only those of this stage.")] = None
    source: Annotated[Name | None, Field(description="Only those of this publisher's domain, or of this feed.")] = None
    cursor: Annotated[LetterCursor | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LETTERS, description="How many letters at most.")] = DEFAULT_LIMIT


class WebhookPageParameters(Parameters):
    """A webhook for a browser, with what came of the delivery that was just asked for."""

    cursor: CursorText | None = None
    sent: Annotated[int, Field(ge=1, le=MAX_VALUE)] | None = None


class ChangesParameters(Parameters):
    """A page of the change feed."""

    after: Annotated[
        CursorText | None,
        Field(description="Changes after this point: next of the answer before. Left out: from the first change on."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many changes at most.")] = DEFAULT_LIMIT
    wait: Annotated[
        int,
        Field(ge=0, le=MAX_WAIT, description="Where there is nothing new, wait so many seconds for it (long poll)."),
    ] = 0


class StreamParameters(StoryParameters):
    """What narrows the stream."""

    after: Annotated[
        CursorText | None,
        Field(description="Changes after this point, as Last-Event-ID. Left out of both: from now on."),
    ] = None

    @classmethod
    def _unknown(cls, name: str) -> str:
        is_of_lists = name in FilterParameters.model_fields
        return "the stream cannot be narrowed by it; /v1/articles can" if is_of_lists else super()._unknown(name)
