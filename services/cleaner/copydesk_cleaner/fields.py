"""Fields that are computed from the cleaned text."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import hashlib
import re
from collections.abc import Sequence

WORD = re.compile(r"\w[\w'’\-]*")


def content_hash(title: str, paragraphs: Sequence[str]) -> str:
    """SHA-256 in hexadecimal over the title and the paragraphs, one a line; it changes when what is read changes."""
    return hashlib.sha256("\n".join((title, *paragraphs)).encode("utf-8", "replace")).hexdigest()


def word_count(paragraphs: Sequence[str]) -> int:
    """How many words the paragraphs hold; words joined by an apostrophe or hyphen count once."""
    return sum(len(WORD.findall(paragraph)) for paragraph in paragraphs)
