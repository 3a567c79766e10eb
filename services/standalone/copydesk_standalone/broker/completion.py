"""Ending transactions: the markers, the offsets, and the sweep for those whose producers are gone."""

import asyncio
import functools
import logging

from .broker import Broker
from .errors import KafkaError
from .log import PartitionLog
from .markers import Ending
from .offsets import Partition
from .transactions import Transaction, now_ms
from .turns import in_turns, in_waiting_turns

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 1.0


async def finish(broker: Broker, transaction: Transaction) -> None:
    """Write all that a prepared transaction still has to, unless that is under way. Raises OSError.

    What was written before an error may be written again: neither markers nor offsets mind.
    """
    if transaction.ending_now or not transaction.is_prepared:
        return
    transaction.ending_now = True
    durable = broker.options.fsync == "always"
    try:
        if durable:
            # Partitions must not disagree after a power cut: first the decision, then what follows from it.
            await broker.disk.force(broker.transactions)
        logs = await in_turns(sorted(transaction.partitions), functools.partial(_mark, broker, transaction))
        _commit_offsets(broker, transaction)
        if durable:
            await broker.disk.force(*filter(None, logs), broker.offsets)
        broker.transactions.complete(transaction)
        if durable:
            await broker.disk.force(broker.transactions)
    finally:
        transaction.ending_now = False


def _mark(broker: Broker, transaction: Transaction, place: Partition) -> PartitionLog | None:
    """Write the marker to a partition; its log, unless that is gone."""
    log = _log(broker, place)
    if log is not None:
        log.mark(transaction.producer_id, transaction.epoch, transaction.ending or Ending.ABORT, now_ms())
    return log


def _commit_offsets(broker: Broker, transaction: Transaction) -> None:
    if transaction.ending is not Ending.COMMIT:
        return
    for group, offsets in transaction.offsets.items():
        still_there = {place: offset for place, offset in offsets.items() if _log(broker, place) is not None}
        broker.offsets.commit(group, still_there)


def _log(broker: Broker, place: Partition) -> PartitionLog | None:
    """The partition's log, unless its topic was deleted meanwhile."""
    try:
        return broker.topics.find(place[0]).log(place[1])
    except KafkaError:
        return None


def recover(broker: Broker) -> None:
    """After a start: finish what was decided, and abort what the coordinator does not know. Raises OSError."""
    broker.transactions.sync()
    for transaction in broker.transactions.unfinished():
        if transaction.is_prepared:
            for place in transaction.partitions:
                _mark(broker, transaction, place)
            _commit_offsets(broker, transaction)
            broker.transactions.complete(transaction)
    _abort_unknown(broker)


def _abort_unknown(broker: Broker) -> None:
    """End the transactions whose entries were lost: nobody else would, and readers would wait for ever."""
    known = {
        (partition, transaction.producer_id)
        for transaction in broker.transactions.unfinished()
        for partition in transaction.partitions
    }
    for topic in broker.topics:
        for index, log in enumerate(topic.partitions):
            for producer_id, begun in list(log.isolation.open.items()):
                if ((topic.name, index), producer_id) not in known:
                    logger.warning(
                        "%s-%d: aborted the transaction of producer %d from offset %d on: no journal tells of it",
                        topic.name, index, producer_id, begun.first_offset,
                    )  # fmt: skip
                    log.mark(producer_id, begun.epoch, Ending.ABORT, now_ms())


async def watch(broker: Broker) -> None:
    """For as long as the broker runs: abort overdue transactions, and try again to end those the disk refused."""
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        await sweep(broker)


async def sweep(broker: Broker) -> None:
    """One round of ``watch``."""
    overdue = {transaction.id for transaction in broker.transactions.overdue()}

    async def end(transaction: Transaction) -> None:
        try:
            if transaction.id in overdue and transaction.is_open:
                logger.info("aborting %r: it was open for over %d ms", transaction.id, transaction.timeout_ms)
                broker.transactions.fence(transaction)
            await finish(broker, transaction)
        except OSError as error:
            logger.warning("cannot end the transaction of %r: %s", transaction.id, error)

    await in_waiting_turns(broker.transactions.unfinished(), end)
