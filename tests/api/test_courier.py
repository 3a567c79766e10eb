"""Requests to receivers that behave and that do not."""

import asyncio
import ssl
from collections.abc import Sequence
from ipaddress import ip_network

import pytest
import trustme

from copydesk_api.push.courier import ANSWER_BYTES, Answer, Courier, NoAnswer, Trouble
from copydesk_shared.guard import Guard
from tests.api.target import Reply, drip, flood, hang, hang_up, nonsense, status, target

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Names:
    """A name server: what it answers to each question in turn, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def courier(seconds: float = 20, names: Names | None = None, *, private: bool = True, tls: ssl.SSLContext | None = None) -> Courier:  # fmt: skip
    guard = Guard(names or Names(["127.0.0.1"]), LOOPBACK if private else (), "THE_SETTING")
    return Courier(guard, seconds, "copydesk-test", tls)


async def posted(reply: Reply, seconds: float = 20) -> Answer:
    async with target(reply) as there, courier(seconds).line(there.url()) as line:
        return await line.post({"content-type": "text/plain"}, b"hello")


async def test_what_is_sent_and_what_comes_back() -> None:
    async with target(status(200, "thanks", retry_after="7", X_Other="1")) as there:
        async with courier().line(there.url("/a b?q=\u00e9#part")) as line:
            answer = await line.post({"content-type": "text/plain"}, b"hello")
        assert (answer.status, answer.body, answer.headers["x-other"]) == (200, b"thanks", "1")
        request = there.received[0]
        assert (request.method, request.path, request.body) == ("POST", "/a%20b?q=%C3%A9", b"hello")
        assert request.headers["host"] == f"127.0.0.1:{there.port}"
        assert request.headers["user-agent"] == "copydesk-test"


async def test_a_connection_is_kept_and_made_again_when_it_is_dead() -> None:
    async with target() as there, courier().line(there.url()) as line:
        for _ in range(3):
            assert (await line.post({}, b"x")).status == 204
        assert there.connections == 1
        there.replies.append(hang_up)
        assert (await line.post({}, b"y")).status == 204
        assert there.connections == 2


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [(hang, Trouble.TIMEOUT), (hang_up, Trouble.BROKEN), (nonsense, Trouble.BROKEN)],
    ids=["hang", "hang-up", "nonsense"],
)
async def test_who_does_not_answer(reply: Reply, trouble: Trouble) -> None:
    with pytest.raises(NoAnswer) as error:
        await posted(reply, seconds=0.3 if reply is hang else 20)
    assert error.value.trouble is trouble
    assert "\n" not in str(error.value)


async def test_the_status_counts_though_the_body_never_ends() -> None:
    answer = await posted(drip, seconds=20)
    assert answer.status == 200
    assert len(answer.body) < ANSWER_BYTES
    flooded = await posted(flood)
    assert (flooded.status, len(flooded.body)) == (200, ANSWER_BYTES)


async def test_redirects_are_answers() -> None:
    async with target() as elsewhere:
        answer = await posted(status(307, location=elsewhere.url()))
        assert answer.status == 307
        assert elsewhere.received == []


async def test_nobody_there() -> None:
    async with target() as there:
        url = there.url()
    async with courier().line(url) as line:
        with pytest.raises(NoAnswer, match="no connection to 127") as error:
            await line.post({}, b"")
        assert error.value.trouble is Trouble.CONNECT


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "[::ffff:127.0.0.1]", "0x7f.1"])
async def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    async def literally(name: str, _port: int) -> Sequence[str]:
        return [{"0x7f.1": "127.0.0.1"}.get(name, name)]

    strict = Courier(Guard(literally, (), "THE_SETTING"), 20, "copydesk-test")
    async with strict.line(f"http://{host}/") as line:
        with pytest.raises(NoAnswer, match="not a public address") as error:
            await line.post({}, b"")
    assert error.value.trouble is Trouble.REFUSED
    with pytest.raises(NoAnswer, match="THE_SETTING"):
        await strict.look_up(f"http://{host}/")


async def test_a_name_that_answers_differently_the_second_time_gains_nothing() -> None:
    """It is resolved for each connection, and connected to what was checked: never to the loopback server."""
    async with target() as there:
        names = Names(["203.0.113.9"], ["127.0.0.1"])
        strict = courier(names=names, private=False)
        for _ in range(2):
            async with strict.line(f"http://hook.example:{there.port}/") as line:
                with pytest.raises(NoAnswer) as error:
                    await line.post({}, b"")
                assert error.value.trouble is Trouble.REFUSED
        assert names.asked == ["hook.example", "hook.example"]
        assert there.received == []


async def test_names_without_an_address() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError("unknown name")

    lost = Courier(Guard(nobody, (), "THE_SETTING"), 20, "copydesk-test")
    with pytest.raises(NoAnswer, match="cannot be resolved") as error:
        await lost.look_up("https://hook.example/")
    assert error.value.trouble is Trouble.DNS
    async with lost.line("https://hook.example/") as line:
        with pytest.raises(NoAnswer, match="cannot be resolved"):
            await line.post({}, b"")


@pytest.mark.parametrize(
    "url", ["ftp://hook.example/", "hook.example", "http://", "http://a\\b/", "http://x/" + "y" * 5000]
)
async def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        async with courier().line(url):
            pytest.fail("it was taken")


async def test_certificates_are_checked_against_the_name() -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example").configure_cert(server_tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with target() as there:
        server = await asyncio.start_server(there.handle, "127.0.0.1", 0, ssl=server_tls)
        port = server.sockets[0].getsockname()[1]
        async with courier(tls=trusting).line(f"https://hook.example:{port}/") as line:
            assert (await line.post({}, b"x")).status == 204
        for url, tls in ((f"https://other.example:{port}/", trusting), (f"https://hook.example:{port}/", None)):
            async with courier(tls=tls).line(url) as line:
                with pytest.raises(NoAnswer, match="certificate"):
                    await line.post({}, b"x")
        server.close()
