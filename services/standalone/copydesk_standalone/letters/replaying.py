"""``copydesk dead-letters replay``: bring letters back to the stage that gave them up.

First a pass that only looks: it counts, and finds out what cannot go back. Then, if told so, a second one that sends.
Letters that come while the command runs are not looked at, so a letter that fails again is not replayed for ever. Nor
does a replay by filters take a letter that has failed again: the newer one goes in its place, else they would double.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import DeadLetter
from copydesk_shared.errors import Poison, UserError
from copydesk_shared.kafka import connect
from copydesk_shared.kafka.scanning import open_scanner
from copydesk_shared.letters.replaying import Choice, Plan, close_plan, send_back
from copydesk_shared.letters.showing import printable
from copydesk_shared.log import Log, LogError
from copydesk_shared.service import EXIT_INTERRUPTED
from copydesk_standalone.letters.listing import unreadable
from copydesk_standalone.letters.output import run, say, warn

FAILED_AGAIN = "replayed before and failed again, as a newer letter (--again takes these too)"
EXIT_REFUSED = 1


def replay_command(brokers: Brokers, topic: str, choice: Choice, *, rate: float, execute: bool) -> int:
    """Replay letters, or say what would be done. Raises :class:`UserError`."""
    return run(_replay(brokers, topic, choice, rate=rate, execute=execute), brokers)


async def _replay(brokers: Brokers, topic: str, choice: Choice, *, rate: float, execute: bool) -> int:
    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        plan = Plan()
        without = await choice.replayed(scanner, spans)
        async for letter in choice.letters(scanner, spans, without):
            plan.add(letter)
        plan.stays[FAILED_AGAIN] = without.passed_over
        await close_plan(brokers, plan, unreadable)
        _tell(plan, execute=execute)
        if not execute or not plan.total:
            return 0
        async with connect(brokers, client_id="copydesk-dead-letters") as log:
            return await Sending(log, plan, rate).run(choice.letters(scanner, spans, without))


def _tell(plan: Plan, *, execute: bool) -> None:
    hint = "" if execute or not plan.total else " (--execute does it)"
    say(f"{'replaying' if execute else 'would replay'} {plan.total} letters{hint}")
    for (topic, reason), count in sorted((+plan.goes).items()):
        say(f"  {count:>7}  {printable(reason) or '?'} to {printable(topic)}")
    for why, count in sorted((+plan.stays).items()):
        say(f"  {count:>7}  not: {why}")


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set instead of breaking off what is being sent."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


class Sending:
    """Sends the letters of a plan, one after another, no faster than told."""

    def __init__(self, log: Log, plan: Plan, rate: float) -> None:
        self._log = log
        self._plan = plan
        self._pause = 1 / rate
        self._sent = 0
        self._refused = 0

    async def run(self, letters: AsyncIterator[DeadLetter]) -> int:
        """Send until all are sent or somebody says stop; the exit code.

        Raises :class:`LogError`, and :class:`UserError` for an id that is not there any more.
        """
        code, last = 0, "none"
        with _told_to_stop() as stop:
            try:
                async for letter in letters:
                    if not self._plan.takes(letter):
                        continue
                    if await self._stopped(stop):
                        code = EXIT_INTERRUPTED
                        break
                    await self._send(letter)
                    last = letter.where
            except (LogError, UserError):
                self._report(last)
                raise
        self._report(last)
        return code or (EXIT_REFUSED if self._refused else 0)

    async def _stopped(self, stop: asyncio.Event) -> bool:
        if self._sent + self._refused:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._pause)
        return stop.is_set()

    async def _send(self, letter: DeadLetter) -> None:
        try:
            await send_back(self._log, letter)
        except Poison as error:
            self._refused += 1
            warn(f"copydesk: {letter.where} is not taken by the brokers: {' '.join(str(error).split())}")
        else:
            self._sent += 1

    def _report(self, last: str) -> None:
        refused = f", {self._refused} not taken by the brokers" if self._refused else ""
        say(f"replayed {self._sent} of {self._plan.total} letters, the last one {last}{refused}")
