"""What pydantic finds wrong with a file that people write, in plain words."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

_NUMBER, _WHOLE, _SWITCH = "must be a number", "must be a whole number", "must be true or false"
_TEXT, _LIST, _MAPPING = "must be text", "must be a list", "must be a mapping: keys with values"

# By the kind of an error (https://docs.pydantic.dev/latest/errors/validation_errors/). What stands in braces is
# what the model asks for.
PHRASES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "string_type": _TEXT,
    "string_pattern_mismatch": "must have the form {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}
_KINDS = {"NoneType": "nothing", "dict": "a mapping", "list": "a list", "str": "text"}
# What is too short or too long is counted in these.
COUNTED: Mapping[str, tuple[str, str]] = {
    "string_too_short": ("character", "characters"),
    "string_too_long": ("character", "characters"),
    "too_short": ("entry", "entries"),
    "too_long": ("entry", "entries"),
}


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def kind_of(value: object) -> str:
    """What kind of thing a file holds at a place, as people call it."""
    name = type(value).__name__
    return _KINDS.get(name, name)


def _short(value: object) -> object:
    """A number without a fraction of nothing: ``0`` for ``0.0``."""
    return f"{value:g}" if isinstance(value, float) else value


def in_plain_words(error: ErrorDetails) -> str:
    """What is wrong, to stand behind the name of what it is wrong with. What our validators say stays."""
    asked = error.get("ctx", {})
    if nouns := COUNTED.get(error["type"]):
        bound, number = ("at least", asked["min_length"]) if "min_length" in asked else ("at most", asked["max_length"])
        return f"must have {bound} {_counted(number, *nouns)}"
    if phrase := PHRASES.get(error["type"]):
        return phrase.format(**{name: _short(value) for name, value in asked.items()})
    message = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
