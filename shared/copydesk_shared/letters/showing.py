"""What dead letters hold, as lines of text. It is not trusted: nothing of it is left that moves a cursor."""

import json
from collections.abc import Iterator

from copydesk_shared.letters.selection import shown_bytes
from copydesk_shared.log import Headers

FRAME = '  File "'
DUMP_BYTES = 256
DUMP_ROW = 16


def printable(text: str) -> str:
    """The text in one line, with everything that a terminal could take for a command as a visible escape."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode() for each in text
    )


def headline(error: str) -> str:
    """The line of an error that says most: the last of a traceback, else the first."""
    lines = [line for line in error.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if any(line.startswith(FRAME) for line in lines) else lines[0]


def header_lines(headers: Headers) -> Iterator[str]:
    """A line for each."""
    for name, value in headers:
        yield f"{printable(name)}: {printable(shown_bytes(value))}"


def value_lines(value: bytes | None, hint: str = "") -> Iterator[str]:
    """JSON with indents, other text as it is, and the first bytes of what is neither, with a hint what to do then."""
    if value is None:
        yield "(none: a tombstone)"
        return
    try:
        text = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        yield from _not_json(value, hint)
        return
    yield from (printable(line) for line in text.split("\n"))


def _not_json(value: bytes, hint: str) -> Iterator[str]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        yield f"({len(value)} bytes that are neither JSON nor UTF-8{hint})"
        for start in range(0, min(len(value), DUMP_BYTES), DUMP_ROW):
            row = value[start : start + DUMP_ROW]
            characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004 - printable ASCII
            yield f"{start:08x}  {row.hex(' '):<47}  {characters}"
        return
    yield f"({len(value)} bytes that are not JSON)"
    yield from (printable(line) for line in text.splitlines())
