"""What pydantic complains of, in plain words: nothing of its own manner of speaking is left."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from copydesk_shared.plain import COUNTED, PHRASES, in_plain_words


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = 1


CASES = [
    (int, "x", "must be a whole number"),
    (int, 1.5, "must be a whole number"),
    (int, [], "must be a whole number"),
    (float, "x", "must be a number"),
    (float, {}, "must be a number"),
    (Annotated[float, Field(allow_inf_nan=False)], float("inf"), "must be a finite number"),
    (bool, "x", "must be true or false"),
    (bool, [], "must be true or false"),
    (str, 7, "must be text"),
    (list[int], "x", "must be a list"),
    (tuple[int, ...], "x", "must be a list"),
    (frozenset[int], "x", "must be a list"),
    (dict[str, int], "x", "must be a mapping: keys with values"),
    (Inner, "x", "must be a mapping: keys with values"),
    (Inner, {"colour": 1}, "there is no such key"),
    (Literal["a", "b"], "c", "must be 'a' or 'b'"),
    (Colour, "green", "must be 'red' or 'blue'"),
    (Annotated[int, Field(gt=1)], 1, "must be more than 1"),
    (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
    (Annotated[float, Field(gt=0)], -1, "must be more than 0"),
    (Annotated[float, Field(lt=1.5)], 2, "must be less than 1.5"),
    (Annotated[int, Field(le=1)], 2, "must be at most 1"),
    (Annotated[str, Field(min_length=1)], "", "must have at least 1 character"),
    (Annotated[str, Field(max_length=2)], "abc", "must have at most 2 characters"),
    (Annotated[str, Field(pattern="^a+$")], "b", "must have the form ^a+$"),
    (Annotated[list[int], Field(min_length=2)], [1], "must have at least 2 entries"),
    (Annotated[tuple[int, ...], Field(max_length=1)], [1, 2], "must have at most 1 entry"),
]


def _problem(kind: Any, value: object) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        create_model("Made", field=(kind, ...)).model_validate({"field": value})
    [error] = caught.value.errors()
    return error["type"], in_plain_words(error)


@pytest.mark.parametrize(("kind", "value", "words"), CASES)
def test_each_complaint_in_plain_words(kind: Any, value: object, words: str) -> None:
    assert _problem(kind, value)[1] == words


def test_what_is_missing() -> None:
    with pytest.raises(ValidationError) as caught:
        create_model("Made", field=(int, ...)).model_validate({})
    assert [in_plain_words(error) for error in caught.value.errors()] == ["is missing"]


def test_every_phrase_has_been_tried() -> None:
    tried = {_problem(kind, value)[0] for kind, value, _ in CASES}
    assert {*PHRASES, *COUNTED} == {*tried, "missing"}


def test_other_complaints_stay_as_they_are() -> None:
    words = _problem(Annotated[str, Field(pattern="^a")] | None, {})[1]
    assert words == "must be text"
    assert _problem(bytes, 7) == ("bytes_type", "input should be a valid bytes")
