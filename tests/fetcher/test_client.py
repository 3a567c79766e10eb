"""What the client tells besides an answer: moves, other domains, forms, and what hosts are told of requests."""

import asyncio
from collections.abc import Sequence

import pytest

from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.http import REQUESTS, Client
from copydesk_fetcher.responses import Elsewhere, FetchError, FetchReason, Refused, Unreachable

from .conftest import Settings
from .site import Request, Site, answer, in_turn, raw

LIMIT = 100_000


async def here(_: str, __: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize(
    ("statuses", "is_moved"),
    [((301,), True), ((308,), True), ((301, 308), True), ((302,), False), ((301, 302), False), ((307, 301), False)],
)
async def test_only_permanent_redirects_are_a_move(
    site: Site, client: Client, statuses: Sequence[int], is_moved: bool
) -> None:
    for number, status in enumerate(statuses):
        site.pages[f"/{number}"] = answer("", status, location=f"/{number + 1}")
    site.pages[f"/{len(statuses)}"] = answer("there")
    fetched = await client.get(site.url("/0"), max_bytes=LIMIT)
    assert fetched.moved_to == (site.url(f"/{len(statuses)}") if is_moved else None)
    assert fetched.body == b"there"


async def test_who_did_not_move_has_no_new_place(site: Site, client: Client) -> None:
    site.pages["/a"] = answer("here")
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).moved_to is None


async def test_a_redirect_to_another_domain_can_be_left_to_others(site: Site, settings_with: Settings) -> None:
    async with Client(settings_with(), resolve=here) as client:
        base = f"http://www.news.example:{site.port}"
        site.pages["/a"] = answer("", 301, location=f"http://m.news.example:{site.port}/b")
        site.pages["/b"] = answer("", 302, location=f"http://other.example:{site.port}/c?d=1#e")
        site.pages["/c?d=1"] = answer("other")
        with pytest.raises(Elsewhere) as caught:
            await client.get(f"{base}/a", max_bytes=LIMIT, same_domain=True)
        assert caught.value.url == f"http://other.example:{site.port}/c?d=1"
        assert [request.path for request in site.requests] == ["/a", "/b"]
        assert (await client.get(f"{base}/a", max_bytes=LIMIT)).body == b"other"


async def test_a_form_is_sent_and_its_answer_comes_whatever_the_status(site: Site, client: Client) -> None:
    site.pages["/old"] = answer("", 308, location="/hub")
    site.pages["/hub"] = in_turn(answer("", 202), answer("topic not known " * 1000, 400))
    assert (
        await client.post(site.url("/old"), {"hub.mode": "subscribe", "hub.topic": "http://a/?b=ü&c"})
    ).status == 202
    refused = await client.post(site.url("/hub"), {"hub.mode": "subscribe"})
    assert (refused.status, refused.body[:16], len(refused.body)) == (400, b"topic not known ", 2048)
    sent = [request for request in site.requests if request.path == "/hub"]
    assert sent[0].body == b"hub.mode=subscribe&hub.topic=http%3A%2F%2Fa%2F%3Fb%3D%C3%BC%26c"
    assert sent[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert [request.method for request in site.requests] == ["POST"] * 3


async def test_a_form_is_not_sent_again_where_a_redirect_changes_the_method(site: Site, client: Client) -> None:
    site.pages["/hub"] = answer("", 302, location="/other")
    assert (await client.post(site.url("/hub"), {"a": "b"})).status == 302
    assert len(site.requests) == 1


async def test_a_redirect_that_is_not_followed_may_lead_nowhere(site: Site, client: Client) -> None:
    site.pages["/hub"] = answer("no hub here", 302, location="http://[::1")
    fetched = await client.post(site.url("/hub"), {"a": "b"})
    assert (fetched.status, fetched.body) == (302, b"no hub here")


async def test_a_form_is_not_sent_twice_over_a_connection_that_dies(site: Site, client: Client) -> None:
    site.pages["/hub"] = in_turn(answer("ok"), raw(b""))
    await client.post(site.url("/hub"), {"a": "b"})
    with pytest.raises(Unreachable):
        await client.post(site.url("/hub"), {"a": "b"})
    assert site.count("/hub") == 2


async def test_a_page_is_asked_for_again_when_a_kept_connection_turns_out_to_be_dead(
    site: Site, client: Client
) -> None:
    site.pages["/a"] = in_turn(answer("one"), raw(b""), answer("two"))
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"one"
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"two"
    assert site.connections == 2


class Told(Hosts):
    """Hosts that remember what they were told."""

    def answered(self, domain: str, status: int) -> None:
        told.append((domain, status))
        super().answered(domain, status)

    def failed(self, domain: str, why: FetchError) -> None:
        told.append((domain, why.reason))
        super().failed(domain, why)


told: list[tuple[str, object]] = []


async def test_hosts_are_told_what_each_request_came_to_and_can_be_shared(site: Site, settings_with: Settings) -> None:
    told.clear()
    settings = settings_with()
    hosts = Told.of(settings)
    site.pages |= {"/a": answer("", 301, location="/b"), "/b": answer("ok"), "/cut": raw(b"HTTP/1.1 200 OK\r\nx")}
    site.pages["/in"] = answer("", 302, location="http://10.0.0.1/")
    async with Client(settings, hosts=hosts) as one, Client(settings, hosts=hosts) as other:
        assert one.hosts is other.hosts
        await one.get(site.url("/a"), max_bytes=LIMIT)
        with pytest.raises(Unreachable):
            await other.get(site.url("/cut"), max_bytes=LIMIT)
        with pytest.raises(Refused):
            await one.get(site.url("/in"), max_bytes=LIMIT)
    assert told == [
        ("127.0.0.1", 301),
        ("127.0.0.1", 200),
        ("127.0.0.1", FetchReason.BROKEN_OFF),
        ("127.0.0.1", 302),
        ("10.0.0.1", FetchReason.ADDRESS),
    ]


async def test_requests_are_counted_by_what_came_of_them(site: Site, client: Client) -> None:
    def counts() -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for sample in next(iter(REQUESTS.collect())).samples
            if sample.name.endswith("_total")
        }

    before = counts()
    site.pages |= {
        "/a": answer("", 302, location="/b"),
        "/b": answer("ok"),
        "/c": answer("", 500),
        "/d": raw(b"?\r\n\r\n"),
    }
    for path in ("/a", "/c", "/missing"):
        await client.get(site.url(path), max_bytes=LIMIT)
    with pytest.raises(FetchError):
        await client.get(site.url("/d"), max_bytes=LIMIT)
    after = counts()
    grown = {name: after[name] - before.get(name, 0.0) for name in after if after[name] != before.get(name, 0.0)}
    assert grown == {"redirect": 1, "ok": 1, "server-error": 1, "client-error": 1, "protocol": 1}


async def test_a_request_that_is_cancelled_leaves_a_client_that_works(site: Site, client: Client) -> None:
    async def hang(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    site.pages |= {"/hang": hang, "/a": answer("ok")}
    for _ in range(5):
        task = asyncio.create_task(client.get(site.url("/hang"), max_bytes=LIMIT))
        while not site.busy:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await client.get(site.url("/a"), max_bytes=LIMIT)).body == b"ok"
    assert len(client._transport.connections) == 1
