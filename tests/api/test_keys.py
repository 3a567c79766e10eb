"""API keys: what is kept of them, and who is let in with which. On both databases, with a real server."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from copydesk_api import keys, schema
from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keyring import KeyRing
from copydesk_api.keys import Caller, Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.test_rest import assert_problem

ADMIN = "correct horse battery staple, and more of it"
MakeClient = Callable[..., httpx.Client]


@pytest.fixture
def make_client(store: Store) -> Iterator[MakeClient]:
    """Starts servers on the store with settings of their own."""
    with ExitStack() as stack:

        def make(**given: Any) -> httpx.Client:
            settings = ApiSettings(**{"admin_key": ADMIN, **given})
            base_url = stack.enter_context(serving(create_app(store, settings)))
            return stack.enter_context(httpx.Client(base_url=base_url))

        yield make


@pytest.fixture(scope="module")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('keys') / 'api.db'}")
    store.write([("a", article("a"))], {0: 1})
    yield store
    store.close()


@pytest.fixture(scope="module")
def locked(sqlite_store: Store) -> Iterator[httpx.Client]:
    """A server at which reading needs a key, for a whole module."""
    settings = ApiSettings(read_access="key", admin_key=ADMIN)
    with serving(create_app(sqlite_store, settings)) as base_url, httpx.Client(base_url=base_url) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make_key(client: httpx.Client, scope: str = "read", **more: object) -> dict[str, Any]:
    answer = client.post("/v1/keys", headers=bearer(ADMIN), json={"name": "a reader", "scope": scope, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def status(client: httpx.Client, token: str, path: str = "/v1/articles", method: str = "GET") -> int:
    return client.request(method, path, headers=bearer(token)).status_code


def test_each_scope_covers_those_before_it() -> None:
    found = {(one.value, other.value) for one in Scope for other in Scope if one.covers(other)}
    assert found == {
        ("read", "read"), ("write", "read"), ("write", "write"), ("admin", "read"), ("admin", "write"),
        ("admin", "admin"),
    }  # fmt: skip


def test_secrets_differ_and_are_known_by_their_prefix() -> None:
    tokens = {keys.new_token() for _ in range(100)}
    assert len({keys.prefix_of(token) for token in tokens}) == 100
    assert all(re.fullmatch(r"copydesk_[0-9a-f]{12}_[0-9a-f]{64}", token) for token in tokens)


@given(st.text())
def test_what_is_no_secret_has_no_prefix(text: str) -> None:
    assert keys.prefix_of(text) is None
    assert not keys.is_same(text, keys.digest(f"{text} "))


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\tb", "n" * 101, "\x85"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 100 characters"):
        keys.key_name(name)


def test_the_database_holds_no_secret(store: Store) -> None:
    ring = KeyStore(store.engine)
    made = ring.create("ops", Scope.ADMIN)
    session = ring.open_session(Caller(made.key.key_id, "ops", Scope.ADMIN, made.key.secrets[0].prefix), timedelta(1))
    with store.engine.connect() as connection:
        kept = str(
            [
                connection.execute(table.select()).all()
                for table in (schema.api_keys, schema.api_key_secrets, schema.api_sessions)
            ]
        )
    assert made.token.rpartition("_")[2] not in kept
    assert session not in kept
    assert made.key.secrets[0].prefix in kept


def test_a_key_is_made_shown_once_and_removed(make_client: MakeClient) -> None:
    client = make_client(read_access="key")
    made = make_key(client, "write")
    assert client.get("/v1/articles", headers=bearer(made["token"])).status_code == 200
    listed = client.get("/v1/keys", headers=bearer(ADMIN))
    assert listed.headers["cache-control"] == "no-store"
    assert made["token"].rpartition("_")[2] not in listed.text
    (item,) = listed.json()["items"]
    assert {**item, "last_used_at": None} == {name: made[name] for name in made if name != "token"}
    assert made["token"].startswith(f"copydesk_{item['secrets'][0]['prefix']}_")
    answer = client.delete(f"/v1/keys/{made['key_id']}", headers=bearer(ADMIN))
    assert (answer.status_code, answer.content) == (204, b"")
    assert status(client, made["token"]) == 401
    again = client.delete(f"/v1/keys/{made['key_id']}", headers=bearer(ADMIN))
    assert_problem(again, 404, made["key_id"])


@pytest.mark.parametrize(("scope", "expected"), [(None, 401), ("read", 403), ("write", 403), ("admin", 200)])
def test_admin_calls_need_an_admin_key_though_reads_are_open(
    make_client: MakeClient, scope: str | None, expected: int
) -> None:
    client = make_client()
    headers = bearer(make_key(client, scope)["token"]) if scope else {}
    answer = client.get("/v1/keys", headers=headers)
    assert answer.status_code == expected
    challenges = {
        401: 'Bearer realm="copydesk"',
        403: 'Bearer realm="copydesk", error="insufficient_scope", scope="admin"',
    }
    assert answer.headers.get("www-authenticate") == challenges.get(expected)


def test_no_key_at_all_lets_nobody_administer(make_client: MakeClient) -> None:
    client = make_client(admin_key=None)
    assert client.get("/v1/articles").status_code == 200
    for call in (client.get("/v1/keys"), client.post("/v1/keys", json={"name": "x", "scope": "admin"}),
                 client.delete("/v1/keys/x"), client.post("/v1/keys/x/rotate")):  # fmt: skip
        assert_problem(call, 401)
    assert client.get("/v1/keys", headers={"Authorization": "Bearer"}).status_code == 401


@pytest.mark.parametrize(
    "given",
    ["Bearer", "Bearer nonsense", f"bearer  {ADMIN}", "Bearer copydesk_0123456789ab_" + "0" * 64],
)
def test_a_key_that_is_not_good_is_refused_on_open_reads_too(make_client: MakeClient, given: str) -> None:
    client = make_client()
    answer = client.get("/v1/articles", headers={"Authorization": given})
    if ADMIN in given:  # schemes have no case, and blanks around are none of the key
        assert answer.status_code == 200
        return
    assert_problem(answer, 401, "unknown")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_scheme_of_a_proxy_is_none_of_ours(make_client: MakeClient) -> None:
    headers = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert make_client().get("/v1/articles", headers=headers).status_code == 200
    assert make_client(read_access="key").get("/v1/articles", headers=headers).status_code == 401


READS = [
    "/v1/articles", "/v1/articles/a", "/v1/articles/nobody", "/v1/changes", "/v1/changes?wait=60&after=x", "/v1/stream",
    "/v1/articles.ndjson", "/v1/feed.json", "/v1/feed.atom", "/v1/feed.rss", "/v1/tags", "/articles/a", "/", "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_by_key_every_read_needs_one(locked: httpx.Client, path: str, method: str) -> None:
    answer = locked.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="copydesk"'
    tag = locked.get("/v1/articles", headers=bearer(ADMIN)).headers["etag"]
    assert locked.request(method, path, headers={"If-None-Match": tag}).status_code == 401
    assert locked.options(path).status_code in (204, 404)


def test_nothing_on_the_way_may_keep_what_needs_a_key(locked: httpx.Client) -> None:
    first = locked.get("/v1/articles", headers=bearer(ADMIN))
    again = locked.get("/v1/articles", headers={**bearer(ADMIN), "If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    for answer in (first, again):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert {"authorization", "cookie"} <= {each.strip().lower() for each in answer.headers["vary"].split(",")}
    assert "private" not in locked.get("/static/copydesk.css").headers["cache-control"]


def test_a_rotated_key_has_two_secrets_for_a_while(make_client: MakeClient, store: Store) -> None:
    client = make_client(read_access="key")
    old = make_key(client)
    new = client.post(f"/v1/keys/{old['key_id']}/rotate", headers=bearer(ADMIN), json={"overlap_seconds": 600}).json()
    assert new["key_id"] == old["key_id"]
    assert [each["valid_until"] is None for each in new["secrets"]] == [True, False]
    assert [status(client, each["token"]) for each in (old, new)] == [200, 200]
    newest = client.post(f"/v1/keys/{old['key_id']}/rotate", headers=bearer(ADMIN), json={"overlap_seconds": 0}).json()
    assert [status(client, each["token"]) for each in (old, new, newest)] == [401, 401, 200]
    until = datetime.now(UTC) - timedelta(seconds=1)
    with store.engine.begin() as connection:
        connection.execute(update(schema.api_key_secrets).values(valid_until=until))
    assert status(make_client(read_access="key"), newest["token"]) == 401


def test_a_later_rotation_does_not_lengthen_what_an_earlier_one_ends(store: Store) -> None:
    ring = KeyStore(store.engine)
    key_id = ring.create("x", Scope.READ).key.key_id
    first = ring.rotate(key_id, timedelta(minutes=5))
    second = ring.rotate(key_id, timedelta(days=30))
    assert first is not None
    assert second is not None
    ends = {each.prefix: each.valid_until for each in second.key.secrets}
    for each in first.key.secrets[1:]:
        assert ends[each.prefix] == each.valid_until


def test_a_call_that_takes_no_query_refuses_one(make_client: MakeClient) -> None:
    answer = make_client().post("/v1/keys?scope=admin", json={"name": "x"}, headers=bearer(ADMIN))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"parameter": "scope", "detail": "there is no such parameter"}]


def test_a_key_ends_when_it_says(make_client: MakeClient, store: Store) -> None:
    client = make_client(read_access="key")
    made = make_key(client, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert status(client, made["token"]) == 200
    with store.engine.begin() as connection:
        connection.execute(update(schema.api_keys).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert status(make_client(read_access="key"), made["token"]) == 401


def test_a_removed_key_is_forgotten_by_other_replicas_within_seconds(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk_api.keyring.REMEMBER_SECONDS", 0.2)
    one, other = make_client(read_access="key"), make_client(read_access="key")
    made = make_key(one)
    assert status(other, made["token"]) == 200
    one.delete(f"/v1/keys/{made['key_id']}", headers=bearer(ADMIN))
    while status(other, made["token"]) == 200:
        time.sleep(0.05)


def test_when_a_key_was_used_is_written_seldom(make_client: MakeClient, store: Store) -> None:
    client = make_client()
    made = make_key(client)
    writes: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE api_keys"):
            writes.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    for _ in range(20):
        assert status(client, made["token"]) == 200
    while client.get("/v1/keys", headers=bearer(ADMIN)).json()["items"][0]["last_used_at"] is None:
        time.sleep(0.02)
    event.remove(store.engine, "before_cursor_execute", note)
    assert len(writes) == 1


def test_a_remembered_key_asks_nothing_of_the_database(make_client: MakeClient, store: Store) -> None:
    client = make_client()
    made = make_key(client)
    status(client, made["token"])
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "api_key_secrets" in statement:
            asked.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    for _ in range(10):
        status(client, made["token"])
    event.remove(store.engine, "before_cursor_execute", note)
    assert len(asked) <= 1  # five seconds may be over meanwhile


async def test_so_many_keys_are_remembered_and_no_more(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_api.keyring.REMEMBERED", 3)
    ring = KeyRing(KeyStore(sqlite_store.engine))
    made = [ring.store.create("x", Scope.READ) for _ in range(9)]
    for each in made:
        assert await ring.of_token(each.token) is not None
        assert await ring.of_token(each.token[:-1] + "x") is None
    assert len(ring._known) <= 3
    assert len(ring._touched) <= 4
    while ring._tasks:
        await next(iter(ring._tasks))


def test_keys_are_made_and_rotated_at_once(store: Store) -> None:
    ring = KeyStore(store.engine)
    key_id = ring.create("x", Scope.READ).key.key_id
    threads = [threading.Thread(target=ring.rotate, args=(key_id, timedelta(hours=1))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (key,) = ring.list_keys()
    assert sorted(each.valid_until is None for each in key.secrets) == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name: a name has 1 to 100 characters"]),
        ({"name": "x", "scope": "god"}, ["scope"]),
        ({"name": "x", "scopes": ["read"]}, ["scopes: "]),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, ["expires_at: that is in the past"]),
        ({"name": "x", "expires_at": "2099-01-01"}, ["expires_at"]),
        ([], ["body"]),
    ],
)
def test_keys_that_cannot_be_made(locked: httpx.Client, body: object, words: list[str]) -> None:
    answer = locked.post("/v1/keys", headers=bearer(ADMIN), json=body)
    assert assert_problem(answer, 400, *words)["type"] == "/docs#invalid-body"


def test_bodies_of_no_use(locked: httpx.Client) -> None:
    for content, kind in ((b"{", "application/json"), (b'{"name": "x"}', "text/plain"), (b"\xff", "application/json")):
        headers = {**bearer(ADMIN), "Content-Type": kind}
        assert_problem(locked.post("/v1/keys", headers=headers, content=content), 400)
