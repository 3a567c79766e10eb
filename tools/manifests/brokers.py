"""The manifests against the tables of the code: topics, rights, groups, partitions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.topics import ALL_TOPICS, STAGE_SOURCES, AnyTopic
from tools.manifests.findings import Finding
from tools.manifests.program import services_of
from tools.manifests.render import Object, labels_of, name_of, of_kind
from tools.manifests.strimzi import KEDA, USERS, rights_of, topic_object

LEAST_LAG = 100
# What a replica holds back without being behind: more replicas would only hold back more.
HELD_BACK = {"fetcher": int(FetcherSettings.model_fields["max_in_flight"].default)}
LEAST_SCALE_IN_SECONDS = 300
# The topic of the kafka scaler starts at its beginning where a group has no offset, as `clients.py` does.
RESET = "earliest"


def topics(objects: Sequence[Object]) -> Iterator[Finding]:
    """KafkaTopics are the topics of the code; of partitions there may be more, with those of the topics beside."""
    found = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "KafkaTopic")}
    if not of_kind(objects, "Kafka"):
        return
    wanted = {topic.name: topic for topic in ALL_TOPICS}
    for name in sorted(found.keys() ^ wanted.keys()):
        yield Finding(f"KafkaTopic/{name}", "is missing" if name in wanted else "the code knows no such topic")
    for name in sorted(found.keys() & wanted.keys()):
        yield from (Finding(f"KafkaTopic/{name}", what) for what in _of_topic(wanted[name], found))


def _of_topic(topic: AnyTopic, found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    spec, declared = found[topic.name], topic_object(topic)["spec"]
    if {**spec, "partitions": 0} != {**declared, "partitions": 0}:
        yield f"is {spec}, declared is {declared}"
    if spec["partitions"] < topic.partitions:
        yield f"has {spec['partitions']} partitions, declared are {topic.partitions}"
    beside = found.get(topic.beside or "", spec)
    if spec["partitions"] != beside["partitions"]:
        yield f"has {spec['partitions']} partitions, {topic.beside} beside it {beside['partitions']}"


def users(objects: Sequence[Object]) -> Iterator[Finding]:
    """KafkaUsers have the rights that their parts use, no more and no less."""
    found = {each["metadata"]["name"]: each for each in of_kind(objects, "KafkaUser")}
    if not of_kind(objects, "Kafka"):
        return
    for name in sorted({*USERS, KEDA} - found.keys()):
        yield Finding(f"KafkaUser/{name}", "is missing")
    for name, user in found.items():
        if name not in {*USERS, KEDA}:
            yield Finding(f"KafkaUser/{name}", "belongs to nobody")
            continue
        has, needs = dict(_said(user)), rights_of(name)
        for resource in sorted(has.keys() | needs.keys()):
            if has.get(resource) != needs.get(resource):
                yield Finding(f"KafkaUser/{name}", f"may {has.get(resource)} {resource}, needs {needs.get(resource)}")


def _said(user: Object) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for acl in user["spec"]["authorization"]["acls"]:
        if acl["resource"].get("patternType", "literal") != "literal" or acl.get("type", "allow") != "allow":
            continue
        yield (acl["resource"]["type"], acl["resource"]["name"]), tuple(sorted(acl["operations"]))


def cluster(objects: Sequence[Object]) -> Iterator[Finding]:
    """Brokers look at rights, make no topics by themselves, and are not cut off by our default deny."""
    for kafka in of_kind(objects, "Kafka"):
        yield from (Finding(name_of(kafka), what) for what in _of_cluster(kafka["spec"]["kafka"]))
    for each in of_kind(objects, "Kafka", "KafkaNodePool"):
        if labels_of(each).get("app.kubernetes.io/part-of") == "copydesk":
            yield Finding(name_of(each), "its label part-of is handed on to the brokers, which are cut off")


def _of_cluster(spec: Mapping[str, Any]) -> Iterator[str]:
    if (spec.get("authorization") or {}).get("type") != "simple":
        yield "no authorization: the rights of users are not looked at"
    if (spec.get("config") or {}).get("auto.create.topics.enable") is not False:
        yield "makes topics by itself"
    for listener in spec["listeners"]:
        if not listener["tls"] or (listener.get("authentication") or {}).get("type") != "tls":
            yield f"listener {listener['name']} lets in whoever comes"
        if not listener.get("networkPolicyPeers"):
            yield f"listener {listener['name']} may be reached from everywhere"


def bootstrap(objects: Sequence[Object]) -> Iterator[Finding]:
    """All services name the same brokers, at a port that is one of theirs."""
    ports = {listener["port"] for each in of_kind(objects, "Kafka") for listener in each["spec"]["kafka"]["listeners"]}
    named = {
        env.get(f"COPYDESK_{service.upper()}_BOOTSTRAP_SERVERS", "") for service, _, _, env in services_of(objects)
    }
    if len(named) != 1:
        yield Finding("BOOTSTRAP_SERVERS", f"are {sorted(named)}")
    for servers in sorted(named):
        if ports and int(servers.rpartition(":")[2] or 0) not in ports:
            yield Finding("BOOTSTRAP_SERVERS", f"are {servers!r}, the listeners {sorted(ports)}")


def scaling(objects: Sequence[Object]) -> Iterator[Finding]:
    """Each stage is scaled by the lag of its group on its source, up to its partitions, and slowly down."""
    has = {topic.name: topic.partitions for topic in ALL_TOPICS}
    has |= {each["metadata"]["name"]: each["spec"]["partitions"] for each in of_kind(objects, "KafkaTopic")}
    for scaled in of_kind(objects, "ScaledObject"):
        where, spec = name_of(scaled), scaled["spec"]
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        if down.get("stabilizationWindowSeconds", 0) < LEAST_SCALE_IN_SECONDS:
            yield Finding(where, "scales in at once: each leave stops the group")
        if spec.get("minReplicaCount", 0) < 1:
            yield Finding(where, "scales to nothing")
        for trigger in spec["triggers"]:
            if trigger["type"] == "kafka":
                said = trigger["metadata"]
                partitions = has.get(said.get("topic", ""), 0)
                yield from (Finding(where, what) for what in _kafka_trigger(scaled, said, partitions))
    stages = {each["spec"]["scaleTargetRef"]["name"].removeprefix("copydesk-")
              for each in of_kind(objects, "ScaledObject")}  # fmt: skip
    if stages and (unscaled := set(STAGE_SOURCES) - stages):
        yield Finding("ScaledObjects", f"none for {sorted(unscaled)}")


def asked_by_keda(objects: Sequence[Object]) -> Iterator[Finding]:
    """KEDA, in a namespace of its own, asks the brokers that the services talk to."""
    named = [
        env.get(f"COPYDESK_{service.upper()}_BOOTSTRAP_SERVERS", "") for service, _, _, env in services_of(objects)
    ]
    for scaled in of_kind(objects, "ScaledObject"):
        for said in (each["metadata"] for each in scaled["spec"]["triggers"] if each["type"] == "kafka"):
            host, _, port = named[0].partition(":")
            wanted = f"{host}.{scaled['metadata']['namespace']}.svc:{port}"
            if said.get("bootstrapServers") != wanted:
                yield Finding(name_of(scaled), f"asks {said.get('bootstrapServers')}, the brokers are {wanted}")


def _kafka_trigger(scaled: Object, said: Mapping[str, Any], partitions: int) -> Iterator[str]:
    spec = scaled["spec"]
    stage = spec["scaleTargetRef"]["name"].removeprefix("copydesk-")
    source = STAGE_SOURCES[stage]
    wanted = {"consumerGroup": stage, "topic": source.name, "offsetResetPolicy": RESET, "allowIdleConsumers": "false"}
    for key, value in wanted.items():
        if said.get(key) != value:
            yield f"{key} is {said.get(key)}, the code's is {value}"
    if spec.get("maxReplicaCount") != partitions:
        yield f"maxReplicaCount is {spec.get('maxReplicaCount')}, {said.get('topic')} has {partitions} partitions"
    if int(said.get("lagThreshold", 10)) < HELD_BACK.get(stage, LEAST_LAG):
        yield f"lagThreshold {said.get('lagThreshold', 10)} is a moment's work, or what a replica holds back"
    if (spec.get("fallback") or {}).get("behavior") != "currentReplicasIfHigher":
        yield "falls back to fewer replicas when the brokers are away"
