"""Full-text search on SQLite (FTS5) and PostgreSQL (tsvector), with one syntax: words and "phrases", all must occur.

The databases keep words and places; which words a text has is decided in :mod:`copydesk_api.words`, so a query finds
the same on both. How they rank differs: BM25 on SQLite, ``ts_rank`` on PostgreSQL; a word in the title counts most.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from math import isqrt
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Select,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from copydesk_api.words import BESIDE, MAX_BYTES, Phrase, phrase, words

MAX_QUERY_TERMS = 32
MAX_PLACE = 16_383  # of a word in a tsvector
MAX_PLACES = 255
TITLE_WEIGHT = 10.0
ASKED_FOR_SORTED = 150
BODY_GAP = 2  # no phrase goes from the title to the text

_TERMS = re.compile(r'"([^"]*)"|([^\s"]+)')
_WORDS = re.compile(r"[^\W_]+")


def parse_terms(query: str) -> tuple[str, ...]:
    """The words and "phrases" of what a person typed; a term is words with one space between.

    Nothing but letters and digits is left, so no operator of a database's own syntax gets through. A quotation mark
    without its partner is ignored. Raises ``ValueError`` when no word is left or when there are too many.
    """
    normal = unicodedata.normalize("NFC", query)
    found = (" ".join(_WORDS.findall(phrase_ or word)) for phrase_, word in _TERMS.findall(normal))
    terms = tuple(term for term in found if term)
    if not terms:
        raise ValueError("there is no word to search for")
    if len(terms) > MAX_QUERY_TERMS:
        raise ValueError(f"more than {MAX_QUERY_TERMS} search terms")
    return terms


class Search(Protocol):
    """What the store needs of a search index. Rows are ``{"row_id", "title", "body"}``."""

    def matches(self, terms: Sequence[str], *, ranked: bool) -> Select[Any]:
        """``row_id``, and ``rank`` (the higher the better) when asked for, of articles that have all the terms."""

    def has(self, terms: Sequence[str], row_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether the article of one row has all the terms."""

    def is_common(self, connection: Connection, terms: Sequence[str], articles: int) -> bool:
        """Whether so many of the articles have the terms that it is quicker to go through the list and ask each one."""

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        """Forget the rows with the numbers of ``gone`` and index ``rows``."""


class SqliteSearch:
    """FTS5 gets the words ready made; its tokenizer "ascii" only parts them at the spaces."""

    _index: FromClause = table("article_search")

    def has(self, terms: Sequence[str], row_id: ColumnElement[int]) -> ColumnElement[bool]:
        """See :class:`Search`."""
        return self.matches(terms, ranked=False).where(column("rowid") == row_id).correlate(row_id.table).exists()

    def is_common(self, connection: Connection, terms: Sequence[str], articles: int) -> bool:
        """Sorting a match takes a third of the time that asking an article takes, of which a page needs fifty."""
        bound = isqrt(ASKED_FOR_SORTED * max(articles, 1))
        some = self.matches(terms, ranked=False).limit(bound + 1).subquery()
        found: int = connection.execute(select(func.count()).select_from(some)).scalar_one()
        return found > bound

    def matches(self, terms: Sequence[str], *, ranked: bool) -> Select[Any]:
        """See :class:`Search`."""
        phrases = [each for term in terms if (each := phrase(term)) is not None]
        match = " AND ".join(f'"{" ".join(each.words)}"{" *" if each.is_open else ""}' for each in phrases)
        rank = type_coerce(-func.bm25(literal_column("article_search"), TITLE_WEIGHT, 1.0), Double).label("rank")
        return (
            select(column("rowid").label("row_id"), *([rank] if ranked else []))
            .select_from(self._index)
            .where(literal_column("article_search").op("MATCH")(match))
        )

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        """See :class:`Search`."""
        if gone:
            connection.execute(
                text("DELETE FROM article_search WHERE rowid = :row_id"), [{"row_id": row_id} for row_id in gone]
            )
        if rows:
            connection.execute(
                text("INSERT INTO article_search (rowid, title, body) VALUES (:row_id, :title, :body)"),
                [{**row, "title": " ".join(words(row["title"])), "body": " ".join(words(row["body"]))} for row in rows],
            )


class PostgresSearch:
    """A tsvector of words and places that are given as they are: no parser and no dictionary of the server is asked."""

    _index: FromClause = table("article_search", column("row_id"), column("words"))

    def has(self, terms: Sequence[str], row_id: ColumnElement[int]) -> ColumnElement[bool]:
        """See :class:`Search`."""
        return row_id.in_(self.matches(terms, ranked=False))

    def is_common(self, _connection: Connection, _terms: Sequence[str], _articles: int) -> bool:
        """The planner of the server chooses by its statistics."""
        return False

    def matches(self, terms: Sequence[str], *, ranked: bool) -> Select[Any]:
        """See :class:`Search`."""
        phrases = [each for term in terms if (each := phrase(term)) is not None]
        match = " & ".join(map(_tsquery, phrases))
        wanted = cast(match, TSQUERY)
        # 1: long texts count less. The weights are of D, C, B and A, which is the title's.
        weights: ColumnElement[Any] = literal_column("'{0.1, 0.2, 0.4, 1.0}'::float4[]")
        rank = cast(func.ts_rank(weights, column("words"), wanted, 1), Double).label("rank")
        return (
            select(column("row_id"), *([rank] if ranked else []))
            .select_from(self._index)
            .where(column("words").op("@@")(wanted))
        )

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        """See :class:`Search`."""
        if gone:
            connection.execute(
                text("DELETE FROM article_search WHERE row_id = :row_id"), [{"row_id": row_id} for row_id in gone]
            )
        if rows:
            connection.execute(
                text("INSERT INTO article_search (row_id, words) VALUES (:row_id, CAST(:words AS tsvector))"),
                [{"row_id": row["row_id"], "words": _vector(row["title"], row["body"])} for row in rows],
            )


def _tsquery(wanted: Phrase) -> str:
    together = " <-> ".join(f"'{word}'" for word in wanted.words)
    return f"({together}{':*' if wanted.is_open else ''})"


def _vector(title: str, body: str) -> str:
    """The text form of a tsvector (PostgreSQL 17 manual, section 8.11.1). Words need no escapes."""
    places: dict[str, list[str]] = {}
    in_title = words(title)
    room = MAX_BYTES - sum(len(word.encode()) + BESIDE for word in in_title)
    for at, word in enumerate(in_title, 1):
        places.setdefault(word, []).append(f"{min(at, MAX_PLACE)}A")
    for at, word in enumerate(words(body, room), len(in_title) + BODY_GAP):
        places.setdefault(word, []).append(str(min(at, MAX_PLACE)))
    return " ".join(f"'{word}':{','.join(found[:MAX_PLACES])}" for word, found in places.items())


SEARCHES: Mapping[str, Search] = {"sqlite": SqliteSearch(), "postgresql": PostgresSearch()}
