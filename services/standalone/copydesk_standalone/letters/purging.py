"""``copydesk dead-letters purge``: delete the oldest letters."""

from collections import Counter
from datetime import datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import parse
from copydesk_shared.kafka.scanning import Scanner, Span, delete_records, open_scanner
from copydesk_shared.letters.showing import printable
from copydesk_shared.wire import utc_text
from copydesk_standalone.letters.listing import unreadable
from copydesk_standalone.letters.output import run, say


def purge_command(brokers: Brokers, topic: str, before: datetime, *, execute: bool) -> int:
    """Delete the letters before a time, or say which these are. Raises :class:`UserError`."""
    return run(_purge(brokers, topic, before, execute=execute), brokers)


async def _purge(brokers: Brokers, topic: str, before: datetime, *, execute: bool) -> int:
    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        left = await scanner.since(before, spans)
        goes = {
            number: Span(span.start, left[number].start)
            for number, span in spans.items()
            if left[number].start > span.start
        }
        counts = await _count(scanner, goes)
    verb = "deleting" if execute else "would delete"
    hint = "" if execute or not goes else " (--execute does it)"
    say(f"{verb} {sum(counts.values())} letters before {utc_text(before)}{hint}")
    for (reason, stage), count in sorted(counts.items()):
        say(f"  {count:>7}  {printable(reason) or '?'} of {printable(stage) or '?'}")
    for number, span in goes.items():
        say(f"  partition {number}: offsets {span.start} to {span.end - 1}")
    if execute and goes:
        first = await delete_records(brokers, topic, {number: span.end for number, span in goes.items()})
        say("deleted: " + ", ".join(f"partition {number} begins at {first[number]} now" for number in sorted(first)))
    return 0


async def _count(scanner: Scanner, spans: dict[int, Span]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    if spans:
        async for record in scanner.records(spans):
            letter = parse(record)
            counts[letter.reason[:100], letter.stage[:100]] += 1
    return counts
