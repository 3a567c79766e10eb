"""``copydesk up`` and ``copydesk demo``."""

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError

from copydesk_fetcher.feeds_file import load_feeds, parse_feeds
from copydesk_shared.errors import SettingsError
from copydesk_shared.messages import Feed
from copydesk_shared.telemetry import configure_logging
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
    "user_agent": "copydesk-demo (+http://localhost/; a person trying Copydesk on this machine)",
}


def _check_ports(settings: StandaloneSettings) -> None:
    if settings.bootstrap_servers is None and settings.api_port == settings.kafka_port:
        raise SettingsError(f"--api-port and --kafka-port are both {settings.api_port}")
    check_port(settings.api_port, "REST feed (--api-port)")
    if settings.bootstrap_servers is None:
        check_port(settings.kafka_port, "embedded broker (--kafka-port)")


def _run(
    settings: StandaloneSettings,
    feeds: Sequence[Feed] | None,
    fetcher: dict[str, str] | None = None,
    extra: tuple[Child, ...] = (),
) -> int:
    configure_logging("copydesk", "warning", "console")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong with Kafka is told in one line of ours
    with locked(settings.data_dir) as lock:
        _check_ports(settings)
        plan = make_plan(settings, lock, fetcher=fetcher, extra=extra)
        return asyncio.run(Run(settings, plan, feeds).run())


class Edition(BaseModel):
    """Where and since when the sample publisher publishes; kept with the data, as the articles' addresses hold it."""

    port: int
    started: AwareDatetime


def _edition(data_dir: Path) -> Edition:
    file = data_dir / "publisher.json"
    try:
        return Edition.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        edition = Edition(port=free_port(), started=datetime.now(UTC))
    except ValidationError:
        raise SettingsError(f"{file} is not what the demo wrote; remove it to start afresh") from None
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file.write_text(edition.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from None
    return edition


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
        edition = _edition(settings.data_dir)
        publisher = Child(
            "publisher",
            ("copydesk_standalone.demo", "--port", str(edition.port), "--started", edition.started.isoformat(),
             "--every-seconds", f"{every_seconds:g}", "--exit-with-parent"),
            port=edition.port,
        )  # fmt: skip
        feeds = parse_feeds(feeds_yaml(edition.port), f"the demo's feeds on {LOOPBACK}")
        return _run(settings, feeds, DEMO_FETCHER, (publisher,))
