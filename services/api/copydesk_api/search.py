"""Full-text search on SQLite (FTS5) and PostgreSQL (tsvector), with one syntax: words and "phrases", all must occur."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from sqlalchemy import ColumnElement, Connection, Select, column, func, literal_column, select, table, text

MAX_QUERY_TERMS = 32
MAX_WORD = 200
MAX_INDEXED = 200_000  # characters; a tsvector holds 1 MiB at most

_TERMS = re.compile(r'"([^"]*)"|([^\s"]+)')
_WORDS = re.compile(r"[^\W_]+")
_INDEX = table("article_search")


def parse_terms(query: str) -> tuple[str, ...]:
    """The words and "phrases" of what a person typed; a term is words with one space between.

    Nothing but letters and digits is left, so no operator of a database's own syntax gets through. A quotation mark
    without its partner is ignored. Raises ``ValueError`` when no word is left or when there are too many.
    """
    normal = unicodedata.normalize("NFC", query)
    found = (" ".join(_WORDS.findall(phrase or word)) for phrase, word in _TERMS.findall(normal))
    terms = tuple(term for term in found if term)
    if not terms:
        raise ValueError("there is no word to search for")
    if len(terms) > MAX_QUERY_TERMS:
        raise ValueError(f"more than {MAX_QUERY_TERMS} search terms")
    return terms


def fold(value: str) -> str:
    """Lower-case words without accents, one space between, as PostgreSQL gets them.

    Its own parser reads "Il-76" as a word and a negative number; this way both databases find the same.
    """
    plain = value[:MAX_INDEXED]
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return " ".join(word[:MAX_WORD] for word in _WORDS.findall(plain.casefold()))[:MAX_INDEXED]


class Search(Protocol):
    """What the store needs of a search index. Rows are ``{"row_id", "title", "body"}``."""

    ddl: ClassVar[Sequence[str]]

    def condition(self, terms: Sequence[str]) -> ColumnElement[bool]:
        """That an article has all the terms in its title or text."""

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        """Forget the rows with the numbers of ``gone`` and index ``rows``."""


class SqliteSearch:
    """FTS5 folds case and accents by itself."""

    ddl: ClassVar[Sequence[str]] = (
        "CREATE VIRTUAL TABLE article_search USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 2')",
    )

    def condition(self, terms: Sequence[str]) -> ColumnElement[bool]:
        match = " ".join(f'"{term}"' for term in terms)
        found: Select[Any] = (
            select(column("rowid")).select_from(_INDEX).where(literal_column("article_search").op("MATCH")(match))
        )
        return literal_column("articles.row_id").in_(found)

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        if gone:
            connection.execute(
                text("DELETE FROM article_search WHERE rowid = :row_id"), [{"row_id": row_id} for row_id in gone]
            )
        if rows:
            connection.execute(
                text("INSERT INTO article_search (rowid, title, body) VALUES (:row_id, :title, :body)"),
                [{**row, "body": row["body"][:MAX_INDEXED]} for row in rows],
            )


class PostgresSearch:
    """A tsvector with the configuration "simple": the feed has many languages, so nothing is stemmed."""

    ddl: ClassVar[Sequence[str]] = (
        """CREATE TABLE article_search
           (row_id bigint PRIMARY KEY REFERENCES articles ON DELETE CASCADE, words tsvector NOT NULL)""",
        # Kept in the row as long as it fits: the planner takes no account of a column that is stored elsewhere and
        # would read the whole table instead of the index.
        "ALTER TABLE article_search ALTER COLUMN words SET STORAGE MAIN",
        "CREATE INDEX article_search_words ON article_search USING gin (words)",
    )

    def condition(self, terms: Sequence[str]) -> ColumnElement[bool]:
        match = " ".join(f'"{fold(term)}"' for term in terms)
        wanted = func.websearch_to_tsquery(literal_column("'simple'"), match)
        found: Select[Any] = select(column("row_id")).select_from(_INDEX).where(column("words").op("@@")(wanted))
        return literal_column("articles.row_id").in_(found)

    def replace(self, connection: Connection, gone: Collection[int], rows: Sequence[Mapping[str, Any]]) -> None:
        if gone:
            connection.execute(
                text("DELETE FROM article_search WHERE row_id = :row_id"), [{"row_id": row_id} for row_id in gone]
            )
        if rows:
            connection.execute(
                text("INSERT INTO article_search (row_id, words) VALUES (:row_id, to_tsvector('simple', :words))"),
                [{"row_id": row["row_id"], "words": fold(f"{row['title']}\n{row['body']}")} for row in rows],
            )


SEARCHES: Mapping[str, Search] = {"sqlite": SqliteSearch(), "postgresql": PostgresSearch()}
