"""What a load takes: plain arithmetic over the figures of ``costs.toml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from copydesk_shared.topics import ALL_TOPICS, CLEANED, COPIES, DISCOVERED, FETCHED, Topic, segment_hours
from copydesk_standalone.capacity.costs import Costs, Each

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
# A replica works on one processor; what is left of it is for rollouts, catching up and noisy neighbours.
BUSY_SHARE = 0.6
LEAST_REPLICAS = 2
# Apache Kafka's default of segment.bytes: a record goes with its segment, when the newest one there is old.
SEGMENT_BYTES = 1 << 30
# What each service reads with the members of one group: it has at least as many partitions as the service has replicas.
READS: Mapping[str, str] = {
    "fetcher": DISCOVERED.name,
    "cleaner": FETCHED.name,
    "classifier": CLEANED.name,
}


@dataclass(frozen=True)
class Load:
    """What comes in. ``peak`` is how much more than on average it is in the busiest hour."""

    feeds: int
    articles_per_day: float
    interval_seconds: float = 900.0
    peak: float = 4.0
    copies: int = COPIES
    keep_days: int = 365

    def each_day(self, each: Each) -> float:
        """How many a day."""
        return self.articles_per_day if each == "article" else self.feeds * DAY_SECONDS / self.interval_seconds

    def busiest(self, each: Each) -> float:
        """How many times the average in the busiest hour: polls come evenly."""
        return self.peak if each == "article" else 1.0


@dataclass(frozen=True)
class ServiceNeed:
    """Processors on average and in the busiest hour; replicas and their memory, or ``None`` where we do not run it."""

    name: str
    processors: float
    busiest: float
    replicas: int | None
    memory_mib: int | None


@dataclass(frozen=True)
class TopicNeed:
    """Records a day, and the bytes on the disks of all brokers together."""

    name: str
    partitions: int
    records_per_day: float
    bytes_per_day: float
    disk_bytes: float


@dataclass(frozen=True)
class Need:
    """What the load takes."""

    services: tuple[ServiceNeed, ...]
    topics: tuple[TopicNeed, ...]
    database_bytes: float


def estimate(load: Load, costs: Costs) -> Need:
    """The need of a load."""
    services = tuple(_service(name, load, costs) for name in dict.fromkeys(each.service for each in costs.work))
    replicas = {each.name: each.replicas or 0 for each in services}
    by_name = {topic.name: topic for topic in ALL_TOPICS if isinstance(topic, Topic)}
    topics = tuple(_topic(by_name[name], load, costs, _partitions(by_name[name], replicas)) for name in costs.topic)
    return Need(services, topics, load.articles_per_day * load.keep_days * costs.database.bytes)


def _service(name: str, load: Load, costs: Costs) -> ServiceNeed:
    own = [each for each in costs.work if each.service == name]
    on_average = {each: each.milliseconds * load.each_day(each.each) / (1000 * DAY_SECONDS) for each in own}
    busiest = sum(spent * load.busiest(each.each) for each, spent in on_average.items())
    promised = costs.replica.get(name)
    replicas = max(LEAST_REPLICAS, ceil(busiest / BUSY_SHARE)) if promised else None
    memory = promised.memory_mib * replicas if promised and replicas else None
    return ServiceNeed(name, sum(on_average.values()), busiest, replicas, memory)


def _partitions(topic: Topic[Any], replicas: Mapping[str, int]) -> int:
    """As many as are declared, or as the service that reads it has replicas. Those beside one another are equal."""
    readers = [replicas[service] for service, source in READS.items() if source in (topic.name, topic.beside)]
    return max(topic.partitions, *readers, 0)


def _topic(topic: Topic[Any], load: Load, costs: Costs, partitions: int) -> TopicNeed:
    cost = costs.topic[topic.name]
    records = load.each_day(cost.each)
    written = records * cost.bytes
    kept = written * topic.retention_hours / 24 if topic.retention_hours else load.feeds * cost.bytes
    # The segment that is written to comes on top, in each partition: until its time is over, or its size reached.
    open_segments = min(written * segment_hours(topic.retention_hours) / 24, partitions * SEGMENT_BYTES)
    return TopicNeed(topic.name, partitions, records, written, load.copies * (kept + open_segments))
