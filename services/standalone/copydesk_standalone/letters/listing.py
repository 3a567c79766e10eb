"""``copydesk dead-letters list`` and ``show``."""

import shutil
import sys

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.scanning import open_scanner
from copydesk_shared.letters.selection import Id, Selection, pick, select
from copydesk_standalone.letters.output import run, say, warn, write
from copydesk_standalone.letters.rendering import as_json, describe, table_head, table_row


def unreadable(where: str) -> None:
    """Tell of a record that cannot be read at all."""
    warn(f"copydesk: {where} cannot be read: the name of a header is not UTF-8")


def list_command(brokers: Brokers, topic: str, selection: Selection, limit: int | None, style: str) -> int:
    """Print the letters that pass, oldest first, as they were when the command began. Raises :class:`UserError`."""
    return run(_list(brokers, topic, selection, limit, style), brokers)


async def _list(brokers: Brokers, topic: str, selection: Selection, limit: int | None, style: str) -> int:
    width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        if style == "table":
            say(table_head())
        async for letter in select(scanner, spans, selection, limit):
            say(as_json(letter) if style == "json" else table_row(letter, width))
    return 0


def show_command(brokers: Brokers, topic: str, where: Id, *, raw: bool) -> int:
    """Print one letter, or its value as it is. Raises :class:`UserError`."""
    return run(_show(brokers, topic, where, raw=raw), brokers)


async def _show(brokers: Brokers, topic: str, where: Id, *, raw: bool) -> int:
    async with open_scanner(brokers, topic, unreadable) as scanner:
        letter = await pick(scanner, await scanner.spans(), where)
    if raw:
        write(letter.record.value or b"")
        return 0
    for line in describe(letter):
        say(line)
    return 0
