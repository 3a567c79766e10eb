"""Gazetteers: long lists of names in files of their own, ``NAME.gazetteer.txt``, for which ``@NAME`` stands."""

import re
from dataclasses import dataclass

from copydesk_classifier.notation import MARKS, check, variants
from copydesk_shared.errors import InputError

SUFFIX = ".gazetteer.txt"
MAX_PHRASES = 20_000

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COMMENT = re.compile(r"(^|\s)#.*")


@dataclass(frozen=True)
class Gazetteer:
    """The lines of a gazetteer, each of which may stand for several phrases; all together for ``size``."""

    name: str
    lines: tuple[str, ...]
    size: int


def parse_gazetteer(name: str, text: str, place: str) -> Gazetteer:
    """One phrase a line in the notation of tag files; ``#`` begins a comment, at the start of a line or after a blank.

    ``place`` is what errors call the file. Raises :class:`InputError` with file and line.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{place}: the name of a gazetteer is small letters, digits and hyphens, not {name!r}")
    lines, size = [], 0
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        if line.startswith(MARKS):
            raise InputError(f"{place}:{number}: a gazetteer cannot refer to a list or a gazetteer: {line!r}")
        try:
            check(line)
            size += variants(line)
        except ValueError as error:
            raise InputError(f"{place}:{number}: {error}") from None
        if size > MAX_PHRASES:
            raise InputError(f"{place}:{number}: more than {MAX_PHRASES} phrases")
        lines.append(line)
    if not lines:
        raise InputError(f"{place}: no phrases in it")
    return Gazetteer(name, tuple(lines), size)
