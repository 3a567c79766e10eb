"""Who writes and who reads which topic: the operations of the AsyncAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from copydesk_shared.topics import (
    CLASSIFIED,
    CLASSIFIED_SHADOW,
    CLEANED,
    DEAD_LETTER,
    DISCOVERED,
    FEEDS,
    FEEDS_PUSHED,
    FEEDS_STATE,
    FETCHED,
    HOSTS_MEMORY,
    HOSTS_STATE,
    PAGES_KNOWN,
    STAGE_SOURCES,
    RawTopic,
    Tier,
    Topic,
    retry_topic,
    retry_topics,
)

AnyTopic = Topic[Any] | RawTopic


@dataclass(frozen=True, slots=True)
class Application:
    """A part of Copydesk, or a reader of its topics. ``group`` is its consumer group, if it reads in one.

    Of the topics and groups that it ``watches`` it asks for the offsets only.
    """

    name: str
    summary: str
    receives: tuple[AnyTopic, ...] = ()
    sends: tuple[AnyTopic, ...] = ()
    group: str | None = None
    watches: tuple[AnyTopic, ...] = ()
    watched_groups: tuple[str, ...] = ()


SINKS: Mapping[str, Topic[Any]] = {"fetcher": FETCHED, "cleaner": CLEANED, "classifier": CLASSIFIED}
SUMMARIES: Mapping[str, str] = {
    "fetcher": "Downloads the pages of entries.",
    "cleaner": "Takes the article out of a page and cuts what does not belong.",
    "classifier": "Tags articles.",
}


# What a stage reads and writes beside its source, its sink and its retries. The fetcher sends an entry that leads to
# another domain back to its source, where that domain has its place.
READS_TOO: Mapping[str, tuple[Topic[Any], ...]] = {"fetcher": (HOSTS_MEMORY, PAGES_KNOWN)}
WRITES_TOO: Mapping[str, tuple[Topic[Any], ...]] = {"fetcher": (DISCOVERED, HOSTS_MEMORY, PAGES_KNOWN)}


def _stage(name: str) -> Application:
    retries = tuple(retry_topics(name).values())
    return Application(
        name,
        SUMMARIES[name],
        receives=(STAGE_SOURCES[name], *retries, *READS_TOO.get(name, ())),
        sends=(SINKS[name], *WRITES_TOO.get(name, ()), *retries, DEAD_LETTER),
        group=name,
    )


REPLAYER = Application(
    "dead-letters",
    "Shows dead letters and replays them on command.",
    receives=(DEAD_LETTER,),
    sends=(*(retry_topic(name, Tier.SHORT) for name in STAGE_SOURCES), CLASSIFIED),
)
APPLICATIONS: tuple[Application, ...] = (
    Application(
        "feeds-file", "Writes the feeds of a file, and tombstones for those it no longer names.", sends=(FEEDS,)
    ),
    Application(
        "fetcher-poll",
        "Polls feeds and says what is new in them. A part of the fetcher, which owns its partitions: no group.",
        receives=(FEEDS, FEEDS_STATE, FEEDS_PUSHED, HOSTS_STATE),
        sends=(FEEDS_STATE, FEEDS_PUSHED, DISCOVERED, HOSTS_STATE, FEEDS),
    ),
    *(_stage(name) for name in STAGE_SOURCES),
    Application(
        "classifier-shadow",
        "Tags articles by a taxonomy on trial. A part of the classifier, where it has one.",
        receives=(CLEANED,),
        sends=(CLASSIFIED_SHADOW,),
        group="classifier-shadow",
    ),
    Application("taxonomy-shadow", "Tells how the tags on trial differ.", receives=(CLASSIFIED, CLASSIFIED_SHADOW)),
    Application(
        "api",
        "Serves articles over REST and takes some; shows feeds, stages and dead letters, and acts on them for admins.",
        receives=(CLASSIFIED, FEEDS, FEEDS_STATE, HOSTS_STATE, DEAD_LETTER),
        sends=(FEEDS, FETCHED, DEAD_LETTER, *REPLAYER.sends),
        group="api",
        watches=(*STAGE_SOURCES.values(), *(topic for name in STAGE_SOURCES for topic in retry_topics(name).values())),
        watched_groups=tuple(STAGE_SOURCES),
    ),
    REPLAYER,
    Application("subscriber", "You: any reader with a consumer group of its own.", receives=(CLASSIFIED,)),
)
# The stage in ``ce_source`` of what is on a topic, for the examples.
WRITERS: Mapping[str, str] = {
    topic.name: application.name
    for application in reversed(APPLICATIONS)
    if application is not REPLAYER
    for topic in application.sends
}
