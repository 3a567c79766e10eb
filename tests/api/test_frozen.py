"""PostgreSQL freezes between two statements of one request: the answer is 503 all the same, and soon."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import event, text

from copydesk_api import database
from copydesk_api.app import create_app
from copydesk_api.database import patiently
from copydesk_api.key_store import KeyStore
from copydesk_api.push.records import Kind
from copydesk_api.push.store import Receivers
from copydesk_api.store import Store
from copydesk_shared.errors import Retryable
from tests.api.pushing import settings
from tests.api.samples import article
from tests.api.servers import PostgresServer, own_postgres, serving
from tests.api.test_keys import ADMIN, bearer

pytestmark = pytest.mark.postgres
PATIENCE = 0.4  # seconds
PATHS = (
    "/v1/articles?tag=none&tag=neither&tag_mode=all",
    "/v1/changes",
    "/v1/changes?wait=1&after={end}",
    "/v1/webhooks",
    "/v1/webhooks/{webhook}",
    "/v1/webhooks/{webhook}/deliveries",
    "/articles/a1",
    "/",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with own_postgres() as running:
        yield running


@pytest.fixture
def store(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_SECONDS", 2)  # the shortest that libpq knows
    with closing(Store.open(server.url)) as opened:
        opened.write([("a1", article("a1"))], {0: 1})
        monkeypatch.setattr(database, "SILENT_SECONDS", PATIENCE)
        monkeypatch.setattr(database, "PROMPT_SECONDS", PATIENCE)
        yield opened


class Freezing:
    """Counts the statements of the store; the server freezes before one of them."""

    def __init__(self, server: PostgresServer, store: Store) -> None:
        self.count = 0
        self._server = server
        self._at: int | None = None
        self._frozen = ExitStack()
        event.listen(store.engine, "before_cursor_execute", self._on_statement)

    @contextmanager
    def before(self, number: int) -> Iterator[None]:
        self.count, self._at = 0, number
        with self._frozen:
            yield
        self._at = None

    def thaw(self) -> None:
        self._frozen.close()

    def _on_statement(self, *_given: object) -> None:
        if self.count == self._at:
            self._frozen.enter_context(self._server.frozen())
        self.count += 1


def asked_anew(client: httpx.Client, path: str) -> httpx.Response:
    """As nobody has asked before: what was answered may be remembered, by what the asker accepts among others."""
    return client.get(path, headers={"accept": f"*/*, x/{uuid4().hex}"})


def assert_503_whenever_it_freezes(client: httpx.Client, path: str, freezing: Freezing) -> None:
    assert asked_anew(client, path).status_code == 200  # from now on the connections are there
    freezing.count = 0
    assert asked_anew(client, path).status_code == 200
    statements = freezing.count
    assert statements, path
    for number in range(statements):
        with freezing.before(number):
            answer = asked_anew(client, path)
            assert freezing.count > number, (path, number)
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5"), (path, number)
        assert asked_anew(client, path).status_code == 200, (path, number)


# The driver warns of cursors that went with their connection, wherever they are collected.
@pytest.mark.filterwarnings("ignore:<psycopg.ServerCursor:ResourceWarning")
@pytest.mark.timeout(180)
def test_a_request_is_answered_whichever_of_its_statements_hangs(server: PostgresServer, store: Store) -> None:
    app = create_app(store, settings(admin_key=ADMIN))
    with serving(app) as url, httpx.Client(base_url=url, headers=bearer(ADMIN), timeout=20) as client:
        made = client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/hook"})
        assert made.status_code == 201, made.text
        end = client.get("/v1/changes").json()["next"]
        freezing = Freezing(server, store)
        for path in PATHS:
            assert_503_whenever_it_freezes(client, path.format(end=end, webhook=made.json()["webhook_id"]), freezing)
    gc.collect()


def test_what_follows_the_feed_and_pushes_hears_that_the_database_is_away(server: PostgresServer, store: Store) -> None:
    pushing, keys = Receivers(store.engine), KeyStore(store.engine)
    asked: tuple[Callable[[], object], ...] = (
        store.standing, lambda: store.changes(0, 5), pushing.due, lambda: pushing.all(Kind.WEBHOOK), keys.list_keys,
        lambda: pushing.prune(datetime.now(UTC)),
    )  # fmt: skip
    for ask in asked:
        ask()
        with server.frozen(), pytest.raises(Retryable, match=r"no answer within|connection timeout expired"):
            ask()
        ask()


def test_the_index_has_longer_to_write(server: PostgresServer, store: Store) -> None:
    store.positions()  # the connection is there
    freezing = Freezing(server, store)
    with freezing.before(1):
        thaw = threading.Timer(3 * PATIENCE, freezing.thaw)
        thaw.start()
        store.write([("a2", article("a2"))], {0: 2})
        thaw.join()
    assert store.positions() == {0: 2}


def test_a_long_statement_is_waited_for_where_that_is_meant(store: Store) -> None:
    asleep = text(f"SELECT pg_sleep({3 * PATIENCE})")
    with store.engine.connect() as connection, patiently(None):
        connection.execute(asleep)
    with pytest.raises(Retryable, match="no answer within"), database.retryable(), store.engine.connect() as connection:
        connection.execute(asleep)


def test_a_statement_that_nobody_waits_for_ends_on_the_server_too(store: Store) -> None:
    with store.engine.connect() as connection:
        interval = connection.execute(text("SHOW client_connection_check_interval")).scalar_one()
    assert interval == "2s"
