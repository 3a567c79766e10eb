"""Secrets and signatures of what is pushed.

Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. WebSub:
https://www.w3.org/TR/websub/#signing-content.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as the receiver gets to see it, once."""
    return f"{PREFIX}{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def webhook_headers(event_id: str, at: datetime, payload: bytes, keys: Iterable[str]) -> Mapping[str, str]:
    """The headers of a webhook, signed with each of the secrets; ``at`` is the time of the attempt."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((event_id.encode(), timestamp.encode(), payload))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_mac(key, signed)}" for key in keys),
    }


def _mac(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return b64encode(hmac.digest(key, signed, "sha256")).decode()


def hub_signature(body: bytes, secret: str) -> str:
    """The value of ``X-Hub-Signature``."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
