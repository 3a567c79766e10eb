"""The list of articles beside that of Miniflux: requests a second and the 99th percentile, on one PostgreSQL.

Miniflux (a reader of feeds in Go, https://miniflux.app) has the entries of one user in a few feeds, Copydesk as many
articles with the same texts, each in a database of its own on one server of this machine. What is asked for is a page
of ``PAGE`` items, newest first: the first one, and one as deep, which Miniflux finds by an offset and Copydesk by a
cursor. Miniflux is asked with an API key, since it answers nobody else; so is Copydesk. Copydesk is one process that
makes each answer anew, but for the last row; Miniflux has all processors. It is asked for all entries, and for those
that are unread, which are all. ``wrk`` asks both in turn, ``--rounds`` times; the figures are medians, and what counts
is the ratio of a row.

How to build it, with Go: ``go mod init bench && go mod edit -require miniflux.app/v2@v2.2.13 && go build -mod=mod -o
miniflux miniflux.app/v2``

Run: ``.venv/bin/python -m benchmarks.miniflux --miniflux PATH_TO_BINARY [--entries 100000] [--seconds 5] [--rounds 3]``
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
from sqlalchemy import make_url

from benchmarks.api import PAGE as STEP
from benchmarks.api import Load, deep_cursor, fill, invented, load_with, median, served
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from copydesk_standalone.probes import free_port
from tests.api.servers import running_postgres

PAGE = 50
FEEDS = 10
USER, PASSWORD, TOKEN = "bench", "a password of the benchmark", "a-key-of-the-benchmark"
START_SECONDS = 60.0
ENTRIES = (
    "COPY entries (user_id, feed_id, hash, published_at, changed_at, created_at, title, url, author, content, tags)"
    " FROM STDIN"
)


@dataclass(frozen=True)
class Asked:
    """One of the two, or a page of it: where it is, and the header that lets in."""

    url: str
    header: str

    def items(self) -> tuple[int, int]:
        """How many items the page has, and how many bytes."""
        name, _, value = self.header.partition(": ")
        answer = httpx.get(self.url, headers={name: value}, timeout=120)
        answer.raise_for_status()
        told = json.loads(answer.content)
        return len(told.get("items") or told.get("entries")), len(answer.content)


def database_of(server: str, name: str) -> str:
    """The URL of a new database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def miniflux(binary: Path, url: str) -> Iterator[str]:
    """The address of a Miniflux that fetches nothing, on this database."""
    place = f"127.0.0.1:{free_port()}"
    settings = {
        "DATABASE_URL": f"{url}?sslmode=disable", "LISTEN_ADDR": place, "RUN_MIGRATIONS": "1", "CREATE_ADMIN": "1",
        "ADMIN_USERNAME": USER, "ADMIN_PASSWORD": PASSWORD, "DISABLE_SCHEDULER_SERVICE": "1", "LOG_LEVEL": "error",
    }  # fmt: skip
    with subprocess.Popen([binary], env={**os.environ, **settings}, stdout=subprocess.DEVNULL) as process:
        try:
            give_up = time.monotonic() + START_SECONDS
            while not _is_up(place):
                if process.poll() is not None or time.monotonic() > give_up:
                    raise SystemExit("Miniflux does not start")
                time.sleep(0.1)
            yield f"http://{place}"
        finally:
            process.terminate()


def _is_up(place: str) -> bool:
    try:
        return httpx.get(f"http://{place}/healthcheck").is_success
    except httpx.TransportError:
        return False


def fill_miniflux(url: str, count: int) -> None:
    """Write the same articles as ``fill`` writes, by SQL: of one user, in a few feeds."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT u.id, c.id FROM users u JOIN categories c ON c.user_id = u.id").fetchone()
        assert row is not None
        user, category = row
        connection.execute("INSERT INTO api_keys (user_id, token, description) VALUES (%s, %s, '')", [user, TOKEN])
        feeds = [_feed(connection, user, category, number) for number in range(FEEDS)]
        with connection.cursor() as cursor, cursor.copy(ENTRIES) as copy:
            source = random.Random(3)
            for number in range(count):
                copy.write_row(_entry(invented(number, source), user, feeds[number % FEEDS]))
        connection.execute("UPDATE entries SET document_vectors = to_tsvector(title || ' ' || content)")


def _feed(connection: psycopg.Connection[tuple[int]], user: int, category: int, number: int) -> int:
    made = connection.execute(
        "INSERT INTO feeds (user_id, category_id, title, feed_url, site_url) VALUES (%s, %s, %s, %s, %s) RETURNING id",
        [user, category, f"Feed {number}", f"https://feed{number}.example/rss", f"https://feed{number}.example/"],
    ).fetchone()
    assert made is not None
    return made[0]


def _entry(article: ClassifiedArticle, user: int, feed: int) -> Sequence[object]:
    at = article.published_at or article.fetched_at
    content = "".join(f"<p>{paragraph}</p>" for paragraph in article.paragraphs)
    tags = [each.tag for each in article.tags]
    return (user, feed, article.article_id, at, at + timedelta(minutes=1), at, article.title, article.url,
            ", ".join(article.authors), content, tags)  # fmt: skip


def fill_copydesk(url: str, count: int) -> str:
    """Write the articles; the token of a key that may read."""
    store = Store.open(url)
    print(f"{count:,} articles written at {fill(store, count):.0f}/s")
    token = KeyStore(store.engine).create("benchmark", Scope.READ).token
    store.close()
    return token


def settle(url: str) -> None:
    """Have rows counted, and no room taken by what filling has left behind."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM FULL ANALYZE")


def compare(name: str, pages: tuple[Asked, Asked], given: argparse.Namespace) -> None:
    """Print a row: Copydesk, Miniflux and their ratio, then the bytes of the pages."""
    (ours, our_bytes), (theirs, their_bytes) = (page.items() for page in pages)
    if ours != theirs or ours != PAGE:
        raise SystemExit(f"{name}: pages of {ours} and {theirs} items, not of {PAGE}")
    rows: tuple[list[Load], list[Load]] = ([], [])
    for _ in range(given.rounds):
        for row, page in zip(rows, pages, strict=True):
            row.append(load_with(page.url, page.header, given.seconds, given.connections))
    one, two = map(median, rows)
    print(f"{name:26}{one.per_second:8.0f}{one.p99_ms:10.1f}{two.per_second:10.0f}{two.p99_ms:10.1f}"
          f"{one.per_second / two.per_second:8.2f}{our_bytes:10,}{their_bytes:10,}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--miniflux", type=Path, required=True, help="its binary")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian package wrk)")
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        theirs, ours = database_of(server, "miniflux"), database_of(server, "copydesk")
        there = stack.enter_context(miniflux(given.miniflux.resolve(), theirs))
        fill_miniflux(theirs, given.entries)
        token = fill_copydesk(ours, given.entries)
        settle(theirs)
        settle(ours)
        anew = stack.enter_context(served("ours", ours, "0"))
        remembering = stack.enter_context(served("ours", ours, str(ApiSettings().answer_bytes)))
        depth = given.entries // 2 // STEP * STEP
        deep = deep_cursor(anew, depth // STEP)
        key, key_there = f"Authorization: Bearer {token}", f"X-Auth-Token: {TOKEN}"
        first = f"/v1/articles?limit={PAGE}"
        list_there = f"{there}/v1/entries?limit={PAGE}&order=published_at&direction=desc"
        first_there = Asked(list_there, key_there)
        # All entries are unread; asked for these, Miniflux has an index in the order of the list.
        unread_there = Asked(f"{list_there}&status=unread", key_there)
        print(f"{'':26}{'Copydesk':>18}{'Miniflux':>20}{'ratio':>8}{'bytes':>10}{'bytes':>10}")
        print(f"{'':26}{'req/s':>8}{'p99 ms':>10}{'req/s':>10}{'p99 ms':>10}")
        compare("first page", (Asked(anew + first, key), first_there), given)
        compare("first page, of unread", (Asked(anew + first, key), unread_there), given)
        for name, page in (("", first_there), (", of unread", unread_there)):
            deep_there = Asked(f"{page.url}&offset={depth}", key_there)
            compare(f"after {depth:,}{name}", (Asked(anew + first + deep, key), deep_there), given)
        compare("given again, of unread", (Asked(remembering + first, key), unread_there), given)


if __name__ == "__main__":
    main()
