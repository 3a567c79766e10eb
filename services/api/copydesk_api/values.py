"""The values that calls take: each is checked by a rule, and the OpenAPI document tells of it what a pattern can tell.

What no pattern can, a calendar or the words of a language, is checked all the same.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, Strict

from copydesk_api.cursors import CURSOR, MAX_CURSOR
from copydesk_api.filters import MOMENT, when
from copydesk_api.search import parse_terms
from copydesk_shared.urls import URL_LIMIT

LONGEST_NAME = 200
PLAIN = {"pattern": r"^[^\x00-\x1F\x7F]*$"}
_SEEN = re.compile(r"[^\s\x00-\x1F\x7F-\x9F]")
VISIBLE: dict[str, Any] = {"minLength": 1, "pattern": _SEEN.pattern}
PLACES = "[0-9]{1,9}:[0-9]{1,18}(,[0-9]{1,9}:[0-9]{1,18})*"  # see operating.dead_letters
WEB_URL = {"format": "iri", "pattern": "^https?://"}
# RFC 3339 section 5.6; which days a month has is for the calendar.
RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def plain(value: str) -> str:
    """Raises ``ValueError`` for a text with control characters."""
    if any(char < " " or char == "\x7f" for char in value):
        raise ValueError("control characters are not allowed")
    return value


def visible(value: str) -> str:
    """Raises ``ValueError`` for a text of which nothing is seen."""
    if not _SEEN.search(value):
        raise ValueError("there is nothing in it")
    return value


def _moment(value: str) -> str:
    when(value)
    return value


def _searchable(value: str) -> str:
    parse_terms(value)
    return value


def without_fraction(value: object) -> object:
    """JSON tells no 5.0 from 5 (RFC 8259 section 6)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rfc3339(value: object) -> object:
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        raise ValueError("this is no time with its zone, such as 2026-03-01T12:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is before the year 1, or after 9999") from None


Words = Annotated[str, Field(max_length=LONGEST_NAME, json_schema_extra=PLAIN), AfterValidator(plain)]
Name = Annotated[Words, Field(min_length=1)]
# Of what is looked for in a database: PostgreSQL's texts hold no NUL.
Id = Annotated[str, Field(max_length=100, json_schema_extra=PLAIN), AfterValidator(plain)]
Visible = Annotated[str, Field(json_schema_extra=VISIBLE), AfterValidator(visible)]
Moment = Annotated[
    str, Field(max_length=40, json_schema_extra={"pattern": f"^({MOMENT.pattern})$"}), AfterValidator(_moment)
]
SearchText = Annotated[
    str,
    Field(min_length=1, max_length=500, json_schema_extra=PLAIN),
    AfterValidator(plain),
    AfterValidator(_searchable),
]
Language = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
CursorText = Annotated[str, Field(max_length=MAX_CURSOR, json_schema_extra={"pattern": f"^{CURSOR.pattern}$"})]
LetterCursor = Annotated[str, Field(max_length=MAX_CURSOR, json_schema_extra={"pattern": f"^{PLACES}$"})]
# What comes in a body of JSON.
Whole = Annotated[int, Strict(), BeforeValidator(without_fraction)]
Timestamp = Annotated[AwareDatetime, BeforeValidator(_rfc3339), AfterValidator(_in_utc)]
WebUrl = Annotated[str, Field(min_length=1, max_length=URL_LIMIT, json_schema_extra=WEB_URL)]
