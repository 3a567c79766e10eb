"""Topics and users for Strimzi, from the table of topics and the table of who reads and writes what."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from copydesk_shared.topics import ALL_TOPICS, COPIES, DEAD_LETTER, STAGE_SOURCES, AnyTopic
from tools.acl_table import rights
from tools.contract.applications import APPLICATIONS

CLUSTER = "copydesk"
API_VERSION = "kafka.strimzi.io/v1"
FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "k8s" / "components" / "kafka-strimzi"
HEAD = "# Written by `make docs`; do not edit.\n"

# A person at the toolbox looks at everything, and writes what the commands write.
OPERATOR = "copydesk-operator"
LOOKS_AT_ALL: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("topic", "*"): ("Describe", "DescribeConfigs", "Read"),
    ("group", "*"): ("Describe", "Read"),
    ("topic", DEAD_LETTER.name): ("Delete",),  # `copydesk dead-letters purge`
}
# The parts that are one process, and so one user. A subscriber's user is the operator's to make: its group is.
USERS: Mapping[str, tuple[str, ...]] = {
    "copydesk-fetcher": ("feeds-file", "fetcher-poll", "fetcher"),
    "copydesk-cleaner": ("cleaner",),
    "copydesk-classifier": ("classifier", "classifier-shadow"),
    "copydesk-api": ("api",),
    OPERATOR: ("feeds-file", "dead-letters", "taxonomy-shadow"),
}
NOT_OURS = ("subscriber",)
KEDA = "copydesk-keda"
Rights = Mapping[tuple[str, str], tuple[str, ...]]  # operations by kind of resource and its name


def rights_of(user: str) -> Rights:
    """What a user may do. With ``DescribeConfigs`` a service sees at start whether its topics are as declared."""
    if user == KEDA:
        watched = [("topic", topic.name) for topic in STAGE_SOURCES.values()]
        return dict.fromkeys((*watched, *(("group", group) for group in STAGE_SOURCES)), ("Describe",))
    found = {place: set(operations) for place, operations in (LOOKS_AT_ALL if user == OPERATOR else {}).items()}
    for application in APPLICATIONS:
        if application.name not in USERS[user]:
            continue
        for operation, topics in rights(application).items():
            for topic in topics:
                found.setdefault(("topic", topic), {"DescribeConfigs"}).add(operation)
        for group in application.watched_groups:
            found.setdefault(("group", group), set()).add("Describe")
        if application.group:
            found.setdefault(("group", application.group), set()).add("Read")
    return {resource: tuple(sorted(operations)) for resource, operations in sorted(found.items(), reverse=True)}


def _object(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    labels = {"strimzi.io/cluster": CLUSTER}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": dict(spec)}


def topic_object(topic: AnyTopic) -> dict[str, Any]:
    """A KafkaTopic."""
    return _object(
        "KafkaTopic", topic.name, {"partitions": topic.partitions, "replicas": COPIES, "config": topic.config()}
    )


def user_object(user: str) -> dict[str, Any]:
    """A KafkaUser with a client certificate."""
    acls = [
        {"resource": {"type": kind, "name": name, "patternType": "literal"}, "operations": list(operations)}
        for (kind, name), operations in rights_of(user).items()
    ]
    authorization = {"type": "simple", "acls": acls}
    return _object("KafkaUser", user, {"authentication": {"type": "tls"}, "authorization": authorization})


def files() -> Iterator[tuple[Path, str]]:
    """The files and what belongs into them."""
    yield FOLDER / "topics.yaml", _text(topic_object(topic) for topic in ALL_TOPICS)
    yield FOLDER / "users.yaml", _text(user_object(user) for user in (*USERS, KEDA))


def _text(objects: Iterator[dict[str, Any]]) -> str:
    return HEAD + str(yaml.safe_dump_all(objects, sort_keys=False, width=120))
