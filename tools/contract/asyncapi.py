"""The AsyncAPI 3.0 document of the topics (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import yaml

from copydesk_shared.log import Outgoing
from copydesk_shared.topics import ALL_TOPICS, CLASSIFIED, FEEDS, FEEDS_STATE, STAGE_SOURCES, Tier, Topic, retry_topic
from tools.contract import headers, samples, schemas
from tools.contract.applications import APPLICATIONS, REPLAYER, WRITERS, AnyTopic, Application

Part = dict[str, Any]

KAFKA_BINDING = "0.5.0"
HEAD = "# Written by `make docs` from topics.py and messages.py; do not edit.\n"
INFO = """Copydesk turns news feeds into a clean, tagged, replayable stream of articles. These are its Kafka topics.
Subscribe to `articles.classified`; the other topics are the way there. Values are JSON, headers are those of
CloudEvents 1.0 in binary mode. Delivery is at least once: `ce_id` tells a repeat, and the higher `revision` of an
`article_id` is the one that counts; of equal ones, with other tags, the later. `docs/subscribing.md`
has consumers to start from and says what may change."""
WHAT: Mapping[str, str] = {
    "feeds": "What is polled. The newest record of a feed counts; a tombstone takes the feed out.",
    "feeds.state": "How far each feed has been polled. For the fetcher alone.",
    "feeds.pushed": "What hubs push of feeds, and what they say of subscriptions (WebSub). For the fetcher alone.",
    "hosts.memory": "What recurs on the pages of each domain, now and then. For the fetcher alone.",
    "hosts.state": "What is kept of each domain that is asked: until when to leave it alone. For the fetcher alone.",
    "pages.known": "Pages that were fetched, so that one of many feeds is fetched once. For the fetcher alone.",
    "articles.discovered": "Entries seen in feeds, and their later revisions, by the domain they are downloaded from.",
    "articles.fetched": "Pages as they were downloaded, or the text that the feed carried.",
    "articles.cleaned": "Articles, with what was cut from them.",
    "articles.classified": "Articles with their tags: subscribe to this one. A tombstone says that an article is gone.",
    "articles.classified.shadow": "The same articles with the tags of a taxonomy on trial, while there is one.",
    "articles.dead-letter": "Records that could not be handled, whole, and why in their headers.",
}
KEYS: Mapping[str, str] = {
    "feeds": "The feed id.",
    "feeds.state": "The feed id.",
    "feeds.pushed": "The feed id.",
    "hosts.memory": "The registrable domain, or the host.",
    "hosts.state": "The registrable domain, or the host.",
    "pages.known": "A digest of an address of the page.",
    "articles.discovered": "The registrable domain of the entry's URL, or its host.",
    "articles.fetched": "The article id.",
    "articles.cleaned": "The article id.",
    "articles.classified": "The article id.",
    "articles.classified.shadow": "The article id.",
}
PLACED = (
    "The partition is not that of the key: it is that of `articles.discovered` for the registrable domain, so that "
    "one fetcher has all of a domain."
)
PLACED_BY_DOMAIN = ("feeds", "feeds.state", "feeds.pushed", "pages.known")
KEPT_KEY = "As it was in the topic that the record comes from."
TOMBSTONES: Mapping[str, tuple[Topic[Any], str]] = {
    "FeedRemoved": (FEEDS, "The feed is no longer polled. The record has no value."),
    "FeedStateGone": (FEEDS_STATE, "The feed was removed, or lies in another partition now. The record has no value."),
    "ArticleGone": (CLASSIFIED, "The article is gone: delete it. The record has no value."),
}
CORRELATION = {"correlationId": {"$ref": "#/components/correlationIds/trace"}}
WAITING = "Waiting"
REPLAYED = "Replayed"
# The topic that dead letters go back to when their stage has no retry topics.
BRINGS_REPLAYS = (CLASSIFIED,)


def identifier(topic: AnyTopic) -> str:
    """The name of a topic's channel in the document."""
    return topic.name.replace(".", "-")


def _reference(kind: str, name: str) -> Part:
    return {"$ref": f"#/components/{kind}/{name}"}


def _binding(**said: Any) -> Part:
    return {"kafka": {**said, "bindingVersion": KAFKA_BINDING}}


def _example(name: str, record: Outgoing) -> list[Part]:
    payload = json.loads(record.value) if record.value is not None else None
    return [{"name": name, "headers": samples.headers(record), "payload": payload}]


def _message(name: str, summary: str, record: Outgoing, fields: Sequence[headers.Header], key: str) -> Part:
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/json",
        "headers": headers.schema(fields),
        **CORRELATION,
        "bindings": _binding(key={"type": "string", "description": key}),
        "examples": _example(name, record),
    }


def _carried(topic: Topic[Any]) -> Part:
    """The message of a topic."""
    name = topic.model.__name__
    fields = headers.message(topic.model) + (headers.REPLAYED_HERE if topic in BRINGS_REPLAYS else ())
    summary = schemas.prose(topic.model.__doc__ or "").split("\n")[0]
    made = _message(name, summary, samples.message(topic, WRITERS[topic.name]), fields, KEYS[topic.name])
    return made | {"payload": _reference("schemas", name)}


def _tombstone(name: str) -> Part:
    topic, summary = TOMBSTONES[name]
    record = samples.gone(topic, WRITERS[topic.name])
    payload = {"type": "null", "description": "A tombstone: the record has a key and no value."}
    return _message(name, summary, record, headers.tombstone(topic.model), KEYS[topic.name]) | {"payload": payload}


def _put_off(group: str) -> dict[str, Part]:
    """The messages of a stage's retry topics: those it put off, and dead letters that were brought back."""
    source = STAGE_SOURCES[group]
    kind = source.model.__name__
    said = headers.optional(headers.message(source.model))
    waiting = samples.waiting(source, WRITERS[source.name], group)
    back = samples.brought_back(source, WRITERS[source.name], group)
    payload = {"payload": _reference("schemas", kind)}
    return {
        kind + WAITING: payload
        | _message(
            kind + WAITING,
            "Failed for now. Headers of the message, and when and why to try again.",
            waiting,
            (*said, *headers.MARKED, *headers.RETRY, *headers.REPLAY),
            KEPT_KEY,
        ),
        kind + REPLAYED: payload
        | _message(
            kind + REPLAYED,
            "A dead letter on its way back to the stage that gave it up.",
            back,
            (*said, *headers.MARKED, *headers.always(headers.REPLAY), *headers.ORIGIN),
            KEPT_KEY,
        ),
    }


def _dead_letter() -> Part:
    said = headers.optional(headers.ANY_MESSAGE)
    payload = {"description": "The bytes of the record as they were, or none. They need not be JSON: see the reason."}
    summary = "A record that could not be handled, whole, with the reason."
    fields = (*said, *headers.MARKED, *headers.DEAD_LETTER, *headers.REPLAY)
    return _message("DeadLetter", summary, samples.given_up(), fields, KEPT_KEY) | {"payload": payload}


def _messages() -> dict[str, Part]:
    made: dict[str, Part] = {}
    for topic in ALL_TOPICS:
        if isinstance(topic, Topic) and topic.model.__name__ not in made:
            made[topic.model.__name__] = _carried(topic)
    made |= {name: _tombstone(name) for name in TOMBSTONES}
    for group in STAGE_SOURCES:
        made |= _put_off(group)
    return made | {"DeadLetter": _dead_letter()}


def _travels_on(topic: AnyTopic) -> list[str]:
    """The names of the messages of a topic."""
    if isinstance(topic, Topic):
        return [topic.model.__name__, *(name for name, (where, _) in TOMBSTONES.items() if where is topic)]
    for group, source in STAGE_SOURCES.items():
        if topic in [retry_topic(group, tier) for tier in Tier]:
            return [source.model.__name__ + WAITING, source.model.__name__ + REPLAYED]
    return ["DeadLetter"]


def _description(topic: AnyTopic) -> str:
    if topic.name in WHAT:
        return f"{WHAT[topic.name]} {PLACED}" if topic.name in PLACED_BY_DOMAIN else WHAT[topic.name]
    group, _, tier = topic.name.split(".")
    return f"What the {group} tries again later, after the {tier} wait. For the {group} alone."


def _settings(topic: AnyTopic) -> Part:
    said = topic.config()
    numbers = {name: int(value) for name, value in said.items() if value.isdigit()}
    return {"cleanup.policy": said["cleanup.policy"].split(","), **numbers}


def _channel(topic: AnyTopic) -> Part:
    return {
        "address": topic.name,
        "description": _description(topic),
        "messages": {name: _reference("messages", name) for name in _travels_on(topic)},
        "bindings": _binding(topic=topic.name, partitions=topic.partitions, topicConfiguration=_settings(topic)),
    }


def _part_in(application: Application, action: str, topic: AnyTopic) -> list[str]:
    """The names of the messages of a topic that the application reads or writes there."""
    names = _travels_on(topic)
    if action == "receive" or isinstance(topic, Topic):
        return names
    replays = application is REPLAYER
    return [name for name in names if name.endswith(REPLAYED) is replays]


def _operation(application: Application, action: str, topic: AnyTopic) -> Part:
    channel = f"#/channels/{identifier(topic)}"
    group = {"bindings": _binding(groupId={"type": "string", "const": application.group})} if application.group else {}
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": application.summary,
        "tags": [{"name": application.name}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _part_in(application, action, topic)],
        **(group if action == "receive" else {}),
    }


def _operations() -> dict[str, Part]:
    return {
        f"{application.name}-{action}s-{identifier(topic)}": _operation(application, action, topic)
        for application in APPLICATIONS
        for action, topics in (("receive", application.receives), ("send", application.sends))
        for topic in topics
    }


def _schemas() -> dict[str, Part]:
    """The schemas of the messages and of their parts; the references lead to components."""
    found: dict[str, Part] = {}
    for model in schemas.models():
        made = schemas.schema(model)
        found |= made.pop("$defs", {})
        found[model.__name__] = {key: value for key, value in made.items() if key not in ("$schema", "$id")}
    moved = json.dumps(dict(sorted(found.items()))).replace("#/$defs/", "#/components/schemas/")
    return dict(json.loads(moved))


def document() -> Part:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:copydesk:topics",
        "info": {
            "title": "Copydesk topics",
            "version": version("copydesk-shared"),
            "description": " ".join(INFO.split()),
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": each.name, "description": each.summary} for each in APPLICATIONS],
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The broker that `copydesk up` starts. Elsewhere: your Apache Kafka.",
            }
        },
        "channels": {identifier(topic): _channel(topic) for topic in ALL_TOPICS},
        "operations": _operations(),
        "components": {
            "correlationIds": {
                "trace": {"description": headers.TRACE.description, "location": "$message.header#/traceparent"}
            },
            "messages": _messages(),
            "schemas": _schemas(),
        },
    }


class _Plain(yaml.SafeDumper):
    """Writes everything out: anchors are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is yaml's
        return True


def text() -> str:
    """The document as it lies in ``docs/``."""
    return HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
