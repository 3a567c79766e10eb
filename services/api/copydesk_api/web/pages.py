"""The pages: what the templates need, and nothing that is already in the message models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from copydesk_api.formats.atom import ATOM_TYPE
from copydesk_api.formats.json_feed import JSON_FEED_TYPE
from copydesk_api.formats.rss import RSS_TYPE
from copydesk_api.formats.schema_org import for_script, news_article
from copydesk_api.keys import Caller
from copydesk_api.parameters import FilterParameters, StreamParameters
from copydesk_api.problems import PROBLEM_TYPES, ProblemDetails
from copydesk_api.revisions import Told
from copydesk_api.store import TagCount
from copydesk_api.web import diffs, runs
from copydesk_api.web.links import web_url
from copydesk_api.web.reference import operations, schemas
from copydesk_shared.messages import ClassifiedArticle

HERE = Path(__file__).parent
STATIC = HERE / "static"
TAG_COLOURS = 6
MAX_TAGS_SHOWN = 40
UNFOLDED = 8  # more tags than that take the screen of a phone before the first article
MAX_LEAD = 400
UNITS = {"days": 86_400, "h": 3_600, "min": 60}
TENTHS_BELOW = 10
REVISIONS_SHOWN = 10
FEEDS = (
    ("/v1/feed.atom", "Atom", ATOM_TYPE),
    ("/v1/feed.rss", "RSS", RSS_TYPE),
    ("/v1/feed.json", "JSON Feed", JSON_FEED_TYPE),
)


def _when(value: datetime) -> str:
    moment = value.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def span(seconds: float) -> str:
    """A length of time in its largest unit: ``90 s``, ``15 min``, ``7 h``, ``3 days``."""
    for size, name in ((2 * 86_400, "days"), (2 * 3_600, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds / UNITS[name]:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= TENTHS_BELOW else f"{seconds:.1f} s"


def _lead(article: ClassifiedArticle) -> str:
    first = next((paragraph for paragraph in article.paragraphs if paragraph.strip()), "")
    return first if len(first) <= MAX_LEAD else first[:MAX_LEAD].rsplit(" ", 1)[0] + " …"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Callable[..., Any]] = {"when": _when, "lead": _lead, "web_url": web_url, "span": span}
    environment.filters.update(filters)
    return environment


_templates = _environment()


def render(template: str, **values: Any) -> str:
    """A page by the name of its template."""
    return _templates.get_template(template).render(**values)


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


@dataclass(frozen=True)
class FeedLink:
    """The list of the page in a format for feed readers."""

    label: str
    media_type: str
    href: str


def _with_query(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _href(pairs: Sequence[tuple[str, str]]) -> str:
    return _with_query("/", pairs)


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


def _can_be_streamed(pairs: Sequence[tuple[str, str]]) -> bool:
    return {name for name, _ in pairs} <= StreamParameters.model_fields.keys()


def feed_page(page: FeedPage) -> str:
    """The page at ``/``."""
    pairs = page.parameters.pairs()
    return _templates.get_template("feed.html").render(
        page=page,
        chips=tag_chips(page.tags, page.parameters),
        hidden=[pair for pair in pairs if pair[0] != "q"],
        query=page.parameters.q or "",
        unfolded=UNFOLDED,
        filtered=bool(pairs),
        narrowed=[f"{name.replace('_', ' ')} {value}" for name, value in pairs if name not in ("q", "tag")],
        feeds=[FeedLink(label, kind, _with_query(path, pairs)) for path, label, kind in FEEDS],
        live_href=_with_query("/v1/stream", pairs) if page.first and _can_be_streamed(pairs) else None,
        first_href=_href(pairs),
        next_href=_href([*pairs, ("cursor", page.cursor)]) if page.cursor else None,
    )


def article_page(article: ClassifiedArticle, base_url: str, *, with_removed: bool, has_history: bool) -> str:
    """The page of one article; ``has_history`` when earlier revisions are kept."""
    return _templates.get_template("article.html").render(
        article=article,
        title=runs.title_runs(article),
        paragraphs=runs.paragraphs(article, with_removed=with_removed),
        picture_of=partial(runs.picture_of, article),
        with_removed=with_removed,
        has_history=has_history,
        removals_fit=runs.removals_fit(article),
        colours=TAG_COLOURS,
        linked_data=for_script(news_article(article, base_url)),
    )


@dataclass(frozen=True)
class RevisionsPage:
    """What the page of an article's revisions shows."""

    article_id: str
    revisions: Sequence[Told]
    cursor: str | None
    first: bool


def revisions_page(page: RevisionsPage) -> str:
    """The page of what an article was before, with what each revision changed."""
    here = f"/articles/{quote(page.article_id, safe='')}/revisions"
    return _templates.get_template("revisions.html").render(
        page=page,
        newest=page.revisions[0].article if page.revisions else None,
        shown=[(each, diffs.shown(each.differences)) for each in page.revisions],
        here=here,
        next_href=_with_query(here, [("cursor", page.cursor)]) if page.cursor else None,
    )


def problem_page(details: ProblemDetails) -> str:
    """A page that says what went wrong."""
    return _templates.get_template("problem.html").render(details=details)


def sign_in_page(caller: Caller | None, target: str, refused: str = "") -> str:
    """The page at ``/login``: the form, why the last key was refused, or who is signed in."""
    return _templates.get_template("sign_in.html").render(caller=caller, target=target, refused=refused)


def reference_page(document: dict[str, Any]) -> str:
    """The page at ``/docs``, made from the OpenAPI document; every call can be tried with a form."""
    return _templates.get_template("reference.html").render(
        info=document["info"], operations=operations(document), schemas=schemas(document), problem_types=PROBLEM_TYPES
    )
