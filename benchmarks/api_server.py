"""One server of ``benchmarks.api`` on a port of its own: ``ours DATABASE_URL ANSWER_BYTES`` or ``bare FOLDER``.

The bare one is FastAPI with a route that answers the bytes of a file there, or 304 with nothing, and nothing around it.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.asgi import bind, serve_asgi


def ours(url: str, answer_bytes: str) -> Any:
    store = Store.open(url)
    settings = ApiSettings(database_url=url, rate_address="off", rate_key="off", answer_bytes=int(answer_bytes))
    return create_app(store, settings)


def bare(folder: str) -> Any:
    bodies = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    app = FastAPI()

    @app.get("/{name}")
    async def body(name: str) -> Response:
        found = bodies[name]
        return Response(found, media_type="application/json") if found else Response(status_code=304)

    return app


async def serve(app: Any) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    # as the service does: asyncio sends at once only on a socket that says its protocol
    listener = bind("127.0.0.1", 0, "benchmark")
    print(listener.getsockname()[1], flush=True)
    await serve_asgi(app, listener, stopping)


if __name__ == "__main__":
    kind, *given = sys.argv[1:]
    asyncio.run(serve(ours(*given) if kind == "ours" else bare(*given)))
