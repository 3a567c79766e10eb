"""Dead letters for people and for programs. What they hold is not trusted: nothing of it reaches a terminal raw."""

import json
import unicodedata
from collections.abc import Iterator

from copydesk_shared.dead_letters import DeadLetter, source_of
from copydesk_shared.log import Headers
from copydesk_shared.wire import utc_text
from copydesk_standalone.letters.selection import record_time, shown_bytes

FRAME = '  File "'
DUMP_BYTES = 256
DUMP_ROW = 16
JSON_ERROR_LIMIT = 8_000
ERROR_WIDTH = 200
COLUMNS = {"ID": 10, "TIME (UTC)": 19, "STAGE": 10, "REASON": 17, "TRIES": 5, "KEY": 24, "SOURCE": 24}
FIXED_WIDTH = sum(COLUMNS.values()) + 2 * len(COLUMNS)


def printable(text: str) -> str:
    """The text in one line, with everything that a terminal could take for a command as a visible escape."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode() for each in text
    )


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


def headline(error: str) -> str:
    """The line of an error that says most: the last of a traceback, else the first."""
    lines = [line for line in error.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if any(line.startswith(FRAME) for line in lines) else lines[0]


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
    yield from _block("headers", _headers(letter.original_headers))
    yield from _block("value", _value(letter.record.value))


def _block(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    for line in lines:
        yield f"  {line}"


def _headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        yield f"{printable(name)}: {printable(shown_bytes(value))}"


def _value(value: bytes | None) -> Iterator[str]:
    if value is None:
        yield "(none: a tombstone)"
        return
    try:
        text = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        yield from _not_json(value)
        return
    yield from (printable(line) for line in text.split("\n"))


def _not_json(value: bytes) -> Iterator[str]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        yield f"({len(value)} bytes that are neither JSON nor UTF-8; --raw writes them)"
        for start in range(0, min(len(value), DUMP_BYTES), DUMP_ROW):
            row = value[start : start + DUMP_ROW]
            characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004 - printable ASCII
            yield f"{start:08x}  {row.hex(' '):<47}  {characters}"
        return
    yield f"({len(value)} bytes that are not JSON)"
    yield from (printable(line) for line in text.splitlines())
