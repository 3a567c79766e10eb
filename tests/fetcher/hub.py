"""A WebSub hub on loopback (W3C Recommendation, sections 5 to 7) that can also lie, deny, dawdle and fall silent."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import httpx

REASONS = {202: "Accepted", 204: "No Content", 307: "Temporary Redirect", 308: "Permanent Redirect", 404: "Not Found"}


@dataclass
class Subscription:
    """One subscriber of one topic, confirmed."""

    topic: str
    callback: str
    secret: str
    until: datetime


@dataclass
class Hub:
    """``asked`` are the forms it was sent; the other fields say how it behaves.

    ``status`` answers requests; ``verify`` is when it asks the subscriber back: before or after that answer, or never.
    ``answers`` is cleared to let them wait. ``denies`` is a reason to deny. ``lease`` overrides the lease that was asked for; empty: none is said.
    """

    port: int = 0
    status: int = 202
    says: str = ""
    location: str = ""
    verify: str = "after"
    denies: str | None = None
    lease: str | None = None
    other_topic: str = ""
    algorithm: str = "sha256"
    names_topic: bool = True
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    confirmations: list[int] = field(default_factory=list)
    subscriptions: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def idle(self) -> None:
        """Until nothing is on its way to a subscriber."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def publish(self, topic: str, body: bytes, content_type: str = "application/rss+xml") -> list[int]:
        """Push to all whose lease lasts; the answers. Who says 410 is forgotten."""
        answers = []
        for key, each in list(self.subscriptions.items()):
            if each.topic == topic and each.until > self.now():
                status = await self.push(each, body, content_type)
                answers.append(status)
                if status == 410:
                    del self.subscriptions[key]
        return answers

    async def push(self, to: Subscription, body: bytes, content_type: str, **headers: str) -> int:
        """Push a body; ``headers`` (``_`` for ``-``) override those that belong there."""
        given = {"content-type": content_type, "x-hub-signature": sign(to.secret, body, self.algorithm)}
        if self.names_topic:
            given["link"] = f'<{self.url()}>; rel="hub", <{to.topic}>; rel="self"'
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.post(to.callback, content=body, headers=given)).status_code

    async def ask_back(self, form: Mapping[str, str], mode: str = "", topic: str = "") -> int:
        """Verify the subscriber's intent, or tell the denial; the answer's status, 0 where the challenge is wrong."""
        query = {"hub.mode": mode or form["hub.mode"], "hub.topic": topic or self.other_topic or form["hub.topic"]}
        challenge = secrets.token_urlsafe(16)
        if query["hub.mode"] == "denied":
            query["hub.reason"] = self.denies or ""
        else:
            query["hub.challenge"] = challenge
            lease = form.get("hub.lease_seconds", "") if self.lease is None else self.lease
            query |= {"hub.lease_seconds": lease} if lease else {}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{form['hub.callback']}?{urlencode(query)}")
        is_echo = query["hub.mode"] == "denied" or answer.text == challenge
        status = answer.status_code if is_echo or answer.status_code != 200 else 0
        self.confirmations.append(status)
        return status

    async def _decide(self, form: Mapping[str, str]) -> None:
        if self.denies is not None:
            await self.ask_back(form, "denied")
            return
        if await self.ask_back(form) != 200:
            return
        key = form["hub.topic"], form["hub.callback"]
        if form["hub.mode"] == "unsubscribe":
            self.subscriptions.pop(key, None)
            return
        lease = (form.get("hub.lease_seconds") if self.lease is None else self.lease) or "3600"
        seconds = int(lease) if lease.isdigit() else 0
        until = self.now() + timedelta(seconds=seconds)
        self.subscriptions[key] = Subscription(*key, form.get("hub.secret", ""), until)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        form = dict(parse_qsl((await reader.readexactly(length)).decode(), strict_parsing=True))
        is_here = head.split(" ")[1] != "/old"
        if is_here:
            self.asked.append(form)
        if is_here and self.verify == "before":
            await self._decide(form)
        await self.answers.wait()
        status, location = (self.status, "") if is_here else (308, self.location)
        body = self.says.encode()
        lines = f"content-type: text/plain\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        lines += f"location: {location}\r\n" if location else ""
        writer.write(f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}\r\n{lines}\r\n".encode() + body)
        await writer.drain()
        writer.close()
        if is_here and self.verify == "after" and status < 300:
            await self._decide(form)


def sign(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """``X-Hub-Signature`` as a hub makes it."""
    return f"{algorithm}={hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()}"


@asynccontextmanager
async def serve_hub() -> AsyncIterator[Hub]:
    """A hub on a free port of 127.0.0.1."""
    hub = Hub()
    hub.answers.set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer() -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await hub._answer(reader, writer)

        task = asyncio.create_task(answer())
        hub._tasks.add(task)
        task.add_done_callback(hub._tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    hub.port = server.sockets[0].getsockname()[1]
    try:
        yield hub
    finally:
        server.close()
        for task in hub._tasks:
            task.cancel()
        await asyncio.gather(*hub._tasks, return_exceptions=True)
