"""Which articles a list shows, apart from the HTTP call and from the database."""

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Literal

from sqlalchemy import ColumnElement, exists, or_

from copydesk_api.schema import article_tags, articles
from copydesk_api.search import Search
from copydesk_shared.identity import short_digest


@dataclass(frozen=True)
class Filters:
    """All have to hold. ``terms`` as of :func:`copydesk_api.search.parse_terms`; the texts in lower case."""

    tags: tuple[str, ...] = ()
    tag_mode: Literal["any", "all"] = "any"
    terms: tuple[str, ...] = ()
    source: str | None = None
    domain: str | None = None
    language: str | None = None

    def digest(self) -> str:
        """Equal for filters that give the same list; part of the cursor."""
        tags, *others = astuple(self)
        return short_digest(json.dumps([sorted(set(tags)), *others]))


def conditions(filters: Filters, search: Search) -> Iterator[ColumnElement[bool]]:
    """The filters as SQL."""
    yield from _tag_conditions(filters)
    if filters.terms:
        yield search.condition(filters.terms)
    if filters.source is not None:
        yield articles.c.source == filters.source
    if filters.domain is not None:
        yield articles.c.domain == filters.domain
    if filters.language is not None:
        # "en" finds "en-gb" as well (RFC 4647 section 3.3.1).
        language = articles.c.language
        yield or_(language == filters.language, language.startswith(f"{filters.language}-", autoescape=True))


def _tag_conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    same_row = article_tags.c.row_id == articles.c.row_id
    if filters.tag_mode == "any" and filters.tags:
        yield exists().where(same_row, article_tags.c.tag.in_(filters.tags))
    else:
        yield from (exists().where(same_row, article_tags.c.tag == tag) for tag in filters.tags)
