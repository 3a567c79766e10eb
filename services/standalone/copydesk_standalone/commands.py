"""``copydesk up`` and ``copydesk demo``."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from copydesk_fetcher.feeds_file import load_feeds, parse_feeds
from copydesk_shared.messages import Feed
from copydesk_standalone.children import Child
from copydesk_standalone.data_dir import locked
from copydesk_standalone.demo.publisher import feeds_yaml
from copydesk_standalone.plan import make_plan
from copydesk_standalone.probes import LOOPBACK, check_port, free_port
from copydesk_standalone.settings import StandaloneSettings
from copydesk_standalone.supervisor import Run

DEMO_FETCHER = {
    "allow_networks": "127.0.0.0/8",
    "per_host_delay_seconds": "0",
    "user_agent": "copydesk-demo (a person trying Copydesk on this machine)",
}


def _check_ports(settings: StandaloneSettings) -> None:
    check_port(settings.api_port, "REST feed (--api-port)")
    if settings.bootstrap_servers is None:
        check_port(settings.kafka_port, "embedded broker (--kafka-port)")


def _run(
    settings: StandaloneSettings,
    feeds: Sequence[Feed] | None,
    fetcher: dict[str, str] | None = None,
    extra: tuple[Child, ...] = (),
) -> int:
    with locked(settings.data_dir) as lock:
        _check_ports(settings)
        plan = make_plan(settings, lock, fetcher=fetcher, extra=extra)
        return asyncio.run(Run(settings, plan, feeds).run())


def run_up(settings: StandaloneSettings) -> int:
    """Run everything until told to stop. Raises :class:`UserError`."""
    feeds = load_feeds(settings.feeds) if settings.feeds is not None else None
    return _run(settings, feeds)


def run_demo(settings: StandaloneSettings, *, keep_data: bool, every_seconds: float) -> int:
    """Run everything with the sample publisher, in a folder of its own that is gone afterwards unless one was named."""
    with ExitStack() as stack:
        if not keep_data:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-demo-"))
            settings = settings.model_copy(update={"data_dir": Path(folder)})
        port = free_port()
        publisher = Child(
            "publisher",
            ("copydesk_standalone.demo", "--port", str(port), "--every-seconds", f"{every_seconds:g}",
             "--exit-with-parent"),
        )  # fmt: skip
        feeds = parse_feeds(feeds_yaml(port), f"the demo's feeds on {LOOPBACK}")
        return _run(settings, feeds, DEMO_FETCHER, (publisher,))
