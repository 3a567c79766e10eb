"""API keys: how they look, what they may do, and what is kept of them. Pure.

A key is a name for whoever calls, with a scope. What is sent is one of its secrets, ``copydesk_<prefix>_<256 random
bits>``: the prefix is kept to know it by, of the whole only SHA-256. A slow digest would add nothing, since nobody can
guess the bits.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

LONGEST_NAME = 100
ID_BYTES = 4
PREFIX_BYTES = 6
SECRET_BYTES = 32
TOKEN = re.compile(rf"copydesk_([0-9a-f]{{{2 * PREFIX_BYTES}}})_[0-9a-f]{{{2 * SECRET_BYTES}}}")
# No control character, and something that is seen.
NAME = re.compile(r"[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*")


class Scope(StrEnum):
    """What a key is for; each may do what those before it may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: "Scope") -> bool:
        """Whether a key of this scope may do what needs the other."""
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True)
class Caller:
    """Who calls: a key, and the prefix of the secret that was sent.

    ``by_cookie`` when a browser sends it by itself, also where another site has made it.
    """

    key_id: str
    name: str
    scope: Scope
    prefix: str
    by_cookie: bool = False


@dataclass(frozen=True)
class Secret:
    """What is known of a secret; one without end is good for as long as its key is."""

    prefix: str
    created_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class Key:
    """What is known of a key; the newest secret comes first."""

    key_id: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    secrets: tuple[Secret, ...]


@dataclass(frozen=True)
class Made:
    """A key whose secret was made just now; ``token`` is shown once and kept nowhere."""

    key: Key
    token: str


def new_id() -> str:
    """An id for a key."""
    return secrets.token_hex(ID_BYTES)


def new_token() -> str:
    """A secret that nobody else has."""
    return f"copydesk_{secrets.token_hex(PREFIX_BYTES)}_{secrets.token_hex(SECRET_BYTES)}"


def prefix_of(token: str) -> str | None:
    """What the secret is known by; ``None`` for what is no secret of a key."""
    match = TOKEN.fullmatch(token)
    return match[1] if match else None


def digest(token: str) -> str:
    """What is kept of it."""
    return sha256(token.encode()).hexdigest()


def is_same(token: str, kept: str) -> bool:
    """Whether this is the secret of which that is kept, in the same time for every answer."""
    return compare_digest(digest(token), kept)


def key_name(value: str) -> str:
    """The name of a key. Raises ``ValueError``."""
    if len(value) > LONGEST_NAME or not NAME.fullmatch(value):
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters, and no control characters")
    return " ".join(value.split())
