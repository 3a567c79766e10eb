"""One attempt to deliver, and what follows from it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from random import SystemRandom
from typing import Any

from copydesk_api.push.backoff import is_given_up, wait_after
from copydesk_api.push.courier import Answer, Line, NoAnswer, Trouble
from copydesk_api.push.metrics import DELIVERIES
from copydesk_api.push.records import Attempt, Kind, Message, Outcome, Receiver, State
from copydesk_api.push.store import NOBODY, WELL

CHANCE = SystemRandom()
GONE = "it answered 410 Gone"


async def attempt(line: Line, kind: Kind, headers: Mapping[str, str], message: Message) -> Attempt:
    """Send it once."""
    start = time.monotonic()
    try:
        answer = await line.post(headers, message.body)
    except NoAnswer as error:
        outcome = Outcome.REFUSED if error.trouble is Trouble.REFUSED else Outcome.UNREACHABLE
        made = Attempt(outcome, None, _since(start), _plain(str(error)))
    else:
        made = _judged(answer, _since(start))
    DELIVERIES.labels(kind.value, made.outcome.value).inc()
    return made


def _since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)


def _judged(answer: Answer, milliseconds: int) -> Attempt:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Attempt(Outcome.DELIVERED, answer.status, milliseconds)
    if answer.status == HTTPStatus.GONE:
        return Attempt(Outcome.GONE, answer.status, milliseconds, GONE)
    wait = answer.retry_after(datetime.now(UTC))
    return Attempt(Outcome.REJECTED, answer.status, milliseconds, _said(answer), wait)


def _said(answer: Answer) -> str:
    """What a person may want to know of an answer that is no success."""
    if location := answer.headers.get("location", ""):
        return f"it answered {answer.status}; redirects are not followed: {_plain(location)}"
    said = _plain(answer.body.decode("utf-8", "replace"))
    return f"it answered {answer.status}{f': {said}' if said else ''}"


def _plain(text: str) -> str:
    """In one line, without what a terminal would take for more than text."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:300]


def after_success(message: Message) -> Mapping[str, Any]:
    """What the row says from now on."""
    moved = {} if message.position is None else {"position": message.position}
    return {**WELL, **moved, "last_success_at": datetime.now(UTC)}


def after_failure(
    receiver: Receiver, made: Attempt, give_up_days: float, schedule: tuple[float, ...]
) -> dict[str, Any]:
    """What the row says from now on: when to try again, or that nobody does."""
    now = datetime.now(UTC)
    since = receiver.failing_since or now
    failures = receiver.failures + 1
    wait = wait_after(failures, made.wait_seconds, CHANCE.random(), schedule)
    values = {
        "failures": failures, "failing_since": since, "last_error": made.detail,
        "next_at": now + timedelta(seconds=wait), **NOBODY,
    }  # fmt: skip
    if made.outcome is Outcome.GONE:
        return {**values, "state": State.DISABLED.value, "why": GONE}
    if is_given_up(since, now, give_up_days):
        why = f"it has failed for {give_up_days:g} days, with {made.detail}"
        return {**values, "state": State.DISABLED.value, "why": why}
    return values
