"""The API service: an index that follows ``articles.classified``, and the server of the REST feed and the page."""

import asyncio

from copydesk_api.app import create_app
from copydesk_api.index import IndexSink
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.asgi import bind, serve_asgi
from copydesk_shared.service import Loop, Service, run_main, run_service
from copydesk_shared.settings import load_settings
from copydesk_shared.sink import run_sink
from copydesk_shared.telemetry import get_logger

HEARTBEAT_SECONDS = 1.0


def make_loops(settings: ApiSettings, store: Store) -> tuple[Loop, Loop]:
    """The server and the index. Raises :class:`SettingsError` when the address is taken."""
    listener = bind(settings.host, settings.port, "api")

    async def beat(service: Service) -> None:
        while not service.stopping.is_set():
            service.health.progressed("serve")
            await service.pause(HEARTBEAT_SECONDS)

    async def serve(service: Service) -> None:
        heart = asyncio.create_task(beat(service))
        service.health.ready("serve", value=True)
        host, port = listener.getsockname()[:2]
        get_logger().info("serving", url=f"http://{host}:{port}/")
        try:
            await serve_asgi(create_app(store, settings), listener, service.stopping)
        finally:
            service.health.ready("serve", value=False)
            heart.cancel()
            service.health.finished("serve")

    async def index(service: Service) -> None:
        await run_sink(IndexSink(store), service)

    return serve, index


def main() -> int:
    """Run the service. Returns the exit code."""
    settings = load_settings(ApiSettings)
    store = Store.open(settings.database_url)
    try:
        return run_service("api", settings, make_loops(settings, store))
    finally:
        store.close()


if __name__ == "__main__":
    run_main(main)
