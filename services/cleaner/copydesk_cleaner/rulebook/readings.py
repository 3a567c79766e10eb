"""What each pattern asks of a line, kept with the package: reading it off all of them is half a second of each start.

``readings.json`` is written by ``make docs``. A pattern that is not in it, as those of an operator's files, is read
when it is first asked for, and so are all under another version of Python, whose :mod:`re` may take them otherwise.
"""

import json
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import NamedTuple

from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.rulebook.literals import parsed, sets_in, small, telling
from copydesk_cleaner.rulebook.prefixes import beginnings_in

FILE = "readings.json"
DIGEST_BYTES = 12


class Reading(NamedTuple):
    """What is true of all that a pattern matches: its length in characters, how it begins, and words in it.

    ``words`` are as telling as can be, and one of them is in it, as is one of each of the small ``sets``.
    """

    least: int
    most: int
    beginnings: frozenset[str]
    words: frozenset[str]
    sets: tuple[tuple[str, ...], ...]


def reading_of(pattern: str, *, ignore_case: bool) -> Reading:
    """The kept reading of a pattern, or a new one."""
    known = _kept().get(_name(pattern, ignore_case=ignore_case))
    return known if known is not None else read(pattern, ignore_case=ignore_case)


def read(pattern: str, *, ignore_case: bool) -> Reading:
    """The reading of a pattern that is one."""
    tree = parsed(pattern, ignore_case=ignore_case)
    least, most = tree.getwidth()
    every = sets_in(tree)
    sets = tuple(tuple(sorted(each, key=lambda word: (len(word), word))) for each in small(every))
    return Reading(int(least), int(most), beginnings_in(tree), telling(every), sets)


@cache
def _kept() -> Mapping[str, Reading]:
    told = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    if told["python"] != _python():
        return {}
    return {name: _unpacked(*parts) for name, parts in told["patterns"].items()}


def _unpacked(least: int, most: int, beginnings: list[str], words: list[str], sets: list[list[str]]) -> Reading:
    return Reading(least, most, frozenset(beginnings), frozenset(words), tuple(map(tuple, sets)))


def written() -> str:
    """The content of the file for our own rules, a line for each pattern."""
    listed = ",\n".join(f"{json.dumps(name)}: {line}" for name, line in sorted(_lines()))
    return f'{{"python": {json.dumps(_python())}, "patterns": {{\n{listed}\n}}}}\n'


def _lines() -> Iterator[tuple[str, str]]:
    patterns = {(pattern, rule.ignores_case) for rule in shipped().rules() for pattern in rule.patterns}
    for pattern, ignore_case in patterns:
        found = read(pattern, ignore_case=ignore_case)
        parts = (found.least, found.most, sorted(found.beginnings), sorted(found.words), found.sets)
        yield _name(pattern, ignore_case=ignore_case), json.dumps(parts, ensure_ascii=False)


def _name(pattern: str, *, ignore_case: bool) -> str:
    whole = f"{'i' if ignore_case else ''}:{pattern}"
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


if __name__ == "__main__":
    sys.stdout.write(written())
