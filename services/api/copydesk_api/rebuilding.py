"""Making the index anew from the topic, while the old one is served."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from copydesk_api.drafts import Draft, live_offsets
from copydesk_api.store import Keep, Standing, Store
from copydesk_shared.errors import Poison
from copydesk_shared.log import Log, LogError, Record
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered, delivered
from copydesk_shared.topics import CLASSIFIED

BATCH = 500
POLL_SECONDS = 0.5
STALL_SECONDS = 60.0
TELL_SECONDS = 5.0
# With fewer offsets to go, or after so many attempts, those who write to the live index have to wait for the rest.
NEARLY = 2_000
CATCH_UPS = 20

OpenLog = Callable[[], AbstractAsyncContextManager[Log]]
Tell = Callable[[str], None]


@dataclass
class Pace:
    """Tells how far it is, now and then."""

    tell: Tell
    read: int = 0
    told_at: float = 0.0

    def moved(self, count: int, left: int) -> None:
        """So many records were read, and so many offsets are left for now."""
        self.read += count
        if time.monotonic() - self.told_at >= TELL_SECONDS:
            self.told_at = time.monotonic()
            self.tell(f"{self.read:,} records read, {left:,} offsets to go")


async def rebuild(live: Store, keep: Keep, open_log: OpenLog, tell: Tell, *, afresh: bool = False) -> Standing:
    """Read the topic up to where the live index stands into a draft, and put that in its place.

    Stopped half way, it goes on from there the next time, unless ``afresh``. Answers where the new feed stands. Raises
    :class:`LogError`, :class:`Retryable` and, when another one runs, :class:`SettingsError`; the live index is then
    as it was.
    """
    draft, pace = Draft(live, keep), Pace(tell)
    with draft.opened(afresh=afresh):
        async with open_log() as log:
            for _ in range(CATCH_UPS):
                targets = live.positions()
                if sum(_ahead(draft.store, targets).values()) <= NEARLY:
                    break
                await _read(log, draft.store, targets, pace)
            with draft.frozen() as connection:
                await _read(log, draft.store, live_offsets(connection), pace)
                draft.swap(connection)
        draft.discard()
    return live.standing()


def _ahead(store: Store, targets: Mapping[int, int]) -> dict[int, int]:
    """How many offsets each partition has to go."""
    here = store.positions()
    return {number: target - here.get(number, 0) for number, target in targets.items() if target > here.get(number, 0)}


async def _read(log: Log, store: Store, targets: Mapping[int, int], pace: Pace) -> None:
    """Read each partition from where the draft stands to exactly its target. Raises :class:`LogError`."""
    ahead = _ahead(store, targets)
    log.assign({(CLASSIFIED.name, number): targets[number] - count for number, count in ahead.items()})
    moved_at = time.monotonic()
    while ahead:
        records = [record for record in await log.poll(BATCH, POLL_SECONDS) if record.partition in ahead]
        if records:
            _write(store, [record for record in records if record.offset < targets[record.partition]])
            ahead |= {record.partition: targets[record.partition] - record.offset - 1 for record in records}
            pace.moved(len(records), sum(ahead.values()))
            moved_at = time.monotonic()
        else:
            ahead |= await _gaps(log, targets, ahead)
        ahead = {number: count for number, count in ahead.items() if count > 0}
        if time.monotonic() - moved_at > STALL_SECONDS:
            raise LogError(f"no answer for {STALL_SECONDS:g} seconds")
    log.assign({})
    store.write([], targets)


async def _gaps(log: Log, targets: Mapping[int, int], ahead: Mapping[int, int]) -> dict[int, int]:
    """Not every offset is a record: compaction and transactions leave gaps, and a topic made anew is shorter."""
    places = await log.positions()
    return {
        number: min(targets[number], end) - position
        for (_, number), (position, end) in places.items()
        if number in ahead
    }


def _write(store: Store, records: Sequence[Record]) -> None:
    changes = [change for record in records if (change := _change(record)) is not None]
    store.write(changes, {record.partition: record.offset + 1 for record in records})


def _change(record: Record) -> Delivered[ClassifiedArticle] | None:
    """What the index would have written; ``None`` for what it put among the dead letters."""
    try:
        return delivered(CLASSIFIED, record)
    except (Poison, UnicodeDecodeError):
        return None
