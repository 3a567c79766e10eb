"""The API service: an index that follows ``articles.classified``, and the server of the REST feed and the page."""

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping

from copydesk_api.app import create_app
from copydesk_api.database import database_url
from copydesk_api.gate import Gate
from copydesk_api.index import IndexSink
from copydesk_api.keys_command import keys_command
from copydesk_api.operating.dead_letters import DeadLetters
from copydesk_api.operating.parts import Operating
from copydesk_api.push.desk import Desk
from copydesk_api.rebuild_command import rebuild_index
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.upkeep import catch_up_at_once, keep_up
from copydesk_shared.asgi import bind, serve_asgi
from copydesk_shared.errors import UserError
from copydesk_shared.service import Loop, Service, run_main, run_service
from copydesk_shared.settings import load_settings
from copydesk_shared.sink import run_sink
from copydesk_shared.telemetry import get_logger

HEARTBEAT_SECONDS = 1.0
TELL_EACH = 10_000
USAGE = (
    "usage: python -m copydesk_api (serves; or with: migrate, index rebuild, keys) - docs/settings.md tells its "
    "settings, by environment"
)


class Parts:
    """What runs in the process: the server, the index and what is done beside it."""

    def __init__(self, settings: ApiSettings, store: Store, listener: socket.socket) -> None:
        self._settings = settings
        self._store = store
        self._listener = listener
        self._gate = Gate(store)
        self.operating = Operating(letters=DeadLetters(settings.brokers))

    async def serve(self, service: Service) -> None:
        """Answer requests."""
        heart = asyncio.create_task(_beat(service))
        service.health.ready("serve", value=False, why="it has not begun")
        try:
            if await self._gate.passed(service):
                service.health.ready("serve", value=True)
                host, port = self._listener.getsockname()[:2]
                get_logger().info("serving", url=f"http://{host}:{port}/")
                app = create_app(self._store, self._settings, service.stopping, self.operating)
                proxies = self._settings.trusted_proxies
                await serve_asgi(app, self._listener, service.stopping, trusted_proxies=proxies)
        finally:
            service.health.ready("serve", value=False)
            heart.cancel()
            service.health.finished("serve")

    async def index(self, service: Service) -> None:
        """Follow the topic."""
        if await self._gate.passed(service):
            await run_sink(IndexSink(self._store), service)

    async def feeds(self, service: Service) -> None:
        """Read along how polling the feeds goes."""
        await self.operating.feeds.follow(service)

    async def outlet(self, service: Service) -> None:
        """Have what the calls write taken by the brokers."""
        await self.operating.outlet.keep(service)

    async def pipeline(self, service: Service) -> None:
        """Take samples of how the stages go."""
        if await self._gate.passed(service):
            await self.operating.pipeline.watch(service, self._store)

    async def upkeep(self, service: Service) -> None:
        """See to what other programs have written, and remove what is old."""
        if await self._gate.passed(service):
            await keep_up(self._store, service)

    async def push(self, service: Service) -> None:
        """Deliver the change feed to those who asked for it."""
        if await self._gate.passed(service):
            await Desk(self._store.engine, self._settings).run(service)


async def _beat(service: Service) -> None:
    while not service.stopping.is_set():
        service.health.progressed("serve")
        await service.pause(HEARTBEAT_SECONDS)


def make_loops(settings: ApiSettings, store: Store) -> tuple[Loop, ...]:
    """All of them. Raises :class:`SettingsError` when the address is taken."""
    parts = Parts(settings, store, bind(settings.host, settings.port, "api"))
    return parts.serve, parts.index, parts.feeds, parts.outlet, parts.pipeline, parts.upkeep, parts.push


def migrates_itself(settings: ApiSettings) -> bool:
    """Whether the service migrates its database when it starts."""
    if settings.migrate == "auto":
        return database_url(settings.database_url).get_backend_name() == "sqlite"
    return settings.migrate == "always"


def open_store() -> Store:
    """The store of the settings. Raises :class:`SettingsError`."""
    settings = load_settings(ApiSettings)
    return Store.open(settings.database_url, settings.keep, migrate=migrates_itself(settings))


def serve(settings: ApiSettings) -> int:
    """Run the service. Returns the exit code."""
    store = Store.open(settings.database_url, settings.keep, migrate=migrates_itself(settings))
    try:
        return run_service("api", settings, make_loops(settings, store))
    finally:
        store.close()


def migrate(settings: ApiSettings) -> int:
    """Bring the database up to date, as a job. Returns the exit code."""
    store = Store.open(settings.database_url, migrate=False)
    try:
        done = store.migrate()
        catch_up_at_once(store, _tell)
    finally:
        store.close()
    sys.stdout.write("the database is migrated\n" if done else "the database is up to date\n")
    return 0


def _tell(count: int) -> None:
    if count % TELL_EACH == 0:
        sys.stderr.write(f"copydesk: {count:,} articles are up to date\n")


def rebuild(settings: ApiSettings) -> int:
    """Make the index anew, or go on with it. Returns the exit code."""
    return rebuild_index(settings.database_url, settings.keep, settings.brokers)


def rebuild_afresh(settings: ApiSettings) -> int:
    """Make the index anew from the beginning. Returns the exit code."""
    return rebuild_index(settings.database_url, settings.keep, settings.brokers, afresh=True)


COMMANDS: Mapping[tuple[str, ...], Callable[[ApiSettings], int]] = {
    (): serve,
    ("migrate",): migrate,
    ("index", "rebuild"): rebuild,
    ("index", "rebuild", "--afresh"): rebuild_afresh,
}


def main() -> int:
    """Do what the arguments say. Returns the exit code; raises :class:`UserError`."""
    arguments = tuple(sys.argv[1:])
    if arguments[:1] == ("keys",):
        return keys_command(arguments[1:], open_store)
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(f"{USAGE}\n")
        return 0
    if arguments not in COMMANDS:
        raise UserError(f"unknown argument {' '.join(arguments)!r}; {USAGE}")
    return COMMANDS[arguments](load_settings(ApiSettings))


def run() -> None:
    """The ``copydesk-api`` command."""
    run_main(main, takes_arguments=True)


if __name__ == "__main__":
    run()
