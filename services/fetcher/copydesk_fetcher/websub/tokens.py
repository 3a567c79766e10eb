"""Callback addresses and secrets that any replica can check without having stored them.

Both are derived by HMAC-SHA-256 (RFC 2104) from one secret that the replicas share. An address says for which feed and
topic it was made and where the feed is placed, so that a push finds its owner.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import SettingsError
from copydesk_shared.identity import registrable_domain, short_digest
from copydesk_shared.messages import Feed
from copydesk_shared.urls import plain_url

PATH = "websub"
LEAST_SECRET = 16
DIGEST_LENGTH = 20
MAC_BYTES = 15
URL_SETTING = "COPYDESK_FETCHER_WEBSUB_URL"
SECRET_SETTING = "COPYDESK_FETCHER_WEBSUB_SECRET"  # noqa: S105 - a name


def is_enabled(settings: FetcherSettings) -> bool:
    """Whether hubs are subscribed to at all."""
    return bool(settings.websub_url)


def check_settings(settings: FetcherSettings) -> None:
    """Raises :class:`SettingsError` with one line when WebSub is switched on and cannot work so."""
    if not is_enabled(settings):
        return
    url = settings.websub_url
    try:
        plain_url(url)
        parts = urlsplit(url)
    except ValueError as error:
        raise SettingsError(f"{URL_SETTING}={url[:200]!r}: {error}") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(f"{URL_SETTING}={url[:200]!r}: it may have a path, but no user name, query or fragment")
    secret = settings.websub_secret
    if secret is None or len(secret.get_secret_value()) < LEAST_SECRET:
        found = "is missing" if secret is None else "is too short"
        raise SettingsError(f"{SECRET_SETTING} {found}: {URL_SETTING} needs one of at least {LEAST_SECRET} characters")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a callback address tells when it is one of ours. ``secret`` signs what is pushed to it."""

    feed_id: str
    place: str
    topic_digest: str
    secret: str

    def is_for(self, topic: str) -> bool:
        """Whether the address was made for this topic."""
        return hmac.compare_digest(_topic_digest(topic), self.topic_digest)


class Tokens:
    """Makes and checks what is in callback addresses."""

    def __init__(self, master: str) -> None:
        self._master = master.encode()

    @classmethod
    def of(cls, settings: FetcherSettings) -> Self:
        """Those of these settings. Raises :class:`SettingsError` when they cannot be used."""
        check_settings(settings)
        return cls(settings.websub_secret.get_secret_value() if settings.websub_secret else "")

    def token(self, feed: Feed, topic: str) -> str:
        """The last segment of the callback's path: a digest of the topic, a signature, and the place of the feed."""
        place, digest = registrable_domain(feed.url), _topic_digest(topic)
        return f"{digest}{self._signature(feed.feed_id, place, digest)}.{place}"

    def check(self, feed_id: str, token: str) -> Ticket | None:
        """What the token tells; ``None`` when we never made it for that feed."""
        signed, _, place = token.partition(".")
        digest, signature = signed[:DIGEST_LENGTH], signed[DIGEST_LENGTH:]
        if not _equal(self._signature(feed_id, place, digest), signature):
            return None
        return Ticket(feed_id, place, digest, self._secret(feed_id, place, digest))

    def secret(self, feed: Feed, topic: str) -> str:
        """The ``hub.secret`` of a subscription: 64 characters (less than 200 bytes are allowed)."""
        return self._secret(feed.feed_id, registrable_domain(feed.url), _topic_digest(topic))

    def _signature(self, *what: str) -> str:
        return urlsafe_b64encode(self._mac("callback", what).digest()[:MAC_BYTES]).decode("ascii")

    def _secret(self, *what: str) -> str:
        return self._mac("secret", what).hexdigest()

    def _mac(self, purpose: str, what: tuple[str, ...]) -> hmac.HMAC:
        return hmac.new(self._master, json.dumps([purpose, *what]).encode(), hashlib.sha256)


def callback_url(base: str, feed_id: str, token: str) -> str:
    """Where a hub is to push to."""
    return f"{base.rstrip('/')}/{PATH}/{quote(feed_id, safe='')}/{quote(token, safe='')}"


def _topic_digest(topic: str) -> str:
    return short_digest(topic)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
