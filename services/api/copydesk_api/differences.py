"""What changed from one revision to the next: whole paragraphs first, then words within those that differ.

A longest common subsequence, found by bits (Hyyrö 2004), takes as many steps as the one side has words times the other:
that product is bounded, and a stretch beyond it is told as replaced whole. So is a stretch that has little in common.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from rapidfuzz.distance import LCSseq

from copydesk_api.words import UNSPACED
from copydesk_shared.messages import PARAGRAPH_BREAK, Article

Op = Literal["same", "removed", "added"]

MOST_CELLS = 25_000_000
MOST_CHARACTERS = 200_000  # of a stretch that is looked at word by word
_WORD = f"(?:(?!{UNSPACED})[\\w\u0300-\u036f])+"
_PIECES = re.compile(rf"{UNSPACED}|{_WORD}|[^\S\n]+|.", re.DOTALL)
_SAYS = re.compile(r"\w")


class Span(NamedTuple):
    """A stretch of a sequence, from ``start`` up to and without ``end``."""

    start: int
    end: int


class Change(NamedTuple):
    """Where one side has this and the other has that."""

    before: Span
    after: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both have, that only the earlier has, or only the later."""

    op: Op
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Paragraphs of the earlier revision and what stands in their place in the later; of a title both are one."""

    field: Literal["title", "text"]
    before: Span
    after: Span
    pieces: tuple[Piece, ...]


def differences(before: Article, after: Article) -> tuple[Difference, ...]:
    """The title, if it changed, and each stretch of paragraphs that did, in the order of the later revision."""
    return (*_of_title(before.title, after.title), *_of_text(before.paragraphs, after.paragraphs))


def _of_title(before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference("title", Span(0, 1), Span(0, 1), pieces(before, after))


def _of_text(before: Sequence[str], after: Sequence[str]) -> Iterator[Difference]:
    for change in _changes(before, after):
        old, new = before[slice(*change.before)], after[slice(*change.after)]
        yield Difference("text", *change, pieces(PARAGRAPH_BREAK.join(old), PARAGRAPH_BREAK.join(new)))


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """Two texts as one: what both have and what only one has, word by word."""
    if max(len(before), len(after)) > MOST_CHARACTERS:
        return _replaced(before, after)
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    return tuple(_told(_merged(_changes(old, new), old, new), old, new))


def _replaced(before: str, after: str) -> tuple[Piece, ...]:
    both: tuple[tuple[Op, str], ...] = (("removed", before), ("added", after))
    return tuple(Piece(op, text) for op, text in both if text)


def _told(changes: Sequence[Change], old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    at = 0
    for change in (*changes, Change(Span(len(old), len(old)), Span(len(new), len(new)))):
        if at < change.before.start:
            yield Piece("same", "".join(old[at : change.before.start]))
        yield from _replaced("".join(old[slice(*change.before)]), "".join(new[slice(*change.after)]))
        at = change.before.end


def _changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Where they differ, in order."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle = old[start : len(old) - end], new[start : len(new) - end]
    if not any(middle):
        return []
    if not all(middle) or len(middle[0]) * len(middle[1]) > MOST_CELLS:
        return [Change(Span(start, len(old) - end), Span(start, len(new) - end))]
    return list(_aligned(*middle, start))


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many they have in common at the beginning."""
    return next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other),
                min(len(old), len(new)))  # fmt: skip


def _aligned(old: Sequence[str], new: Sequence[str], start: int) -> Iterator[Change]:
    numbers: dict[str, int] = {}
    left, right = ([numbers.setdefault(each, len(numbers)) for each in side] for side in (old, new))
    same = [(0, 0, 0, 0), *(
        (each.src_start, each.src_end, each.dest_start, each.dest_end)
        for each in LCSseq.opcodes(left, right) if each.tag == "equal"
    ), (len(old), len(old), len(new), len(new))]  # fmt: skip
    for (_, before, _, after), (next_before, _, next_after, _) in pairwise(same):
        if before < next_before or after < next_after:
            yield Change(Span(before + start, next_before + start), Span(after + start, next_after + start))


def _merged(changes: Sequence[Change], old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Changes with less between them than either takes away are one: else sentences fall into single words."""
    merged: list[tuple[Change, int]] = []
    for each in changes:
        change, size = each, max(_length(old, each.before), _length(new, each.after))
        while merged and _is_one(merged[-1], change, size, old):
            last, other = merged.pop()
            change = Change(Span(last.before.start, change.before.end), Span(last.after.start, change.after.end))
            size += other
        merged.append((change, size))
    return [change for change, _ in merged]


def _length(words: Sequence[str], span: Span) -> int:
    return sum(map(len, words[slice(*span)]))


def _is_one(last: tuple[Change, int], change: Change, size: int, old: Sequence[str]) -> bool:
    between = "".join(old[last[0].before.end : change.before.start])
    if PARAGRAPH_BREAK in between:
        return False
    return not _SAYS.search(between) or len(between) <= min(last[1], size)
