"""Records for the topics, written with librdkafka."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from copydesk_shared.identity import short_digest
from copydesk_shared.log import Headers, Outgoing
from copydesk_shared.messages import Entry, Page, Source
from copydesk_shared.topics import DISCOVERED, FETCHED
from copydesk_shared.wire import encode
from tests.e2e.site import Site

FLUSH_SECONDS = 60
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCE = Source(name="The Harbour Courier", domain="courier.example")
_NUMBERS = itertools.count()


def page(what: str = "emit") -> Page:
    """A page with an id of its own. The title says what the stage for tests is to do with it."""
    number = next(_NUMBERS)
    url = f"https://courier.example/{number}"
    return Page(
        article_id=short_digest(url), url=url, canonical_url=url, source=SOURCE, content_type="text/html",
        content=Site._page(number), fetched_at=NOW, entry_title=what,
    )  # fmt: skip


def entry(url: str) -> Entry:
    return Entry(feed_id="faults", url=url, source=SOURCE, title="A story", discovered_at=NOW)


def of_pages(pages: Iterable[Page]) -> list[Outgoing]:
    return [encode(FETCHED, each, stage="fetcher", version="faults") for each in pages]


def of_entries(entries: Iterable[Entry]) -> list[Outgoing]:
    return [encode(DISCOVERED, each, stage="fetcher-poll", version="faults") for each in entries]


def raw(topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> Outgoing:
    """A record that no service wrote."""
    return Outgoing(topic, key, value, headers)


def produce(servers: str, records: Iterable[Outgoing]) -> None:
    """Store the records, keys on the partitions that the services would choose."""
    failures: list[Any] = []
    producer = Producer(
        {"bootstrap.servers": servers, "partitioner": "murmur2_random", "message.max.bytes": 10_000_000, "linger.ms": 5}
    )

    def stored(error: object, _message: object) -> None:
        if error is not None:
            failures.append(error)

    for record in records:
        producer.produce(
            record.topic, key=record.key, value=record.value, headers=list(record.headers), on_delivery=stored
        )
        producer.poll(0)
    assert producer.flush(FLUSH_SECONDS) == 0
    assert failures == []
