"""The bundled articles: what the sample publisher prints, and what a cleaner ought to make of it.

Each file under ``articles/`` is one article. Its body is a list of blocks in reading order; a plain string is a
paragraph of the story. The junk that real pages carry is marked as such, so the expected clean text is what is left.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from copydesk_shared.yaml_lines import YamlDocument

Template = Literal["broadsheet", "careless", "tabloid", "wire"]
Tag = Literal["conflict", "aviation", "prisoner-exchange"]
Channel = Literal["rss", "atom", "wire"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Paragraph(_Data):
    """A paragraph of the story; ``corrected`` is how it reads after the correction."""

    kind: Literal["paragraph"] = "paragraph"
    text: str
    corrected: str | None = None

    def reads(self, *, revised: bool) -> str:
        return self.corrected if revised and self.corrected else self.text


class Quote(_Data):
    """A paragraph of the story that is set as a block quotation."""

    kind: Literal["quote"] = "quote"
    quote: str


class Subhead(_Data):
    """A heading inside the story. It belongs to the text."""

    kind: Literal["subhead"] = "subhead"
    subhead: str


class Picture(_Data):
    """A picture. ``credit`` is what stands between the brackets after the caption."""

    kind: Literal["picture"] = "picture"
    caption: str
    credit: str


class ReadMore(_Data):
    """Junk: a pointer to another story behind a label."""

    kind: Literal["read-more"] = "read-more"
    more: str
    label: str = "READ MORE:"


class Headline(_Data):
    """Junk: the bare headline of an unrelated story between two paragraphs."""

    kind: Literal["headline"] = "headline"
    headline: str


class Junk(_Data):
    """Junk: promotions, cookie text, share bars, sign-offs of the desk."""

    kind: Literal["junk"] = "junk"
    junk: str


Block = Paragraph | Quote | Subhead | Picture | ReadMore | Headline | Junk


def _as_block(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Article(_Data):
    """One article of the sample publisher.

    ``age_minutes`` dates an article of the first batch before the start; without it the article appears later, in the
    order of the file names. ``corrected_after`` is the number of ticks after which the correction is made, counted
    from the start.
    """

    slug: str
    title: str
    summary: str
    corrected_summary: str | None = None
    authors: tuple[str, ...]
    section: str
    template: Template
    channels: tuple[Channel, ...]
    tags: frozenset[Tag]
    age_minutes: int | None = None
    corrected_after: int | None = None
    related: tuple[str, ...] = ()
    body: tuple[Annotated[Block, BeforeValidator(_as_block)], ...] = Field(min_length=6)

    def expected_paragraphs(self, *, revised: bool = False) -> tuple[str, ...]:
        """The story alone: what a perfect cleaner leaves."""
        return tuple(text for block in self.body if (text := _story_text(block, revised=revised)) is not None)

    def junk_lines(self) -> tuple[str, ...]:
        """The lines that do not belong to the story, as they are printed; captions and credits not among them."""
        return tuple(line for block in self.body if (line := _junk_text(block)) is not None)

    def pictures(self) -> tuple[Picture, ...]:
        return tuple(block for block in self.body if isinstance(block, Picture))

    @property
    def path(self) -> str:
        return f"/{self.section}/{self.slug}"

    def reads_summary(self, *, revised: bool) -> str:
        return self.corrected_summary if revised and self.corrected_summary else self.summary


def _story_text(block: Block, *, revised: bool) -> str | None:
    if isinstance(block, Paragraph):
        return block.reads(revised=revised)
    if isinstance(block, Quote):
        return block.quote
    return block.subhead if isinstance(block, Subhead) else None


def _junk_text(block: Block) -> str | None:
    if isinstance(block, ReadMore):
        return f"{block.label} {block.more}"
    if isinstance(block, Headline):
        return block.headline
    return block.junk if isinstance(block, Junk) else None


@cache
def load_articles() -> tuple[Article, ...]:
    """All bundled articles, in the order of their file names."""
    folder = files(__package__).joinpath("articles")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(YamlDocument(file.read_text(encoding="utf-8"), file.name).validate(Article) for file in found)
