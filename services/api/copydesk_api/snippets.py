"""Where a text says what was searched for: the words marked, a piece of it around them."""

import html
import re
from collections.abc import Sequence

from copydesk_api.words import Phrase, Token, phrase, tokens

AROUND = 160  # characters on either side of the first place
MAX_LOOKED_AT = 60_000
OPEN, CLOSE, ELLIPSIS = "<mark>", "</mark>", "…"
_BREAK = re.compile(r"\s")

Span = tuple[int, int]


def marked(text: str, terms: Sequence[str]) -> str:
    """The whole text as HTML, escaped, with the words of the terms in ``<mark>``."""
    return _as_html(text, _spans(text, terms))


def snippet(text: str, terms: Sequence[str]) -> str:
    """A piece of the text as HTML, escaped, around the place that has most of the terms; its beginning if none has."""
    looked_at = text[:MAX_LOOKED_AT]
    spans = _spans(looked_at, terms)
    first = max(spans, key=lambda span: (_near(spans, span), -span[0]), default=(0, 0))
    start, end = _cut(text, first[0] - AROUND, first[1] + AROUND)
    inside = [(a - start, b - start) for a, b in spans if a >= start and b <= end]
    lead, tail = (ELLIPSIS if start > 0 else ""), (ELLIPSIS if end < len(text) else "")
    return f"{lead}{_as_html(text[start:end], inside)}{tail}"


def _near(spans: Sequence[Span], of: Span) -> int:
    return sum(of[0] <= start <= of[1] + AROUND for start, _ in spans)


def _cut(text: str, start: int, end: int) -> Span:
    """Between words, where there is a space near."""
    start, end = max(0, start), min(len(text), end)
    if start > 0 and (space := _BREAK.search(text, start, start + AROUND // 2)):
        start = space.end()
    if end < len(text):
        end = max(text.rfind(" ", end - AROUND // 2, end), text.rfind("\n", end - AROUND // 2, end), 0) or end
    return start, max(start, end)


def _spans(text: str, terms: Sequence[str]) -> list[Span]:
    """Where the terms stand, in order and without overlaps."""
    found = list(tokens(text))
    phrases = [each for term in terms if (each := phrase(term)) is not None]
    firsts: dict[str, list[Phrase]] = {}
    for each in phrases:
        firsts.setdefault(each.words[0][:1], []).append(each)
    spans = [
        (token.start, found[at + len(each.words) - 1].end)
        for at, token in enumerate(found)
        for each in firsts.get(token.word[:1], ())
        if _stands(found, at, each)
    ]
    return _merged(sorted(spans))


def _stands(found: Sequence[Token], at: int, wanted: Phrase) -> bool:
    here = found[at : at + len(wanted.words)]
    if len(here) < len(wanted.words):
        return False
    *others, last = zip(here, wanted.words, strict=True)
    last_fits = last[0].word.startswith(last[1]) if wanted.is_open else last[0].word == last[1]
    return last_fits and all(token.word == word for token, word in others)


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _as_html(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [html.escape(text[at:start]), OPEN, html.escape(text[start:end]), CLOSE]
        at = end
    return "".join([*parts, html.escape(text[at:])])
