"""What the author of a service touches: a stage takes one message and says what becomes of it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from copydesk_shared.errors import DropReason
from copydesk_shared.log import Outgoing
from copydesk_shared.message import Message
from copydesk_shared.topics import Topic

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)


@dataclass(frozen=True)
class Emit(Generic[Out]):
    """Send this message to the sink.

    ``then`` is asked once the message is stored; what it gives is sent before the record is finished. It may be asked
    for a message that comes again, and is never asked for one that was not stored.
    """

    message: Out
    then: Callable[[], Iterable[Outgoing]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Drop:
    """Send nothing; counted under the reason."""

    reason: DropReason
    detail: str = ""


@dataclass(frozen=True)
class Forward(Generic[In]):
    """Send this message to the stage's own source: it belongs to another partition, so to another owner."""

    message: In


@dataclass(frozen=True)
class Stage(Generic[In, Out]):
    """A pure function from one message to what becomes of it, with its two topics.

    A synchronous ``handle`` is CPU work: it runs in the runner's process pool, so it must be picklable (a module-level
    function or an instance of a module-level class); it is sent to each worker once, and its method ``prepare``, if it
    has one, is called there before the first message. An asynchronous one is I/O: it runs on the event loop.
    ``handle`` raises :class:`Retryable` or :class:`Poison`; anything else counts as a bug.
    ``ordered`` keeps the order of each input partition on the output.
    ``version`` names the pipeline version, part of the idempotency key.
    ``is_trial`` is for a stage that nobody depends on: what it cannot handle is dropped and counted, with no retries
    and no dead letters.
    """

    name: str
    version: str
    source: Topic[In]
    sink: Topic[Out]
    handle: (
        Callable[[In], Emit[Out] | Forward[In] | Drop] | Callable[[In], Awaitable[Emit[Out] | Forward[In] | Drop]]
    ) = field(repr=False)
    ordered: bool = True
    is_trial: bool = False
