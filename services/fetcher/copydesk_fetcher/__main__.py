"""The fetcher as a process: ``python -m copydesk_fetcher``.

Worker processes import this module again, so what only the service needs is imported where it is used.
"""


def main() -> int:
    """Poll and download until told to stop; returns the exit code. Raises :class:`UserError` for unusable settings."""
    from copydesk_fetcher.contact import check_contact
    from copydesk_fetcher.feeds_file import load_feeds
    from copydesk_fetcher.service import fetch
    from copydesk_fetcher.settings import FetcherSettings
    from copydesk_fetcher.websub.tokens import check_settings
    from copydesk_shared.service import run_service
    from copydesk_shared.settings import load_settings

    settings = load_settings(FetcherSettings)
    check_contact(settings)
    check_settings(settings)
    if settings.feeds_file is not None:
        load_feeds(settings.feeds_file)
    return run_service("fetcher", settings, [fetch])


if __name__ == "__main__":
    from copydesk_shared.service import run_main

    run_main(main)
