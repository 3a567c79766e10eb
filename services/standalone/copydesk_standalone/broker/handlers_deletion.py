"""DeleteRecords: the records before an offset go (KIP-107)."""

import logging

from .broker import Broker
from .errors import Code, KafkaError
from .log import PartitionLog
from .protocol import Request
from .registry import Topic
from .schema import Message

logger = logging.getLogger(__name__)

_HIGH_WATERMARK = -1


async def delete_records(broker: Broker, request: Request) -> Message:
    """Let partitions start later; the answer says where they start now."""
    return {
        "topics": [
            {
                "name": topic["name"],
                "partitions": [await _deleted(broker, topic["name"], asked) for asked in topic["partitions"]],
            }
            for topic in request.message["topics"]
        ]
    }


async def _deleted(broker: Broker, name: str, asked: Message) -> Message:
    index = asked["index"]
    try:
        start = await _move_start(_deletable(broker.topics.find(name), index), asked["offset"])
    except KafkaError as error:
        return {"index": index, "error_code": error.code}
    except OSError as error:
        logger.error("%s-%d: cannot delete records: %s", name, index, error)  # noqa: TRY400 - the disk's message is enough
        return {"index": index, "error_code": Code.STORAGE_ERROR}
    return {"index": index, "error_code": Code.NONE, "low_watermark": start}


def _deletable(topic: Topic, index: int) -> PartitionLog:
    log = topic.log(index)
    if topic.policies == {"compact"}:
        raise KafkaError(Code.POLICY_VIOLATION, f"{topic.name} is only compacted, its records cannot be deleted")
    return log


async def _move_start(log: PartitionLog, offset: int) -> int:
    async with log.changing:
        _check_open(log)
        wanted = log.next_offset if offset == _HIGH_WATERMARK else offset
        if not 0 <= wanted <= log.next_offset:
            raise KafkaError(Code.OFFSET_OUT_OF_RANGE, f"{wanted} is outside 0..{log.next_offset}")
        if wanted > log.start_offset:
            await log.start_at(wanted)
        _check_open(log)
        return log.start_offset


def _check_open(log: PartitionLog) -> None:
    if log.closed:
        raise KafkaError(Code.UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted")
