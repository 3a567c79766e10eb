"""Dead letters for people and for programs. What they hold is not trusted: nothing of it reaches a terminal raw."""

import json
import unicodedata
from collections.abc import Iterator

from copydesk_shared.dead_letters import DeadLetter, source_of
from copydesk_shared.letters.selection import record_time, shown_bytes
from copydesk_shared.letters.showing import header_lines, headline, printable, value_lines
from copydesk_shared.wire import utc_text

JSON_ERROR_LIMIT = 8_000
ERROR_WIDTH = 200
COLUMNS = {"ID": 10, "TIME (UTC)": 19, "STAGE": 10, "REASON": 17, "TRIES": 5, "KEY": 24, "SOURCE": 24}
FIXED_WIDTH = sum(COLUMNS.values()) + 2 * len(COLUMNS)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def columns_of(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return sum(map(_width, text))


def fit(text: str, width: int) -> str:
    """The text, made safe, in exactly so many columns; an ellipsis where something is cut."""
    safe = printable(text[: 4 * width])
    used, kept = 0, []
    for character in safe:
        used += _width(character)
        if used > width:
            break
        kept.append(character)
    if len(kept) == len(safe) and len(text) <= 4 * width:
        return safe + " " * (width - used)
    while kept and sum(map(_width, kept)) >= width:
        kept.pop()
    return "".join(kept) + "…" + " " * (width - 1 - sum(map(_width, kept)))


def _time(letter: DeadLetter) -> str:
    at = record_time(letter.record)
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "?"


def table_head() -> str:
    """The line above the table."""
    return "  ".join([*(fit(name, width) for name, width in COLUMNS.items()), "ERROR"])


def table_row(letter: DeadLetter, width: int | None) -> str:
    """A letter as a line of the table, no wider than the terminal if its width is given."""
    domain, feed = source_of(letter)
    cells = (
        letter.where, _time(letter), letter.stage or "?", letter.reason or "?",
        str(letter.attempts or "?"), shown_bytes((letter.original_key or b"")[:200]), domain or feed or "-",
    )  # fmt: skip
    start = "  ".join(fit(cell, size) for cell, size in zip(cells, COLUMNS.values(), strict=True))
    room = ERROR_WIDTH if width is None else max(0, width - FIXED_WIDTH)
    return f"{start}  {fit(headline(letter.error), room).rstrip()}" if room else start


def as_json(letter: DeadLetter) -> str:
    """A letter without its value as a line of JSON, in ASCII."""
    at, (domain, feed), origin = record_time(letter.record), source_of(letter), letter.origin
    return json.dumps(
        {
            "id": letter.where,
            "partition": letter.record.partition,
            "offset": letter.record.offset,
            "time": utc_text(at) if at is not None else None,
            "stage": letter.stage,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "key": shown_bytes(letter.original_key) if letter.original_key is not None else None,
            "source": domain or None,
            "feed": feed or None,
            "error": letter.error[:JSON_ERROR_LIMIT],
            "origin": {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset}
            if origin
            else None,
            "value_bytes": len(letter.record.value) if letter.record.value is not None else None,
            "cut": letter.cut or None,
            "replay_of": letter.replay_of or None,
            "replay_count": letter.replay_count,
        }
    )


def describe(letter: DeadLetter) -> Iterator[str]:
    """Everything a letter says, line by line."""
    domain, feed = source_of(letter)
    fields = {
        "id": letter.where,
        "time": _time(letter),
        "stage": letter.stage or "?",
        "reason": letter.reason or "?",
        "attempts": str(letter.attempts or "?"),
        "read from": str(letter.origin or "?"),
        "key": shown_bytes(letter.original_key) if letter.original_key is not None else "(none)",
        "source": domain or "-",
        "feed": feed or "-",
    }
    extra = {"replay of": letter.replay_of, "replays": str(letter.replay_count or ""), "not kept": letter.cut}
    for name, value in {**fields, **{name: value for name, value in extra.items() if value}}.items():
        yield f"{name:<10} {printable(value)}"
    yield from _block("error", (printable(line) for line in letter.error.splitlines()))
    yield from _block("headers", header_lines(letter.original_headers))
    yield from _block("value", value_lines(letter.record.value, "; --raw writes them"))


def _block(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    for line in lines:
        yield f"  {line}"
