"""The endpoint that hubs talk to: it confirms subscriptions and takes what is pushed.

Anybody on the internet may knock here. Only an address that we made ourselves is looked at any further, and a body
counts only with the right signature. It is answered with 2xx once it is stored, so that a hub tries again otherwise.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from prometheus_client import Counter

from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.websub.limits import Allowances, Full, LastBodies, Place, Room
from copydesk_fetcher.websub.links import hub_from_headers
from copydesk_fetcher.websub.signatures import Signature
from copydesk_fetcher.websub.tokens import PATH, Ticket, Tokens
from copydesk_shared.errors import CopydeskError, Poison
from copydesk_shared.messages import Push
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import MAX_MESSAGE_BYTES

Send = Callable[[Push], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]

# A body travels as base64 in a message, beside its other fields.
LARGEST_BODY = (MAX_MESSAGE_BYTES - 64 * 1024) // 4 * 3
BODIES_IN_MEMORY = 6
STORE_SECONDS = 10.0
QUERY_FIELDS = 20
CHALLENGE_LIMIT = 2048
REASON_LIMIT = 300
CONTENT_TYPE_LIMIT = 200
LONGEST_LEASE_SECONDS = 30 * 86_400
RETRY_SECONDS = 30

OUTCOMES = Counter("copydesk_websub_total", "Requests of hubs, by what came of them.", ["outcome"])


@dataclass(frozen=True, slots=True)
class Reply:
    """What a hub is answered; ``outcome`` is the metric's label."""

    outcome: str
    status: int
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()


NOT_FOUND = Reply("unknown-address", 404, "nothing here")
WRONG_METHOD = Reply("bad-request", 405, "GET or POST", (("allow", "GET, POST"),))
ENCODED = Reply("encoded", 415, "no content-encoding is taken", (("accept-encoding", "identity"),))
TOO_LARGE = Reply("too-large", 413, "too large")
TOO_SLOW = Reply("too-slow", 408, "too slow")
BUSY = Reply("busy", 503, "busy", (("retry-after", str(RETRY_SECONDS)),))
NOT_STORED = Reply("not-stored", 503, "it could not be stored", (("retry-after", str(RETRY_SECONDS)),))
# Who guesses signatures learns nothing from the answer (WebSub section 7.2).
UNSIGNED = Reply("unsigned", 202)
BAD_SIGNATURE = Reply("bad-signature", 202)
REPEATED = Reply("repeated", 202)
STORED = Reply("content", 202)


class _Ends(Exception):
    """The request ends here, with this reply; ``None`` when nobody is there to read it."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__()
        self.reply = reply


def _bad(text: str) -> _Ends:
    return _Ends(Reply("bad-request", 400, text))


class WebSubServer:
    """The ASGI app. ``send`` stores a push, and raises :class:`CopydeskError` when it cannot.

    Raises :class:`SettingsError` for settings that cannot be used.
    """

    def __init__(self, settings: FetcherSettings, send: Send) -> None:
        self._tokens = Tokens.of(settings)
        self._send = send
        self._lease_seconds = settings.websub_lease_seconds
        self._seconds = settings.total_seconds
        self._most_bytes = min(settings.feed_bytes, LARGEST_BODY)
        self._room = Room(self._most_bytes * BODIES_IN_MEMORY)
        self._allowances = Allowances(self._most_bytes * 2)
        self._last = LastBodies()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Callable[..., Awaitable[None]]) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            return
        try:
            reply: Reply | None = await self._reply(scope, receive)
        except _Ends as end:
            reply = end.reply
        OUTCOMES.labels(reply.outcome if reply else "broken-off").inc()
        if reply is not None:
            await _respond(send, reply)

    async def _reply(self, scope: Mapping[str, Any], receive: Receive) -> Reply:
        ticket = self._ticket(scope["path"])
        if scope["method"] == "GET":
            return await self._confirm(ticket, _fields(scope["query_string"]))
        if scope["method"] == "POST":
            return await self._take(ticket, _Headers(scope["headers"]), receive)
        return WRONG_METHOD

    def _ticket(self, path: str) -> Ticket:
        """What comes before our part of the path is the business of whatever stands in front of us."""
        *_, name, feed_id, token = ["", "", *path.split("/")][-3:] if path.count("/") > 1 else ["", "", ""]
        ticket = self._tokens.check(feed_id, token) if name == PATH else None
        if ticket is None:
            raise _Ends(NOT_FOUND)
        return ticket

    async def _confirm(self, ticket: Ticket, fields: Mapping[str, str]) -> Reply:
        """WebSub sections 5.2 and 5.3."""
        mode, topic = fields.get("hub.mode", ""), fields.get("hub.topic", "")
        if not ticket.is_for(topic):
            raise _Ends(Reply("unknown-topic", 404, "nothing here"))
        if mode == "denied":
            await self._denied(ticket, topic, fields.get("hub.reason", ""))
            return Reply("denied", 200)
        challenge = fields.get("hub.challenge", "")
        if mode not in ("subscribe", "unsubscribe") or not 0 < len(challenge) <= CHALLENGE_LIMIT:
            raise _bad("hub.mode and hub.challenge are needed")
        if mode == "unsubscribe":
            return Reply("unsubscribed", 200, challenge)
        lease = _lease(fields.get("hub.lease_seconds", ""), self._lease_seconds)
        await self._store(_push(ticket, "verified", topic, lease_seconds=lease))
        get_logger().info("a hub confirmed a subscription", feed=ticket.feed_id, lease_seconds=lease)
        return Reply("verified", 200, challenge)

    async def _denied(self, ticket: Ticket, topic: str, reason: str) -> None:
        told = "".join(each if each.isprintable() else " " for each in reason[:REASON_LIMIT]).strip()
        await self._store(_push(ticket, "denied", topic, reason=told))
        get_logger().warning("a hub denied a subscription", feed=ticket.feed_id, reason=told)

    async def _take(self, ticket: Ticket, headers: "_Headers", receive: Receive) -> Reply:
        """WebSub section 7."""
        if headers.one("content-encoding").strip().lower() not in ("", "identity"):
            raise _Ends(ENCODED)
        length = headers.one("content-length")
        if length.isdigit() and int(length[:19]) > self._most_bytes:
            raise _Ends(TOO_LARGE)
        signature = Signature(headers.all("x-hub-signature"), ticket.secret)
        try:
            with self._room.place(ticket.feed_id) as place:
                async with asyncio.timeout(self._seconds):
                    body = await self._body(receive, signature, place)
                return await self._judge(ticket, headers, signature, body)
        except Full:
            return BUSY
        except TimeoutError:
            return TOO_SLOW

    async def _body(self, receive: Receive, signature: Signature, place: Place) -> bytes:
        """All of the body; of one that nothing can come of, nothing is kept."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Ends(None)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._most_bytes:
                raise _Ends(TOO_LARGE)
            if signature.can_match:
                place.hold(len(chunk))
                signature.update(chunk)
                parts.append(chunk)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _judge(self, ticket: Ticket, headers: "_Headers", signature: Signature, body: bytes) -> Reply:
        if not signature.matches():
            return BAD_SIGNATURE if signature.can_match else UNSIGNED
        digest = hashlib.sha256(body).digest()
        if self._last.has(ticket.feed_id, digest):
            return REPEATED
        wait = self._allowances.wait_seconds(ticket.feed_id, len(body))
        if wait > 0:
            return Reply("too-many", 429, "too many", (("retry-after", str(int(wait) + 1)),))
        topic = hub_from_headers(",".join(headers.all("link")), "").self_url or ""
        content_type = headers.one("content-type")[:CONTENT_TYPE_LIMIT]
        known = topic if ticket.is_for(topic) else ""
        await self._store(_push(ticket, "content", known, content_type=content_type, body=body))
        self._last.remember(ticket.feed_id, digest)
        return STORED

    async def _store(self, push: Push) -> None:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self._send(push)
        except Poison:
            raise _Ends(TOO_LARGE) from None
        except (CopydeskError, TimeoutError) as error:
            get_logger().warning("what a hub told could not be stored", feed=push.feed_id, error=str(error))
            raise _Ends(NOT_STORED) from None


class _Headers:
    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def all(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self._raw if key == name.encode()]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")


def _fields(query: bytes) -> dict[str, str]:
    try:
        found = parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise _bad("the query cannot be read") from None
    if any(len(values) > 1 for values in found.values()):
        raise _bad("a parameter is there twice")
    return {name: values[0] for name, values in found.items()}


def _lease(text: str, asked: int) -> int:
    """The hub's word, within reason; hubs older than the Recommendation give none and mean what was asked for."""
    told = int(text[:12]) if text.isascii() and text.isdigit() else 0
    return min(told or asked, LONGEST_LEASE_SECONDS)


def _push(ticket: Ticket, kind: str, topic: str, **more: object) -> Push:
    # made without validation, which would take the body for base64 already
    told = {"feed_id": ticket.feed_id, "place": ticket.place, "kind": kind, "topic": topic, **more}
    return Push.model_construct(received_at=datetime.now(UTC), **told)  # type: ignore[arg-type]


async def _respond(send: Callable[..., Awaitable[None]], reply: Reply) -> None:
    body = reply.text.encode()
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **dict(reply.headers),
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
