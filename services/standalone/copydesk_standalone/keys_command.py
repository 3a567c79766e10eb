"""``copydesk keys``: the API keys of a standalone run."""

import sys
from collections.abc import Sequence
from pathlib import Path

from copydesk_api.database import database_url
from copydesk_api.keys_command import keys_command
from copydesk_api.store import Store
from copydesk_standalone.settings import StandaloneSettings


def keys_of(settings: StandaloneSettings, arguments: Sequence[str]) -> int:
    """Do what the arguments say. Returns the exit code; raises :class:`UserError`."""
    return keys_command(arguments, lambda: _opened(settings), "copydesk keys")


def _opened(settings: StandaloneSettings) -> Store:
    url = settings.store_url
    is_ours = database_url(url).get_backend_name() == "sqlite"
    if is_ours:
        settings.data_dir.expanduser().mkdir(parents=True, exist_ok=True)
        _tell_of_a_new(url)
    return Store.open(url, migrate=is_ours)


def _tell_of_a_new(url: str) -> None:
    """A key in a database that nobody serves lets nobody in."""
    path = database_url(url).database or ""
    if not Path(path).exists():
        hint = "copydesk up with the same --data-dir serves it; the demo has its own folder unless one is named"
        sys.stderr.write(f"copydesk: {path} was not there and is made now: {hint}\n")
