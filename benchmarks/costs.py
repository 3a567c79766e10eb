"""What an article costs on its way: processor time of each stage, bytes on the topics and in PostgreSQL.

``python -m benchmarks.costs`` takes the news pages of the developer data beside the checkout, in ``../shared``, through
cleaner, classifier and API, and prints the figures of ``copydesk_standalone/capacity/costs.toml`` that come from them.
Processor time of a stage is that of the work, of reading and writing its records as JSON, of compressing them and of
the way to a worker process and back; the client of the brokers is not in it. Records are counted as the producer
compresses them, each in a batch of its own. The API writes to a PostgreSQL in a
temporary folder; its processor time is counted with the API's. Fetching has a benchmark of its own,
``python -m benchmarks.fetch``.
"""

import pickle
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import psycopg
import zstandard

from benchmarks.clean import DATA, load
from copydesk_api.store import Store
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.stage import clean
from copydesk_shared.message import Message
from copydesk_shared.messages import Article, ClassifiedArticle, Entry, FeedState, KnownPage, Page, SeenEntry
from copydesk_shared.stage import Emit
from copydesk_shared.topics import CLASSIFIED, CLEANED, DISCOVERED, FEEDS_STATE, FETCHED, PAGES_KNOWN, Topic
from copydesk_shared.wire import encode
from tests.api.servers import running_postgres

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENTRIES = 40  # that a feed holds and its state remembers
BATCH = 20  # articles that the API writes at once
ROUNDS = 5  # through the database, each with articles of its own
WARM = 10


def record_bytes(topic: Topic[Any], messages: Sequence[Message]) -> float:
    """The mean size of a record, headers included, compressed by itself."""
    compressor = zstandard.ZstdCompressor()
    sizes = []
    for message in messages:
        record = encode(topic, message, stage="costs", version="1")
        headers = b"".join(name.encode() + value for name, value in record.headers)
        sizes.append(len(compressor.compress((record.key or b"") + (record.value or b"") + headers)))
    return statistics.mean(sizes)


def sent(message: Any) -> Any:
    """The message as it comes out of a worker process."""
    return pickle.loads(pickle.dumps(message))  # noqa: S301 - our own bytes


def carried(source: Topic[Any], message: Message, work: Callable[[Any], Any], target: Topic[Any]) -> Any:
    """What the work makes of a message that comes and goes as on the topics, by way of a worker process."""
    received = source.model.model_validate_json(encode(source, message, stage="costs", version="1").value or b"")
    made = sent(work(sent(received)))
    zstandard.ZstdCompressor().compress(encode(target, made, stage="costs", version="1").value or b"")
    return made


def timed(messages: Sequence[Message], carry: Callable[[Any], Any]) -> tuple[list[Any], float]:
    """What becomes of the messages, and milliseconds of a processor for each."""
    for message in messages[:WARM]:
        carry(message)
    began = time.process_time()
    made = [carry(message) for message in messages]
    return made, 1000 * (time.process_time() - began) / len(messages)


def article_of(page: Page) -> Article:
    """What the cleaner makes of a page that holds a story."""
    outcome = clean(page)
    assert isinstance(outcome, Emit)
    return outcome.message


def server_seconds(url: str) -> float:
    """Processor time of the PostgreSQL server and of its processes that have ended."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row
        server = psutil.Process(row[0]).parent()
        assert server
        times = [each.cpu_times() for each in (server, *server.children(recursive=True))]
        own = server.cpu_times()
        ended = own.children_user + own.children_system
        return float(ended + sum(each.user + each.system for each in times))


def database_bytes(url: str) -> int:
    """What the database takes on the disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row
        return int(row[0])


def batches(articles: Sequence[ClassifiedArticle]) -> Iterator[list[tuple[str, ClassifiedArticle]]]:
    """The articles, under other ids and an hour later in each round."""
    for number in range(ROUNDS):
        copies = [
            each.model_copy(
                update={
                    "article_id": f"{each.article_id}-{number}",
                    "canonical_url": f"{each.canonical_url}?{number}",
                    "fetched_at": each.fetched_at + timedelta(hours=number),
                }
            )
            for each in articles
        ]
        for start in range(0, len(copies), BATCH):
            yield [(each.article_id, each) for each in copies[start : start + BATCH]]


def indexed(articles: Sequence[ClassifiedArticle]) -> tuple[float, float, float]:
    """Milliseconds of the API and of PostgreSQL, and bytes, for an article."""
    with running_postgres() as url:
        store = Store.open(url)
        empty, server, own = database_bytes(url), server_seconds(url), time.process_time()
        for number, batch in enumerate(batches(articles)):
            store.write(batch, {0: number + 1})
        own, server = time.process_time() - own, server_seconds(url) - server
        grown = database_bytes(url) - empty
        store.close()
    count = len(articles) * ROUNDS
    return 1000 * own / count, 1000 * server / count, grown / count


def beside(pages: Sequence[Page], articles: Sequence[Article]) -> Iterator[tuple[Topic[Any], list[Message]]]:
    """What else is written for an article, and what is known of a feed."""
    titled = [each for each in articles if each.title]
    entries = [
        Entry(
            feed_id="costs", url=each.canonical_url, source=each.source, title=each.title or "", discovered_at=NOW,
            known_titles=tuple(other.title or "" for other in titled[:ENTRIES]),
        )
        for each in titled
    ]  # fmt: skip
    known = [
        KnownPage(page_id=each.article_id, url=each.url, revision=1, fetched_at=NOW, feeds={"costs": 1})
        for each in pages
    ]
    seen = {each.url: SeenEntry(revision=1, fingerprint=each.article_id) for each in pages[:ENTRIES]}
    yield DISCOVERED, [*entries]
    yield PAGES_KNOWN, [*known]
    yield FEEDS_STATE, [FeedState(feed_id="costs", next_poll_at=NOW, seen=seen)]


def main() -> int:
    """Print the figures; 2 without the developer data."""
    if not DATA.is_dir():
        print("costs.py: there is no ../shared/data/clean beside the checkout, so there are no pages", file=sys.stderr)
        return 2
    pages = [each.page for each in load("fundus")]
    taxonomy = load_taxonomy()
    articles, clean_ms = timed(pages, lambda page: carried(FETCHED, page, article_of, CLEANED))
    tagged, classify_ms = timed(
        articles, lambda article: carried(CLEANED, article, lambda each: classify(each, taxonomy), CLASSIFIED)
    )
    index_ms, postgres_ms, grown = indexed(tagged)
    print(f"{len(pages)} pages, {len(articles)} articles, {BATCH} at once into the database\n")
    for name, spent in (("clean", clean_ms), ("classify", classify_ms), ("index", index_ms), ("postgres", postgres_ms)):
        print(f"{name}: {spent:.2f} ms of a processor")
    through: list[tuple[Topic[Any], list[Message]]] = [
        *beside(pages, articles), (FETCHED, [*pages]), (CLEANED, [*articles]), (CLASSIFIED, [*tagged]),
    ]  # fmt: skip
    for topic, messages in through:
        print(f"{topic.name}: {record_bytes(topic, messages):.0f} bytes a record")
    print(f"database: {grown:.0f} bytes an article")
    return 0


if __name__ == "__main__":
    sys.exit(main())
