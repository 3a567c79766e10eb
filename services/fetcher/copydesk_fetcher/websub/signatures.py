"""``X-Hub-Signature`` (WebSub section 7): an HMAC of what is pushed, by an algorithm that the hub chooses.

The Recommendation knows sha1, sha256, sha384 and sha512. SHA-1 is taken too: most hubs sign with it, and what breaks
SHA-1 (collisions) does not break an HMAC made with it.
"""

import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

# The better ones first.
ALGORITHMS: Mapping[str, Any] = {
    "sha512": hashlib.sha512, "sha384": hashlib.sha384, "sha256": hashlib.sha256, "sha1": hashlib.sha1,
}  # fmt: skip
SIGNATURES_READ = 8


class Signature:
    """Checks one body, chunk by chunk, against the best of the signatures that came with it."""

    def __init__(self, headers: Iterable[str], secret: str) -> None:
        given = _parsed(headers)
        name = next((name for name in ALGORITHMS if name in given), None)
        self._expected = given[name] if name else b""
        self._mac = hmac.new(secret.encode(), digestmod=ALGORITHMS[name]) if name else None

    @property
    def can_match(self) -> bool:
        """Whether there is a signature by an algorithm that we know."""
        return self._mac is not None

    def update(self, chunk: bytes) -> None:
        """Take the next part of the body."""
        if self._mac is not None:
            self._mac.update(chunk)

    def matches(self) -> bool:
        """Whether the signature is that of all that came."""
        return self._mac is not None and hmac.compare_digest(self._mac.digest(), self._expected)


def _parsed(headers: Iterable[str]) -> dict[str, bytes]:
    given: dict[str, bytes] = {}
    for part in ",".join(headers).split(",")[:SIGNATURES_READ]:
        name, _, digest = part.strip().partition("=")
        if name.lower() in ALGORITHMS:
            given.setdefault(name.lower(), _bytes(digest.strip()))
    return given


def _bytes(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""
