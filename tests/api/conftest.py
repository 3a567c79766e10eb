"""Databases, a store on each of them and an app on a store."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import make_url

from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article, fused_article
from tests.api.servers import running_postgres, serving
from tests.tiers import unavailable

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
MakeUrl = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database on PostgreSQL."""
    name = f"copydesk_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'api.db'}"
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def open_store(database: str) -> Iterator[Callable[[], Store]]:
    """Opens stores on one database, as several processes would."""
    with ExitStack() as stack:

        def opener() -> Store:
            store = Store.open(database)
            stack.callback(store.close)
            return store

        yield opener


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@pytest.fixture
def client(store: Store) -> Iterator[httpx.Client]:
    """A client of a real server on the store."""
    with serving(create_app(store, ApiSettings())) as base_url, httpx.Client(base_url=base_url) as http:
        yield http


@pytest.fixture(scope="module")
def sqlite_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of one server for a whole module, for what does not depend on the database; it holds two articles."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('api') / 'api.db'}")
    store.write([("a1", article("a1")), ("fused", fused_article())], {0: 2})
    with serving(create_app(store, ApiSettings())) as base_url, httpx.Client(base_url=base_url) as http:
        yield http
    store.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        unavailable("browser", "Chromium is not installed")
    return str(found)
