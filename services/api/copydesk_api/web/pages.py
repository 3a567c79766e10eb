"""The pages: what the templates need, and nothing that is already in the message models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from copydesk_api.parameters import FilterParameters
from copydesk_api.problems import PROBLEM_TYPES, ProblemDetails
from copydesk_api.store import TagCount
from copydesk_api.web import runs
from copydesk_api.web.links import web_url
from copydesk_api.web.reference import operations, schemas
from copydesk_shared.messages import ClassifiedArticle

HERE = Path(__file__).parent
STATIC = HERE / "static"
TAG_COLOURS = 6
MAX_TAGS_SHOWN = 40
MAX_LEAD = 400


def _when(value: datetime) -> str:
    moment = value.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _lead(article: ClassifiedArticle) -> str:
    first = next((paragraph for paragraph in article.paragraphs if paragraph.strip()), "")
    return first if len(first) <= MAX_LEAD else first[:MAX_LEAD].rsplit(" ", 1)[0] + " …"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Callable[..., Any]] = {"when": _when, "lead": _lead, "web_url": web_url}
    environment.filters.update(filters)
    return environment


_templates = _environment()


@dataclass(frozen=True)
class Chip:
    """A tag that one can choose or, when it is chosen, leave out again."""

    label: str
    count: int | None
    href: str
    chosen: bool


@dataclass(frozen=True)
class FeedPage:
    """What the page of the feed shows."""

    articles: Sequence[ClassifiedArticle]
    tags: Sequence[TagCount]
    parameters: FilterParameters
    cursor: str | None
    first: bool


def _href(pairs: Sequence[tuple[str, str]]) -> str:
    return f"/?{urlencode(pairs)}" if pairs else "/"


def tag_chips(tags: Sequence[TagCount], parameters: FilterParameters) -> list[Chip]:
    """The tags of the store, those chosen first; each link keeps the other filters."""
    known = {tag.tag: tag for tag in tags}
    chosen = [known.get(name, TagCount(name, name, 0)) for name in dict.fromkeys(parameters.tag)]
    others = [tag for tag in tags if tag.tag not in parameters.tag]
    pairs = parameters.pairs()
    return [
        Chip(tag.label or tag.tag, tag.count, _href([pair for pair in pairs if pair != ("tag", tag.tag)]), chosen=True)
        for tag in chosen
    ] + [
        Chip(tag.label or tag.tag, tag.count, _href([*pairs, ("tag", tag.tag)]), chosen=False)
        for tag in others[:MAX_TAGS_SHOWN]
    ]


def feed_page(page: FeedPage) -> str:
    """The page at ``/``."""
    pairs = page.parameters.pairs()
    return _templates.get_template("feed.html").render(
        page=page,
        chips=tag_chips(page.tags, page.parameters),
        hidden=[pair for pair in pairs if pair[0] != "q"],
        query=page.parameters.q or "",
        filtered=bool(pairs),
        feed_href=f"/v1/feed.json{'?' if pairs else ''}{urlencode(pairs)}",
        first_href=_href(pairs),
        next_href=_href([*pairs, ("cursor", page.cursor)]) if page.cursor else None,
    )


def article_page(article: ClassifiedArticle, *, with_removed: bool) -> str:
    """The page of one article."""
    return _templates.get_template("article.html").render(
        article=article,
        title=runs.title_runs(article),
        paragraphs=runs.paragraphs(article, with_removed=with_removed),
        with_removed=with_removed,
        removals_fit=runs.removals_fit(article),
        colours=TAG_COLOURS,
    )


def problem_page(details: ProblemDetails) -> str:
    """A page that says what went wrong."""
    return _templates.get_template("problem.html").render(details=details)


def reference_page(document: dict[str, Any]) -> str:
    """The page at ``/docs``, made from the OpenAPI document; every call can be tried with a form."""
    return _templates.get_template("reference.html").render(
        info=document["info"], operations=operations(document), schemas=schemas(document), problem_types=PROBLEM_TYPES
    )
