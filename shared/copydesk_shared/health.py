"""``/livez``, ``/readyz`` and ``/metrics`` of a service.

Live means that every loop moved within the last ``stall_seconds``: a process that is up and idle while records wait is
not live. Ready means that every part that reports readiness is ready. ``/readyz/<part>`` asks one of them alone:
the API is sent readers while its index waits for the brokers.
"""

import json
import time
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from copydesk_shared.telemetry import READY

JSON = b"application/json"


class Health:
    """What the parts of a service report of themselves."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._progress: dict[str, float] = {}
        self._ready: dict[str, bool] = {}
        self._why_not: dict[str, str] = {}

    def progressed(self, name: str) -> None:
        """The loop of that name moved."""
        self._progress[name] = time.monotonic()

    def is_ready(self, name: str) -> bool:
        """Whether that part said last that it is ready."""
        return self._ready.get(name, False)

    def ready(self, name: str, value: bool, why: str = "") -> None:
        """The part of that name can, or cannot, do its work now, and why not."""
        self._ready[name] = value
        self._why_not[name] = "" if value else why
        READY.labels(name).set(value)

    def finished(self, name: str) -> None:
        """The loop of that name has ended on purpose and is not expected to move."""
        self._progress.pop(name, None)

    def live_report(self) -> tuple[bool, dict[str, float]]:
        """Whether all loops move, and the seconds since each did."""
        ages = {name: round(time.monotonic() - at, 3) for name, at in self._progress.items()}
        return all(age < self._stall_seconds for age in ages.values()), ages

    def ready_report(self) -> tuple[bool, dict[str, bool]]:
        """Whether all parts are ready, and each of them."""
        return bool(self._ready) and all(self._ready.values()), dict(self._ready)

    def why_not(self) -> dict[str, str]:
        """What each part that is not ready says of itself."""
        return {name: why for name, why in self._why_not.items() if why}

    async def app(self, scope: dict[str, Any], _receive: Any, send: Any) -> None:
        """The ASGI app with the three addresses."""
        if scope["type"] != "http":
            return
        status, content_type, body = self._respond(scope["path"])
        headers = [(b"content-type", content_type), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _respond(self, path: str) -> tuple[int, bytes, bytes]:
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST.encode(), generate_latest()
        if path == "/livez":
            live, ages = self.live_report()
            return (200 if live else 503), JSON, _json({"live": live, "seconds_since_progress": ages})
        if path == "/readyz":
            ready, parts = self.ready_report()
            return (
                (200 if ready else 503),
                JSON,
                _json({"ready": ready, "parts": parts} | ({} if ready else {"why_not": self.why_not()})),
            )
        if path.startswith("/readyz/") and (part := path.removeprefix("/readyz/")) in self._ready:
            why = self._why_not[part]
            return (200 if self._ready[part] else 503), JSON, _json({"ready": self._ready[part], "why_not": why})
        return 404, JSON, _json({"error": "not found", "paths": ["/livez", "/readyz", "/readyz/<part>", "/metrics"]})


def _json(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
