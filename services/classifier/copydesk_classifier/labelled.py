"""Labelled texts: what a tag is trained and judged on."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copydesk_classifier.tag_file import Name
from copydesk_shared.errors import InputError
from copydesk_shared.plain import in_plain_words

MAX_LINE_BYTES = 8 * 1024 * 1024


class LabelledText(BaseModel):
    """One line of a file: a text and all tags that it should get.

    ``borderline`` names labels that a second reader could flip. Other keys are passed over, so that an exported article
    with ``tags`` as a list of names will do.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str = ""
    text: Annotated[str, Field(min_length=1)]
    language: str | None = None
    tags: frozenset[Name]
    borderline: frozenset[Name] = frozenset()


class Counts(NamedTuple):
    """How many texts have the tag and how many do not."""

    positive: int
    negative: int


def labelled_texts(path: Path) -> list[LabelledText]:
    """The texts of a file of JSON lines. Raises :class:`InputError` with file and line, also when there are none."""
    try:
        with path.open("rb") as file:
            texts = [_parse(line, f"{path}:{number}") for number, line in _lines(file, path) if line.strip()]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not texts:
        raise InputError(f"{path}: no labelled texts in it")
    return texts


def _lines(file: Iterable[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(file, 1):
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"{path}:{number}: a line of more than {MAX_LINE_BYTES // 1024 // 1024} MiB")
        yield number, line


def _parse(line: bytes, place: str) -> LabelledText:
    try:
        return LabelledText.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise InputError(f"{place}: nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"]))
    problem = in_plain_words(first)
    raise InputError(f"{place}: not a labelled text: {f'{key}: ' if key else ''}{problem}")


def counts_of(tag: str, texts: Sequence[LabelledText]) -> Counts:
    positive = sum(tag in each.tags for each in texts)
    return Counts(positive, len(texts) - positive)
