"""What the OpenAPI document says of a value is what is checked: no more is refused, and no less."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from copydesk_api.admin.feed_bodies import FeedChange, NewFeed
from copydesk_api.admin.keys import NewKey
from copydesk_api.admin.router import Body
from copydesk_api.cursors import CursorError, decode_position
from copydesk_api.operating.dead_letters import parse_ends
from copydesk_api.parameters import FilterParameters, WebhookFilters
from copydesk_api.values import LetterCursor, Moment, Name, Timestamp, Visible, Whole, Words
from copydesk_shared.feeds import parse_duration

TEXTS = st.text(max_size=12) | st.text("0123456789-:T+.Zzmhdw ,\n\t\x1c\x7f\x85", max_size=30)


def told(kind: Any) -> dict[str, Any]:
    schema: dict[str, Any] = TypeAdapter(kind).json_schema()
    return schema


def fits(schema: dict[str, Any], text: str) -> bool:
    """As ECMA-262 has it: ``$`` is the end, not before a line break."""
    is_long_enough = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return is_long_enough and re.search(schema.get("pattern", "").replace("$", r"\Z"), text) is not None


def is_taken(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", [Words, Name, Visible], ids=["words", "name", "visible"])
@given(text=TEXTS)
def test_a_text_is_taken_where_it_fits(kind: Any, text: str) -> None:
    assert is_taken(kind, text) == fits(told(kind), text)


@given(text=TEXTS | st.from_regex(told(Moment)["pattern"]))
@example(text="2026-03-01T12:00:00\n")
@example(text="2026-W10-1")
@example(text="٣d")
def test_a_moment_that_is_taken_fits(text: str) -> None:
    assert not is_taken(Moment, text) or fits(told(Moment), text)


@given(st.datetimes(), st.sampled_from(["", "Z", "+02:00", "-11:30"]), st.sampled_from("T "))
def test_a_moment_that_the_calendar_has_is_taken(at: Any, zone: str, between: str) -> None:
    text = (
        at.replace(year=max(2, min(at.year, 9998))).isoformat(between) + zone if (at.month, at.day) != (2, 29) else "7d"
    )
    assert fits(told(Moment), text)
    assert is_taken(Moment, text)


@given(text=TEXTS | st.from_regex(told(LetterCursor)["pattern"], fullmatch=True))
def test_a_place_among_dead_letters_is_taken_where_it_fits(text: str) -> None:
    try:
        taken = bool(parse_ends(text))
    except ValueError:
        taken = False
    assert taken == (fits(told(LetterCursor), text) and text.count(",") < 100)


@given(text=TEXTS | st.text("AZaz09-_", max_size=20))
def test_a_cursor_that_does_not_fit_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        decode_position(text, "feed")


@given(text=TEXTS)
def test_the_name_of_a_key_is_taken_where_it_fits(text: str) -> None:
    schema = NewKey.model_json_schema()["properties"]["name"]
    assert is_taken(NewKey, {"name": text}) == fits(schema, text)


@given(text=TEXTS | st.from_regex(r"[0-9]{1,9} ?[smhd]?", fullmatch=True))
def test_a_duration_that_is_taken_fits(text: str) -> None:
    schema = NewFeed.model_json_schema()["properties"]["interval"]["anyOf"][1]
    try:
        parse_duration(text)
        why = ""
    except ValueError as error:
        why = str(error)
    assert "is not between" in why or (not why) == fits(schema, text.strip())


@pytest.mark.parametrize(("kind", "value"), [
    (Whole, True), (Whole, "5"), (Whole, 5.5), (Whole, None), (Timestamp, 0), (Timestamp, "0"), (Timestamp, "2026-03-01"),
    (Timestamp, "2026-03-01 12:00:00Z"), (Timestamp, "2026-03-01T12:00:00"), (Timestamp, "0001-01-01T00:00:00+14:00"),
    (Timestamp, "9999-12-31T23:59:59-14:00"), (Timestamp, "2026-02-30T12:00:00Z"),
])  # fmt: skip
def test_what_is_no_such_value(kind: Any, value: object) -> None:
    assert not is_taken(kind, value)


@pytest.mark.parametrize("value", [5, 5.0])
def test_json_tells_no_5_0_from_5(value: float) -> None:
    assert TypeAdapter(Whole).validate_python(value) == 5
    assert NewFeed(url="https://a.example/", interval=value).interval == 5


@pytest.mark.parametrize(("kind", "body"), [
    (FeedChange, {"paused": 0}), (FeedChange, {"websub": "yes"}), (FeedChange, {"interval": True}),
    (FeedChange, {"name": " "}), (NewFeed, {"url": "https://a.example/", "id": "import"}),
    (NewFeed, {"url": "https://a.example/", "id": "export"}),
])  # fmt: skip
def test_a_body_takes_nothing_for_something_else(kind: type[Body], body: dict[str, Any]) -> None:
    assert not is_taken(kind, body)


def test_empty_counts_as_not_given_in_a_query_and_is_refused_in_a_body() -> None:
    empty = dict.fromkeys(FilterParameters.model_fields, "")
    assert FilterParameters.model_validate(empty) == FilterParameters()
    assert FilterParameters.model_validate({"tag": ["", "a", ""]}).tag == ("a",)
    for name in WebhookFilters.model_fields:
        assert not is_taken(WebhookFilters, {name: [""] if name == "tag" else ""}), name
