"""How often one may ask, and how much one may send. The buckets with a clock of their own, the rest with a real server."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from copydesk_api.app import create_app
from copydesk_api.rates import Buckets, Rate, customer, parse_rate
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer, make_key
from tests.api.test_rest import assert_problem

PROXY = "127.0.0.1"
Serve = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('rates') / 'api.db'}")
    yield opened
    opened.close()


@pytest.fixture
def serve(store: Store) -> Iterator[Serve]:
    """Starts servers on the store, which believe the proxies that are named."""
    with ExitStack() as stack:

        def start(*proxies: str, **given: Any) -> httpx.Client:
            app = create_app(store, ApiSettings(**{"admin_key": ADMIN, **given}))
            return stack.enter_context(httpx.Client(base_url=stack.enter_context(serving(app, *proxies))))

        yield start


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    quota=st.integers(1, 50),
    seconds=st.integers(1, 3600),
    steps=st.lists(st.floats(0, 30, allow_nan=False), max_size=200),
)
def test_never_more_than_twice_the_quota_in_any_window_and_what_is_told_is_true(
    quota: int, seconds: int, steps: list[float]
) -> None:
    clock = Clock()
    buckets = Buckets("key", Rate(quota, seconds), now=clock)
    admitted: list[float] = []
    left = quota
    for step in steps:
        clock.now += step
        taken = buckets.take("a")
        if taken.wait:
            assert taken.left == 0
            assert left <= 1 or step == 0
        else:
            admitted.append(clock.now)
            left = taken.left
        assert 0 <= taken.whole_in <= seconds * 1.001
    for start in admitted:
        inside = [at for at in admitted if start <= at < start + seconds]
        assert len(inside) < 2 * quota + 1


def test_a_quota_may_be_taken_at_once_and_comes_back_evenly() -> None:
    clock = Clock()
    buckets = Buckets("key", Rate(10, 60), now=clock)
    assert [buckets.take("a").left for _ in range(10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    refused = buckets.take("a")
    assert refused.wait == pytest.approx(6)
    assert refused.headers() == {"RateLimit-Policy": '"key";q=10;w=60', "RateLimit": '"key";r=0;t=60'}
    assert refused.problem().headers == {"Retry-After": "6"}
    clock.now += 6
    assert not buckets.take("a").wait
    assert buckets.take("a").wait
    assert not buckets.take("b").wait  # each has its own
    clock.now += 60
    assert buckets.take("a").left == 9


def test_so_many_are_remembered_and_no_more() -> None:
    buckets = Buckets("address", Rate(2, 60), most=3, now=Clock())
    for number in range(100):
        buckets.take(f"192.0.2.{number}")
    assert len(buckets._whole_at) == 3


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("x" * 500, "x" * 100),
        ("", ""),
    ],
)
def test_who_is_one_customer(address: str, who: str) -> None:
    assert customer(address) == who


@pytest.mark.parametrize(
    ("value", "rate"), [("600/1m", Rate(600, 60)), ("5/10s", Rate(5, 10)), ("1/2h", Rate(1, 7200))]
)
def test_rates_that_can_be_set(value: str, rate: Rate) -> None:
    assert parse_rate(value) == rate


@pytest.mark.parametrize("value", ["", "600", "600/m", "0/1m", "6/0s", "-1/1m", "1/1d", "1 /1m"])
def test_rates_that_cannot_be_set(value: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a rate such as 600/1m, nor off"):
        ApiSettings(rate_key=value)
    assert parse_rate("off") is None


def test_an_address_that_asks_too_often_is_told_so(serve: Serve) -> None:
    client = serve(rate_address="3/1h")
    answers = [client.get("/v1/articles") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers[:3]] == [
        f'"address";r={left}' for left in (2, 1, 0)
    ]
    last = answers[-1]
    assert assert_problem(last, 429, "More than 3 requests in 3600 s")["type"] == "/docs#too-many-requests"
    assert 1 <= int(last.headers["retry-after"]) <= 1200
    assert last.headers["ratelimit-policy"] == '"address";q=3;w=3600'
    assert re.fullmatch(r'"address";r=0;t=\d+', last.headers["ratelimit"])
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 429
    assert client.get("/static/copydesk.css").status_code == 200  # asks nothing of anybody


def test_a_key_has_its_own_quota(serve: Serve) -> None:
    client = serve(rate_address="2/1h", rate_key="4/1h")
    one = make_key(client)["token"]  # the first of four of the admin's
    other = make_key(client)["token"]
    assert [client.get("/v1/tags").status_code for _ in range(3)] == [200, 200, 429]
    answers = [client.get("/v1/tags", headers=bearer(one)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=4;w=3600'
    assert client.get("/v1/tags", headers=bearer(other)).status_code == 200


def test_keys_that_are_not_good_count_with_their_address(serve: Serve) -> None:
    client = serve(rate_address="2/1h")
    answers = [client.get("/v1/tags", headers=bearer("nonsense")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_they_can_be_off(serve: Serve) -> None:
    answer = serve(rate_address="off", rate_key="off").get("/v1/tags")
    assert not {name for name in answer.headers if name.startswith("ratelimit")}


def test_what_waits_or_streams_counts_once(serve: Serve) -> None:
    client = serve(rate_address="3/1h", heartbeat_seconds=0.05)
    with client.stream("GET", "/v1/stream") as stream:
        lines = stream.iter_lines()
        assert sum("heartbeat" in next(lines) for _ in range(20)) > 3
        assert client.get("/v1/changes?wait=1").headers["ratelimit"].startswith('"address";r=1;')


def test_304_tells_what_is_left(serve: Serve) -> None:
    client = serve()
    tag = client.get("/v1/articles").headers["etag"]
    again = client.get("/v1/articles", headers={"If-None-Match": tag})
    assert (again.status_code, "ratelimit" in again.headers) == (304, True)


def test_what_a_proxy_says_is_believed_of_those_that_are_trusted(serve: Serve) -> None:
    client = serve(PROXY, rate_address="1/1h")
    said = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.9, 192.0.2.2", "192.0.2.3, 127.0.0.1"]
    found = [client.get("/v1/tags", headers={"X-Forwarded-For": each}).status_code for each in said]
    assert found == [200, 200, 429, 429, 200]


def test_what_anybody_else_says_is_not_believed(serve: Serve) -> None:
    client = serve(rate_address="1/1h")
    found = [client.get("/v1/tags", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)]
    assert found == [200, 429, 429]


def test_the_networks_of_proxies() -> None:
    assert ApiSettings(trusted_proxies="10.0.0.0/8, ::1").trusted_proxies == ("10.0.0.0/8", "::1")
    with pytest.raises(ValidationError, match="does not appear to be an IPv4 or IPv6 network"):
        ApiSettings(trusted_proxies="proxy.example")


@pytest.mark.parametrize("path", ["/v1/keys", "/login", "/v1/nothing"])
def test_a_body_that_says_it_is_too_large(serve: Serve, path: str) -> None:
    answer = serve().post(path, headers=bearer(ADMIN), content=b"x" * 300_000)
    assert assert_problem(answer, 413, "262144 bytes")["type"] == "/docs#too-large"


@pytest.mark.parametrize("path", ["/v1/keys", "/login"])
def test_a_body_that_turns_out_too_large(serve: Serve, path: str) -> None:
    parts = (b" " * 50_000 for _ in range(20))
    headers = {**bearer(ADMIN), "Content-Type": "application/json"}
    if path == "/login":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = serve().post(path, headers=headers, content=parts)
    assert answer.status_code == (413 if path == "/v1/keys" else 400)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_does_not_come(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_api.intake.BODY_SECONDS", 0.2)
    url = serve().base_url
    head = (
        f"POST /v1/keys HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nAuthorization: Bearer {ADMIN}\r\n"
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name'
    )
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_who_waits_is_not_cut_short_by_that(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_api.intake.BODY_SECONDS", 0.05)
    client = serve(heartbeat_seconds=0.05)
    assert client.get("/v1/changes?wait=1").status_code == 200
    with client.stream("GET", "/v1/stream") as stream:
        lines = stream.iter_lines()
        assert sum("heartbeat" in next(lines) for _ in range(20)) > 3
