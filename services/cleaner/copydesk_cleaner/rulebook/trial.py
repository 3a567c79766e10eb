"""Patterns on long lines made to slow them down, run as a program of its own: a match that explodes cannot be stopped
from outside it, but a process can.

Reads a JSON list of [pattern, flags, scope, hits] from standard input; writes as a JSON list, for each, either null or
the line that took longer than the processor time allowed. Imports nothing of ours, so that it starts quickly.
"""

import json
import random
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

LINE = 600
SAMPLES = 24
SECONDS = 0.05  # of processor time for one line; what is usual is a thousandth of it
REPEATS = 40
_parser = import_module("re._parser")


class _TooSlowError(Exception):
    pass


def _stop(*_: object) -> None:
    raise _TooSlowError


def _of_set(items: Sequence[tuple[Any, Any]], rng: random.Random) -> str:
    """A character of a set, or a letter where the set says what it is not."""
    kind, value = rng.choice([item for item in items if str(item[0]) != "NEGATE"] or [("ANY", None)])
    match str(kind):
        case "LITERAL":
            found = chr(value)
        case "RANGE":
            found = chr(rng.choice((value[0], value[1])))
        case "CATEGORY":
            found = {"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "1", "CATEGORY_WORD": "A"}.get(str(value), "A")
        case _:
            found = "A"
    return rng.choice("Aa ") if str(items[0][0]) == "NEGATE" else found


def _sample(tree: Any, rng: random.Random) -> str:
    """A text of the kind that the parsed pattern matches, with its repetitions long."""
    parts: list[str] = []
    for kind, value in tree:
        match str(kind):
            case "LITERAL":
                parts.append(chr(value))
            case "NOT_LITERAL" | "ANY":
                parts.append(rng.choice("Aa "))
            case "IN":
                parts.append(_of_set(value, rng))
            case "BRANCH":
                parts.append(_sample(rng.choice(value[1]), rng))
            case "SUBPATTERN":
                parts.append(_sample(value[3], rng))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                count = rng.choice((value[0], min(max(value[0], REPEATS), value[1])))
                parts.extend(_sample(value[2], rng) for _ in range(count) if sum(map(len, parts)) < LINE)
            case _:
                pass
    return "".join(parts)[:LINE]


def _lines(pattern: str, flags: int, hits: Sequence[str]) -> Iterator[str]:
    """Lines that begin as the pattern wants, go on, and end in a character that spoils the match."""
    rng = random.Random(0)  # noqa: S311 - the same lines each time
    tree = _parser.parse(pattern, flags)
    samples = [_sample(tree, rng) for _ in range(SAMPLES)]
    for text in (*hits, *samples, "A" * 30, "A a ", "a, ", "1", " ", "."):
        yield (text + " " * (LINE - len(text)))[: LINE - 1] + "\0"
        yield ((text or "a") * LINE)[: LINE - 1] + "\0"
        yield (text[: len(text) // 2] + (text[-1:] or "a") * LINE)[: LINE - 1] + "\0"


def too_slow(pattern: str, flags: int, scope: str, hits: Sequence[str]) -> str | None:
    """The first line on which the pattern takes too long."""
    compiled = re.compile(pattern, flags)
    run = {"line": compiled.fullmatch, "start": compiled.match, "end": compiled.search}[scope]
    for line in _lines(pattern, flags, hits):
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            run(line)
        except _TooSlowError:
            return line
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


if __name__ == "__main__":
    signal.signal(signal.SIGVTALRM, _stop)
    json.dump([too_slow(*each) for each in json.load(sys.stdin)], sys.stdout)
