"""What a request came to: an answer, or one of the reasons for having none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from copydesk_shared.errors import CopydeskError
from copydesk_shared.retry_after import retry_after


class FetchReason(StrEnum):
    """Why there is no answer; also the label of :data:`~copydesk_fetcher.http.REQUESTS`."""

    URL = "url"
    ADDRESS = "refused-address"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    SLOW = "slow"
    HELD = "held"
    PROTOCOL = "protocol"
    HEADERS = "headers"
    FLOOD = "flood"
    BROKEN_OFF = "broken-off"
    REDIRECTS = "redirects"
    REDIRECT_LOOP = "redirect-loop"
    ELSEWHERE = "elsewhere"
    CONTENT_TYPE = "content-type"
    ENCODING = "encoding"
    TOO_LARGE = "too-large"
    BOMB = "bomb"


class FetchError(CopydeskError):
    """There is no answer. ``str(error)`` says why, in one line; ``reason`` is the kind of it."""

    reason = FetchReason.PROTOCOL

    def __init__(self, message: str, reason: FetchReason | None = None) -> None:
        super().__init__(message)
        self.reason = reason or self.reason


class Unreachable(FetchError):
    """Time-out, no connection, an answer that broke off: another time it may work."""

    reason = FetchReason.CONNECT


class TooSlow(Unreachable):
    """No complete answer in time: ``TIMEOUT`` is a silence, ``SLOW`` an answer that takes too long as a whole."""

    reason = FetchReason.TIMEOUT


class Held(Unreachable):
    """The domain asked to be left alone for ``seconds``, longer than anybody should wait for it."""

    reason = FetchReason.HELD

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the site asked to be left alone for another {seconds:.0f} s")
        self.seconds = seconds


class Refused(FetchError):
    """We do not ask: the URL, the address or the redirects are not for us to follow."""

    reason = FetchReason.URL


class Elsewhere(FetchError):
    """A redirect leads to ``url``, at another registrable domain than the one that was to be asked."""

    reason = FetchReason.ELSEWHERE

    def __init__(self, url: str) -> None:
        super().__init__(f"a redirect leads to another domain: {url[:200]}")
        self.url = url


class Unsupported(FetchError):
    """The answer is of a kind that nobody here can read."""

    reason = FetchReason.CONTENT_TYPE


class TooLarge(FetchError):
    """The answer is larger than the limit; a ``BOMB`` where it came as a small part of that."""

    reason = FetchReason.TOO_LARGE


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. ``url`` is where it came from in the end; header names are in lower case.

    ``body`` is decompressed; it is empty unless the status is 200. ``moved_to`` is ``url`` when redirects led there
    that were all permanent (301, 308).
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    moved_to: str | None = None

    @property
    def media_type(self) -> str:
        """The type without its parameters, in lower case; empty where the server did not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def retry_after(self, now: datetime) -> float | None:
        """Seconds to wait, as the server asks (RFC 9110 section 10.2.3), a day at most."""
        return retry_after(self.headers.get("retry-after", ""), now)
