"""The lines of a page, found without building its tree: quick and rough, good enough to count what comes again."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice

MAX_MARKUP = 400_000
MAX_BLOCKS = 600
SHORTEST, LONGEST = 12, 400
MIN_WORDS = 3

NAMES = ("script", "style", "noscript", "template", "svg", "head")
OPENS = re.compile(rf"<(?:({'|'.join(NAMES)})(?![\w-])|!--)", re.IGNORECASE)
CLOSES = {name: re.compile(rf"</{name}[^>]*>?", re.IGNORECASE) for name in NAMES} | {None: re.compile("-->")}
INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|cite|em|font|i|mark|q|s|small|span|strong|sub|sup|time|u|wbr)(?=[\s/>])[^<>]*>", re.IGNORECASE
)
BLOCK = re.compile(rf">([^<>]{{{SHORTEST},{LONGEST}}})(?=<)")


def blocks(markup: str) -> Iterator[str]:
    """The words between two tags of the kind that begin or end a line, in order; at most so many, none empty."""
    visible = INLINE.sub("", "".join(_visible(markup[:MAX_MARKUP])))
    found = (" ".join(unescape(words).split()) for words in BLOCK.findall(visible))
    yield from islice((line for line in found if len(line.split()) >= MIN_WORDS), MAX_BLOCKS)


def _visible(markup: str) -> Iterator[str]:
    """The markup without what a reader does not see. What is not closed hides the rest, so no part is read twice."""
    position = 0
    while hidden := OPENS.search(markup, position):
        yield markup[position : hidden.start()]
        end = CLOSES[hidden[1] and hidden[1].lower()].search(markup, hidden.end())
        if end is None:
            return
        position = end.end()
    yield markup[position:]
