"""Signing in with a key: the cookie that is set, what it opens, and what other sites can do with it (nothing)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from copydesk_api import schema
from copydesk_api.app import create_app
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.web.sign_in import local
from tests.api.samples import article
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer
from tests.api.test_rest import assert_problem

PAGE = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def keys(store: Store) -> KeyStore:
    store.write([("a", article("a"))], {0: 1})
    return KeyStore(store.engine)


@pytest.fixture
def browser(store: Store, keys: KeyStore) -> Iterator[httpx.Client]:
    """A client that keeps cookies and asks for pages, at a server where reading needs a key."""
    app = create_app(store, ApiSettings(read_access="key", admin_key=ADMIN))
    with serving(app) as base_url, httpx.Client(base_url=base_url, headers=PAGE) as client:
        yield client


def sign_in(browser: httpx.Client, key: str, target: str = "/") -> httpx.Response:
    return browser.post("/login", data={"key": key, "next": target}, headers=OURS)


def test_a_page_that_needs_a_key_leads_to_the_form_and_back(browser: httpx.Client, keys: KeyStore) -> None:
    asked = browser.get("/articles/a?removed=true")
    assert asked.status_code == 303
    form = browser.get(asked.headers["location"])
    assert form.status_code == 200
    assert 'value="/articles/a?removed=true"' in form.text
    signed = sign_in(browser, f" {keys.create('a reader', Scope.READ).token}\n", "/articles/a?removed=true")
    assert (signed.status_code, signed.headers["location"]) == (303, "/articles/a?removed=true")
    assert browser.get(signed.headers["location"]).status_code == 200
    assert "a reader" in browser.get("/login").text
    assert browser.get("/v1/articles").status_code == 200  # the scripts of the page


def test_what_the_cookie_may_be_used_for(browser: httpx.Client, keys: KeyStore) -> None:
    made = keys.create("a reader", Scope.READ)
    answer = sign_in(browser, made.token)
    cookie = SimpleCookie(answer.headers["set-cookie"])["copydesk_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
    assert int(cookie["max-age"]) == 12 * 3600
    assert made.token not in answer.headers["set-cookie"]
    assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/v1/keys").status_code == 403  # a reader stays one


@pytest.mark.parametrize(("base_url", "secure"), [("https://news.example", True), ("http://news.example", False)])
def test_where_browsers_come_by_tls_the_cookie_stays_there(sqlite: Store, base_url: str, secure: bool) -> None:
    app = create_app(sqlite, ApiSettings(admin_key=ADMIN, base_url=base_url))
    with serving(app) as place:
        answer = httpx.post(f"{place}/login", data={"key": ADMIN})
    assert ("Secure" in answer.headers["set-cookie"]) == secure


@pytest.mark.parametrize("key", ["", "nonsense", "copydesk_0123456789ab_" + "0" * 64, "<script>"])
def test_a_key_that_is_not_good_is_said_so_and_not_shown(browser: httpx.Client, key: str) -> None:
    answer = sign_in(browser, key)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="copydesk"'
    assert "set-cookie" not in answer.headers
    assert "This is no key" in answer.text
    assert not key or key not in answer.text


def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(browser: httpx.Client) -> None:
    sign_in(browser, ADMIN)
    copied = {"Cookie": f"copydesk_session={browser.cookies['copydesk_session']}"}
    assert browser.get("/", headers=copied).status_code == 200
    answer = browser.post("/logout", headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "copydesk_session" not in browser.cookies
    assert browser.get("/", headers=copied).status_code == 303
    assert browser.post("/logout", headers=OURS).status_code == 303


def test_the_session_ends_with_its_key(browser: httpx.Client, keys: KeyStore) -> None:
    made = keys.create("a reader", Scope.READ)
    sign_in(browser, made.token)
    assert browser.get("/").status_code == 200
    assert httpx.delete(f"{browser.base_url}/v1/keys/{made.key.key_id}", headers=bearer(ADMIN)).status_code == 204
    assert browser.get("/").status_code == 303


def test_the_session_ends_with_the_secret_it_was_opened_with(browser: httpx.Client, keys: KeyStore) -> None:
    made = keys.create("a reader", Scope.READ)
    sign_in(browser, made.token)
    rotate = f"{browser.base_url}/v1/keys/{made.key.key_id}/rotate"
    assert httpx.post(rotate, headers=bearer(ADMIN), json={"overlap_seconds": 0}).status_code == 200
    assert browser.get("/").status_code == 303


def test_the_session_ends_by_itself(store: Store, keys: KeyStore) -> None:
    caller, _ = keys.find(keys.create("x", Scope.READ).token) or (None, None)
    assert caller is not None
    token = keys.open_session(caller, timedelta(hours=1))
    assert keys.session(token) is not None
    with store.engine.begin() as connection:
        connection.execute(update(schema.api_sessions).values(expires_at=datetime.now(UTC)))
    assert keys.session(token) is None
    keys.open_session(caller, timedelta(hours=1))
    with store.engine.connect() as connection:
        assert len(connection.execute(schema.api_sessions.select()).all()) == 1  # the other one was swept away


def test_a_session_of_the_settings_key_ends_when_that_is_another(sqlite: Store) -> None:
    with serving(create_app(sqlite, ApiSettings(admin_key=ADMIN))) as place:
        cookie = httpx.post(f"{place}/login", data={"key": ADMIN}).cookies["copydesk_session"]
        assert httpx.get(f"{place}/v1/keys", cookies={"copydesk_session": cookie}).status_code == 200
    with serving(create_app(sqlite, ApiSettings(admin_key=ADMIN[::-1]))) as place:
        assert httpx.get(f"{place}/v1/keys", cookies={"copydesk_session": cookie}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"}, False),
        ({"Origin": "http://{host}"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_another_site_can_change_nothing_with_the_cookie(site: str, headers: dict[str, str], admitted: bool) -> None:
    told = {name: value.format(host=site.removeprefix("http://")) for name, value in headers.items()}
    with httpx.Client(base_url=site) as browser:
        assert sign_in(browser, ADMIN).status_code == 303
        answer = browser.post("/v1/keys", json={"name": "x"}, headers=told)
    assert answer.status_code == (201 if admitted else 403), answer.text
    if not admitted:
        assert assert_problem(answer, 403)["type"] == "/docs#cross-site"
    # A key that a program sends is no cookie: no site can make a browser send it.
    by_key = httpx.post(f"{site}/v1/keys", json={"name": "x"}, headers={**bearer(ADMIN), **told})
    assert by_key.status_code == 201


def test_another_site_cannot_sign_a_browser_in(site: str) -> None:
    answer = httpx.post(f"{site}/login", data={"key": ADMIN}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"key": ADMIN}},
        {"content": b"key=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"key=\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": {"key": "x" * 100_000}},
        {"data": {f"field{number}": "" for number in range(200)}},
    ],
)
def test_what_is_no_form(site: str, body: dict[str, Any]) -> None:
    answer = httpx.post(f"{site}/login", **body)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "", "/a\nb", "/a b", "/\t/x", None],
)
def test_nobody_is_sent_elsewhere(path: str | None) -> None:
    assert local(path) == "/"


@given(st.text(max_size=30).map(lambda text: "/" + text))
def test_where_people_are_sent_is_a_path(path: str) -> None:
    target = httpx.URL("http://us.example/login").join(local(path))
    assert target.host == "us.example"


def test_methods_of_the_form(site: str) -> None:
    assert httpx.head(f"{site}/login").status_code == 200
    answer = httpx.put(f"{site}/login")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert httpx.get(f"{site}/logout").status_code == 405


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{Path(tmp_path_factory.mktemp('sign-in')) / 'api.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def site(sqlite: Store) -> Iterator[str]:
    """The address of a server for a whole module."""
    with serving(create_app(sqlite, ApiSettings(admin_key=ADMIN))) as base_url:
        yield base_url
