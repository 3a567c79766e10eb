"""Stages that do next to nothing, in one process: ``python -m tests.faults.broker_chain [OPTIONS] PART...``.

The parts are ``cleaner`` and ``classifier``, which handle on the event loop, ``cleaner-workers``, which handles in a
worker process, and ``index``, the API's sink into SQLite.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from copydesk_cleaner.settings import CleanerSettings
from copydesk_shared import runner
from copydesk_shared.kafka import clients
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Loop, Service, run_main, run_service
from copydesk_shared.settings import load_settings
from copydesk_shared.sink import run_sink
from copydesk_shared.stage import Stage
from copydesk_shared.topics import CLASSIFIED, CLEANED, FETCHED
from tests.faults.broker_handlers import VERSION, classify, handle, handle_on_loop


def _loops(options: argparse.Namespace) -> Sequence[Loop]:
    cleaner = partial(Stage, "cleaner", VERSION, FETCHED, CLEANED)
    stages: dict[str, Stage[Any, Any]] = {
        "cleaner": cleaner(handle_on_loop(options.marks)),
        "cleaner-workers": cleaner(partial(handle, options.marks)),
        "classifier": Stage("classifier", VERSION, CLEANED, CLASSIFIED, classify),
    }
    return [_index(options.database) if part == "index" else _stage(stages[part]) for part in options.parts]


def _stage(stage: Stage[Any, Any]) -> Loop:
    async def run(service: Service) -> None:
        await run_stage(stage, service)

    return run


def _index(database: Path) -> Loop:
    from copydesk_api.index import IndexSink
    from copydesk_api.store import Store

    store = Store.open(f"sqlite:///{database}")

    async def run(service: Service) -> None:
        await run_sink(IndexSink(store), service)

    return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="+", choices=("cleaner", "cleaner-workers", "classifier", "index"))
    parser.add_argument("--database", type=Path)
    parser.add_argument("--marks", type=Path)
    parser.add_argument("--session-ms", type=int, default=clients.SESSION_MS)
    parser.add_argument("--max-poll-ms", type=int, default=clients.MAX_POLL_MS)
    parser.add_argument("--metadata-ms", type=int, default=clients.METADATA_MS)
    parser.add_argument("--store-seconds", type=float, default=runner.STORE_SECONDS)
    return parser.parse_args()


def main() -> int:
    options = _options()
    clients.SESSION_MS, clients.MAX_POLL_MS = options.session_ms, options.max_poll_ms
    clients.METADATA_MS, runner.STORE_SECONDS = options.metadata_ms, options.store_seconds
    return run_service("chain", load_settings(CleanerSettings), _loops(options))


if __name__ == "__main__":
    run_main(main, takes_arguments=True)
