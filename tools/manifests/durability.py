"""Brokers keep what they were given: copies, disks, offsets, and who is let in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk_shared.topics import COPIES, STAGE_SOURCES
from tools.manifests.findings import Finding
from tools.manifests.render import Object, name_of, of_kind

# A group that stands still is not forgotten while its source still has what it has not read.
LONGEST_SOURCE_MINUTES = max(topic.retention_hours or 0 for topic in STAGE_SOURCES.values()) * 60
KAFKA_DEFAULT_MINUTES = 7 * 24 * 60
LOSES = ("ephemeral",)


def disks(objects: Sequence[Object]) -> Iterator[Finding]:
    """Brokers have disks that outlive their pods, and the resource that asked for them."""
    for pool in of_kind(objects, "KafkaNodePool"):
        storage = pool["spec"]["storage"]
        for volume in storage.get("volumes") or [storage]:
            if volume["type"] in LOSES:
                yield Finding(name_of(pool), "its disks go with its pods")
            elif volume.get("deleteClaim"):
                yield Finding(name_of(pool), "its disks go with the resource: deleteClaim")


def copies(objects: Sequence[Object]) -> Iterator[Finding]:
    """There are as many brokers as copies, and one of them may be away."""
    pools = [each for each in of_kind(objects, "KafkaNodePool") if "broker" in each["spec"]["roles"]]
    brokers = sum(each["spec"]["replicas"] for each in pools)
    most = max((each["spec"]["replicas"] for each in of_kind(objects, "KafkaTopic")), default=0)
    if pools and brokers < max(most, COPIES):
        yield Finding("KafkaNodePools", f"have {brokers} brokers for {max(most, COPIES)} copies")
    for kafka in of_kind(objects, "Kafka"):
        least = int((kafka["spec"]["kafka"].get("config") or {}).get("min.insync.replicas", 1))
        if not 1 < least < COPIES:
            yield Finding(name_of(kafka), f"min.insync.replicas is {least} of {COPIES}: {_what_then(least)}")


def _what_then(least: int) -> str:
    return "one copy is no copy" if least < COPIES else "nothing is written while a broker restarts"


def memory_of_groups(objects: Sequence[Object]) -> Iterator[Finding]:
    """How far a group was is known for longer than its source keeps records."""
    for kafka in of_kind(objects, "Kafka"):
        config: Mapping[str, Any] = kafka["spec"]["kafka"].get("config") or {}
        minutes = int(config.get("offsets.retention.minutes", KAFKA_DEFAULT_MINUTES))
        if minutes < LONGEST_SOURCE_MINUTES:
            what = f"forgets after {minutes} minutes how far a group was, records stay {LONGEST_SOURCE_MINUTES}"
            yield Finding(name_of(kafka), what)


def who_is_let_in(objects: Sequence[Object]) -> Iterator[Finding]:
    """Users prove who they are as the listeners ask, and no listener is for the world."""
    listeners = [each for kafka in of_kind(objects, "Kafka") for each in kafka["spec"]["kafka"]["listeners"]]
    asked = {(each.get("authentication") or {}).get("type") for each in listeners}
    for user in of_kind(objects, "KafkaUser") if listeners else ():
        has = (user["spec"].get("authentication") or {}).get("type")
        if has not in asked:
            yield Finding(name_of(user), f"proves itself by {has}, the listeners ask for {', '.join(map(str, asked))}")
    for each in listeners:
        if each["type"] != "internal":
            yield Finding("Kafka", f"listener {each['name']} of type {each['type']} is reached from outside")


def asked_as(objects: Sequence[Object]) -> Iterator[Finding]:
    """KEDA has what to show to brokers that ask for it."""
    known = {each["metadata"]["name"] for each in of_kind(objects, "TriggerAuthentication")}
    for scaled in of_kind(objects, "ScaledObject") if of_kind(objects, "Kafka") else ():
        for trigger in (each for each in scaled["spec"]["triggers"] if each["type"] == "kafka"):
            name = (trigger.get("authenticationRef") or {}).get("name")
            if name not in known:
                yield Finding(name_of(scaled), f"asks the brokers as {name}, which nobody makes")
