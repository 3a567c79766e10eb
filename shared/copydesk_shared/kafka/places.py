"""Which partition a place is: the same as the Java client's default partitioner chooses for a key of that text."""

from aiokafka.partitioner import murmur2

POSITIVE = 0x7FFFFFFF


def partition_of(place: str, partitions: int) -> int:
    """The number of the partition, of so many, that a place is."""
    return (int(murmur2(place.encode())) & POSITIVE) % partitions
