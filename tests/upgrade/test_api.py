"""The API of two releases on one database, forward and back, while its tables change and articles keep coming.

The programs of the release before are its own code. Whoever follows the change feed goes from one to the other.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from copydesk_api.filters import Filters
from copydesk_api.store import Store
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import encode
from tests.api.samples import article
from tests.api.servers import own_postgres
from tests.api.test_queries import listed
from tests.faults import load
from tests.faults.cluster import embedded_cluster
from tests.faults.pods import Fleet, Pod, get
from tests.faults.subscriber import Subscriber
from tests.upgrade.before import SECONDS, are_shared, make_topics, run, unpack

AT_ONCE = 30

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.kafka, pytest.mark.timeout(600)]


class Desk:
    """A database and a topic for two releases, and somebody who follows the change feed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.database = stack.enter_context(own_postgres()).url
        self.cluster = stack.enter_context(embedded_cluster(folder))
        self.fleet = stack.enter_context(Fleet(self.cluster.servers, folder))
        self.before = unpack(folder)
        make_topics(self.cluster, self.before)
        self.written: set[str] = set()
        self.reader: Subscriber | None = None

    def start(self, release: str) -> Pod:
        variables = self.before if release == "old" else None
        return self.fleet.add("api", name=release, variables=variables, database_url=self.database)

    def is_ready(self, *pods: Pod) -> None:
        self.fleet.until(lambda: all(pod.is_ready() for pod in pods), "ready", SECONDS)

    def write(self) -> None:
        """Articles that the classifier of this release has tagged."""
        made = [article(f"a{len(self.written) + number}") for number in range(AT_ONCE)]
        load.produce(self.cluster.servers, [encode(CLASSIFIED, each, stage="classifier", version="1") for each in made])
        self.written |= {each.canonical_url for each in made}

    def follow(self, api: Pod) -> None:
        """All that was written is in the change feed of this API, which goes on where the one before ended."""
        reader = self.reader = self.reader or Subscriber(api)
        reader.turn_to(api)
        self.fleet.until(lambda: not reader.poll() and len(reader) >= len(self.written), "articles", SECONDS)

    def migrate(self) -> None:
        run("-m", "copydesk_api", "migrate", env={"COPYDESK_API_DATABASE_URL": self.database})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


def test_the_api_of_two_releases_on_one_database(desk: Desk) -> None:
    old = desk.start("old")
    desk.write()
    desk.follow(old)

    new = desk.start("new")
    desk.write()
    desk.fleet.until(lambda: "migrat" in new.log(), "the new one waits for the migration", SECONDS)
    desk.follow(old)
    desk.migrate()
    desk.is_ready(old, new)
    assert [get(each.url("api"), "/v1/pipeline")[0] for each in (old, new)] == [404, 200]

    desk.fleet.until(lambda: are_shared(desk.cluster, "api"), "members of both", SECONDS)
    for api in (old, new):
        desk.write()
        desk.follow(api)
    old.stop()
    desk.write()
    desk.follow(new)

    old.start()
    desk.is_ready(old)
    desk.fleet.until(lambda: are_shared(desk.cluster, "api"), "members of both again", SECONDS)
    new.stop()
    desk.write()
    desk.follow(old)
    old.stop()
    _assert_nothing_is_missing(desk)


def _assert_nothing_is_missing(desk: Desk) -> None:
    assert desk.reader is not None
    assert desk.reader.lost(desk.written) == set()
    assert desk.reader.duplicates() == []
    # What follows from documents is made for the rows of the release before too: nothing stays out of a search.
    desk.migrate()
    store = Store.open(desk.database, migrate=False)
    try:
        assert len(listed(store, Filters(terms=("copy",), language="en"))) == len(desk.written)
    finally:
        store.close()
