"""A service process: settings in, loops run, signals obeyed, health served."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn

from copydesk_shared.asgi import bind, serve_asgi
from copydesk_shared.errors import SettingsError, UserError
from copydesk_shared.health import Health
from copydesk_shared.settings import ServiceSettings
from copydesk_shared.telemetry import configure_logging, get_logger
from copydesk_shared.tracing import HandOn, Tracer, use_tracer

EXIT_HELPED = 0
EXIT_USER_ERROR = 2
CLOSE_SECONDS = 4.0
EXIT_INTERRUPTED = 130
# More than a stage has in flight at any time.
YOUNG_OBJECTS = 20_000


class Service:
    """What a loop needs to know of the process it runs in."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.stopping = asyncio.Event()
        self.health = Health(settings.stall_seconds)
        self.checked_topics: set[str] = set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the service is told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


Loop = Callable[[Service], Awaitable[None]]


def _stop_when_parent_closes_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """A parent that holds our standard input open takes us with it, even when it is killed."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed: we have stopped already
            loop.call_soon_threadsafe(stopping.set)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _install_signals(service: Service) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if service.stopping.is_set():
            os._exit(128 + number)
        service.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    if service.settings.exit_with_parent:
        _stop_when_parent_closes_stdin(loop, service.stopping)


async def _drained(tasks: Sequence[asyncio.Task[None]], service: Service) -> None:
    """Wait for the loops; once told to stop they have the drain time and a little to close, then they are cancelled."""
    stopping = asyncio.create_task(service.stopping.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    service.stopping.set()
    await stopping
    _, late = await asyncio.wait(tasks, timeout=service.settings.drain_seconds + CLOSE_SECONDS)
    for task in late:
        get_logger().warning("did not finish in time", loop=task.get_name(), seconds=service.settings.drain_seconds)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


async def _run(name: str, settings: ServiceSettings, loops: Sequence[Loop]) -> None:
    service = Service(name, settings)
    _install_signals(service)
    listener = bind(settings.health_host, settings.health_port, f"{name} health")
    health_stop = asyncio.Event()
    health = asyncio.create_task(serve_asgi(service.health.app, listener, health_stop, grace_seconds=1))
    try:
        tasks = [asyncio.create_task(_as_coroutine(loop, service), name=loop.__name__) for loop in loops]
        get_logger().info("started", health=f"http://{settings.health_host}:{listener.getsockname()[1]}")
        await _drained(tasks, service)
    finally:
        health_stop.set()
        await health
    get_logger().info("stopped")


async def _as_coroutine(loop: Loop, service: Service) -> None:
    await loop(service)


def spare_collector() -> None:
    """Keep Python from looking for garbage where there is none: in what was loaded at the start, and in what is in
    flight, record by record. With what Python does by default that takes a tenth of the time of a quick stage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def run_service(name: str, settings: ServiceSettings, loops: Sequence[Loop]) -> int:
    """Run the loops until SIGTERM or SIGINT (a second one ends the process at once) or until one of them ends.

    Returns the exit code 0. Raises :class:`UserError` for settings that turn out to be unusable; any other exception of
    a loop ends the process, so that whoever supervises it starts it again.
    """
    configure_logging(name, settings.log_level, settings.log_format)
    tracer = _tracer(name, settings)
    use_tracer(tracer)
    spare_collector()
    try:
        asyncio.run(_run(name, settings, loops))
    finally:
        tracer.close()
    return 0


def _tracer(name: str, settings: ServiceSettings) -> Tracer:
    if settings.traces == "off":
        return HandOn()
    try:
        from copydesk_shared.otel import OtelTracer
    except ImportError:
        raise SettingsError("traces=otlp needs OpenTelemetry: install copydesk-shared[otel]") from None
    return OtelTracer(name)


def _was_help_asked(argv: Sequence[str]) -> bool:
    """Whether help was asked for, which is given. Raises :class:`UserError` for any other argument."""
    module = Path(argv[0]).parent.name
    usage = f"usage: python -m {module} (no options: docs/settings.md tells its settings, by environment)"
    if not argv[1:]:
        return False
    if not set(argv[1:]) <= {"-h", "--help"}:
        raise UserError(f"unknown argument {argv[1]!r}; {usage}")
    sys.stdout.write(f"{usage}\n")
    return True


def run_main(main: Callable[[], int], *, takes_arguments: bool = False) -> NoReturn:
    """End the process with the program's exit code; a :class:`UserError` is one line and exit code 2.

    Services take no arguments: asked for help, they say where their settings are told.
    """
    try:
        code = EXIT_HELPED if not takes_arguments and _was_help_asked(sys.argv) else main()
    except UserError as error:
        sys.stderr.write(f"copydesk: error: {error}\n")
        code = EXIT_USER_ERROR
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(code)
