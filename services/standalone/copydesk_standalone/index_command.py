"""``copydesk index``: looking after the database of the API."""

from pathlib import Path

from copydesk_api.database import database_url
from copydesk_api.rebuild_command import rebuild_index
from copydesk_api.settings import ApiSettings
from copydesk_shared.errors import SettingsError
from copydesk_shared.settings import load_settings
from copydesk_standalone.settings import StandaloneSettings


def rebuild(settings: StandaloneSettings, *, afresh: bool) -> int:
    """Make the index of a standalone run anew. Returns the exit code; raises :class:`UserError`."""
    url = settings.store_url
    path = database_url(url).database or ""
    if url.startswith("sqlite") and not Path(path).exists():
        raise SettingsError(f"there is no index at {path}: it is made by copydesk up")
    return rebuild_index(url, load_settings(ApiSettings).keep, settings.brokers, afresh=afresh)
