"""A server that does not keep to the protocol of authentication ends in a line, not in a traceback."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from copydesk_shared.brokers import Brokers, SaslMechanism, Security, SecurityProtocol
from copydesk_shared.kafka import connect
from copydesk_shared.log import LogError

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
Reply = Callable[[bytes], bytes]


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _versions() -> bytes:
    known = ((HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0), (API_VERSIONS, 0, 0), (3, 0, 1))
    return struct.pack(">hi", 0, len(known)) + b"".join(struct.pack(">hhh", *each) for each in known)


def _handshake() -> bytes:
    names = [str(mechanism) for mechanism in SaslMechanism]
    return struct.pack(">hi", 0, len(names)) + b"".join(_string(name) for name in names)


def _authenticate(token: bytes) -> bytes:
    return struct.pack(">hhi", 0, -1, len(token)) + token


def _token(body: bytes) -> bytes:
    """What is authenticated with, after the header and its client id."""
    client = struct.unpack_from(">h", body, 8)[0]
    return body[10 + client + 4 :]


@asynccontextmanager
async def _server(reply: Reply) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                body = await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])
                key, _, number = struct.unpack_from(">hhi", body)
                answers = {API_VERSIONS: _versions, HANDSHAKE: _handshake}
                answer = answers[key]() if key in answers else _authenticate(reply(_token(body)))
                writer.write(struct.pack(">ii", len(answer) + 4, number) + answer)
        except (EOFError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _impostor(token: bytes) -> bytes:
    """Plays SCRAM without knowing the password."""
    if token.startswith(b"n,,"):
        nonce = token.rpartition(b"r=")[2].decode()
        return f"r={nonce}more,s={base64.b64encode(b'salt').decode()},i=4096".encode()
    return b"v=" + base64.b64encode(b"a signature of somebody else")


REPLIES: dict[str, tuple[SaslMechanism, Reply]] = {
    "impostor": (SaslMechanism.SCRAM_SHA_512, _impostor),
    "no fields": (SaslMechanism.SCRAM_SHA_256, lambda _: b"hello"),
    "other fields": (SaslMechanism.SCRAM_SHA_256, lambda _: b"a=b"),
    "no UTF-8": (SaslMechanism.SCRAM_SHA_256, lambda _: b"\xff\xfe"),
    "an answer to PLAIN": (SaslMechanism.PLAIN, lambda _: b"why, thank you"),
}


@pytest.mark.parametrize("case", REPLIES)
async def test_an_answer_that_makes_no_sense_is_one_line(case: str) -> None:
    mechanism, reply = REPLIES[case]
    async with _server(reply) as address:
        security = Security(
            SecurityProtocol.SASL_PLAINTEXT, mechanism, sasl_username="alice", sasl_password=SecretStr("hunter2")
        )
        with pytest.raises(LogError) as caught:
            async with connect(Brokers(address, security), client_id="test"):
                raise AssertionError("let in")
    text = str(caught.value)
    assert "authentication failed: the answer makes no sense" in text
    assert "\n" not in text
    assert "hunter2" not in text
