"""Entries to pages: the stage that downloads."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from copydesk_fetcher.http import PAGE_ACCEPT, Client, is_page
from copydesk_fetcher.pages import page_from_feed, page_of
from copydesk_fetcher.responses import Fetched, Held, Refused, TooLarge, TooSlow, Unreachable, Unsupported
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.uplink import Uplink
from copydesk_shared.errors import DeadLetterReason, DropReason, Poison, Retryable, RetryClass
from copydesk_shared.messages import Entry, Page
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.topics import DISCOVERED, FETCHED

FETCHER_VERSION = "1"
OK = 200
SERVER_ERRORS = 500

DROPPED_STATUS: Mapping[int, DropReason] = {
    204: DropReason.NO_ARTICLE,
    205: DropReason.NO_ARTICLE,
    401: DropReason.REFUSED,
    402: DropReason.REFUSED,
    403: DropReason.REFUSED,
    404: DropReason.NOT_FOUND,
    405: DropReason.REFUSED,
    406: DropReason.UNSUPPORTED_CONTENT,
    410: DropReason.NOT_FOUND,
    415: DropReason.UNSUPPORTED_CONTENT,
    451: DropReason.REFUSED,
}
RETRIED_STATUS: Mapping[int, RetryClass] = {
    408: RetryClass.TIMED_OUT,
    425: RetryClass.SERVER_ERROR,
    429: RetryClass.THROTTLED,
    503: RetryClass.THROTTLED,
}


class Downloader:
    """Turns an entry into a page. The runner tries again what is :class:`Retryable`; the host is asked no sooner than
    it wishes, because a 429 or 503 holds the whole host.
    """

    def __init__(self, client: Client, settings: FetcherSettings) -> None:
        self._client = client
        self._page_bytes = settings.page_bytes
        self._uplink = Uplink()

    async def handle(self, entry: Entry) -> Emit[Page] | Drop:
        """The page of an entry. Raises :class:`Retryable`, :class:`Poison` and :class:`DependencyDown`.

        A page that is too large is :class:`Poison`, not dropped: its dead letter can be replayed once the limit is
        raised, and nothing of the right content type should go missing unseen.
        """
        now = datetime.now(UTC)
        if entry.content is not None:
            return Emit(page_from_feed(entry, now))
        try:
            fetched = await self._client.get(
                entry.url, max_bytes=self._page_bytes, headers={"accept": PAGE_ACCEPT}, accepts=is_page
            )
        except Refused as error:
            return Drop(DropReason.REFUSED, f"{entry.url}: {error}")
        except Unsupported as error:
            return Drop(DropReason.UNSUPPORTED_CONTENT, f"{entry.url}: {error}")
        except TooLarge as error:
            raise Poison(f"{entry.url}: {error}", DeadLetterReason.TOO_LARGE) from None
        except Held as error:
            raise Retryable(f"{entry.url}: {error}", RetryClass.THROTTLED, error.seconds) from None
        except Unreachable as error:
            self._uplink.failed(entry.url)
            kind = RetryClass.TIMED_OUT if isinstance(error, TooSlow) else RetryClass.UNREACHABLE
            raise Retryable(f"{entry.url}: {error}", kind) from None
        self._uplink.answered()
        return self._judged(entry, fetched, now)

    def _judged(self, entry: Entry, fetched: Fetched, now: datetime) -> Emit[Page] | Drop:
        if fetched.status == OK:
            return Emit(page_of(fetched, now, entry))
        said = f"{fetched.url}: the server answered {fetched.status}"
        if fetched.status in RETRIED_STATUS or fetched.status >= SERVER_ERRORS:
            kind = RETRIED_STATUS.get(fetched.status, RetryClass.SERVER_ERROR)
            raise Retryable(said, kind, fetched.retry_after(now))
        return Drop(DROPPED_STATUS.get(fetched.status, DropReason.REFUSED), said)


def download_stage(downloader: Downloader) -> Stage[Entry, Page]:
    """The stage of the fetcher. Pages of a host come as they are ready; readers order by revision."""
    return Stage(
        "fetcher", version=FETCHER_VERSION, source=DISCOVERED, sink=FETCHED, handle=downloader.handle, ordered=False
    )


async def download(service: Service) -> None:
    """Download what is discovered, until the service stops."""
    settings = service.settings
    if not isinstance(settings, FetcherSettings):
        raise TypeError("the fetcher needs its own settings")
    async with Client(settings) as client:
        stage = download_stage(Downloader(client, settings))
        closing = asyncio.create_task(_close_when_stopping(service, client))
        await run_stage(stage, service, max_in_flight=settings.max_in_flight)
        closing.cancel()


async def _close_when_stopping(service: Service, client: Client) -> None:
    """Entries that only wait for their host's turn are left for the next session at once."""
    await service.stopping.wait()
    client.hosts.close()
