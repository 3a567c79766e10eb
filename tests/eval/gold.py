"""The project's own documents and what is right for each; the README here tells the format."""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

HERE = Path(__file__).parent
KINDS = {"c": "caption", "r": "read_more", "h": "headline", "o": "other"}
MARKED = re.compile(r"⟦([crho]) ([^⟦⟧]*)⟧")
TEXT_START = re.compile(r"^=== ([\w-]+)\n", re.MULTILINE)


class PageGold(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    title: str
    authors: list[str]
    published_at: AwareDatetime
    language: str
    section: str
    body: list[str]
    may: list[str]
    keep: list[str]
    junk: list[str]
    captions: list[str]
    credits: list[str]
    related: list[str]


class TextGold(NamedTuple):
    """A text with a line a paragraph, its body lines, and its junk as (kind, text)."""

    name: str
    text: str
    body: list[str]
    junk: list[tuple[str, str]]


@cache
def pages() -> dict[str, PageGold]:
    return {
        path.stem: PageGold(**json.loads(path.read_text("utf-8"))) for path in sorted((HERE / "pages").glob("*.json"))
    }


def html_of(name: str) -> bytes:
    return (HERE / "pages" / f"{name}.html").read_bytes()


@cache
def texts() -> list[TextGold]:
    return [
        _text(name, marked.strip())
        for path in sorted((HERE / "texts").glob("*.txt"))
        for name, marked in _named(path.read_text("utf-8"))
    ]


def _named(content: str) -> list[tuple[str, str]]:
    _, *parts = TEXT_START.split(content)
    return list(zip(parts[::2], parts[1::2], strict=True))


def _text(name: str, marked: str) -> TextGold:
    body = [line.strip() for line in MARKED.sub("", marked).split("\n")]
    junk = [(KINDS[kind], text.strip()) for kind, text in MARKED.findall(marked)]
    return TextGold(name, MARKED.sub(r"\2", marked), [line for line in body if line], junk)
