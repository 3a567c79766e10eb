"""The query parameters of the calls, declared once: they are checked by these models and documented from them.

An empty value counts as not given, because that is what an HTML form sends. An unknown name is refused.
"""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from copydesk_api.cursors import MAX_CURSOR
from copydesk_api.filters import Filters
from copydesk_api.search import parse_terms

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
PAGE_LIMIT = 30
MAX_NAME = 60
MAX_NAMES = 10

REPEATABLE = frozenset({"tag"})
UNKNOWN = "unknown_parameter"


def _plain(value: str) -> str:
    if any(char < " " or char == "\x7f" for char in value):
        raise ValueError("control characters are not allowed")
    return value


def _searchable(value: str) -> str:
    parse_terms(value)
    return value


Name = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
SearchText = Annotated[str, Field(max_length=500), AfterValidator(_plain), AfterValidator(_searchable)]
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
CursorText = Annotated[str, Field(max_length=MAX_CURSOR), AfterValidator(_plain)]


class Parameters(BaseModel):
    """Base of the parameters of a call; by itself that of a call that takes none."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, values: Any) -> Any:
        unknown = sorted(set(values) - set(cls.model_fields))
        if unknown:
            said = {name: cls._unknown(name) for name in unknown[:MAX_NAMES]}
            raise PydanticCustomError(UNKNOWN, "unknown parameters", {UNKNOWN: said})
        return {name: value for name, value in values.items() if value not in ("", [""])}

    @classmethod
    def _unknown(cls, name: str) -> str:
        close = get_close_matches(name[:MAX_NAME].lower(), cls.model_fields, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"there is no such parameter{hint}"


class FilterParameters(Parameters):
    """What narrows a list of articles."""

    tag: Annotated[
        tuple[Name, ...], Field(max_length=20, description="Articles with this tag; may be given more than once.")
    ] = ()
    tag_mode: Annotated[
        Literal["any", "all"], Field(description="With several tags: articles with any of them, or with all.")
    ] = "any"
    q: Annotated[
        SearchText | None,
        Field(description='Words and "phrases" that must all occur in the title or the text.'),
    ] = None
    source: Annotated[Name | None, Field(description="The name of the publisher.")] = None
    domain: Annotated[Name | None, Field(description="The registrable domain of the publisher: bbc.co.uk")] = None
    language: Annotated[Language | None, Field(description="A language tag; en finds en-GB as well.")] = None

    def filters(self) -> Filters:
        """The filters in the form that the store takes."""
        return Filters(
            tags=tuple(dict.fromkeys(self.tag)),
            tag_mode=self.tag_mode,
            terms=parse_terms(self.q) if self.q else (),
            source=self.source.casefold() if self.source else None,
            domain=self.domain.lower() if self.domain else None,
            language=self.language.lower() if self.language else None,
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The filters as query parameters, without cursor and limit."""
        given = self.model_dump(include=set(FilterParameters.model_fields), exclude={"tag"}, exclude_defaults=True)
        return [("tag", tag) for tag in self.tag] + [(name, str(value)) for name, value in given.items()]


class ListParameters(FilterParameters):
    """A page of a list of articles."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many articles at most.")] = DEFAULT_LIMIT


class PageParameters(FilterParameters):
    """A page for a browser."""

    cursor: CursorText | None = None


class ArticlePageParameters(Parameters):
    """An article for a browser."""

    removed: bool = False


class ChangesParameters(Parameters):
    """A page of the change feed."""

    after: Annotated[
        CursorText | None,
        Field(description="Changes after this point: next of the answer before. Left out: from the first change on."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many changes at most.")] = DEFAULT_LIMIT
