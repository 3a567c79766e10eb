"""Whatever is sent to a call that changes something: it is a mistake of the sender, or done; never an error of ours."""

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk_api.app import create_app
from copydesk_api.operating.feed_table import Feeds
from copydesk_api.operating.parts import Operating
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.servers import serving
from tests.api.test_keys import ADMIN, bearer

NAMES = (
    "name scope expires_at url id interval content kind off_site websub paused text html title authors published_at source "
    "overlap_seconds other"
).split()
ODD: st.SearchStrategy[object] = st.sampled_from([
    "", " ", "\x00", "\ud800", "a\u202eb", "https://a.example/", "http://[::1", "https://a.example:99999/", "//x", "15m",
    "https://exa mple.org/", "https://1.2.3/", "urn:x", "read", "auto", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
    0, -1, 1e308, 10**30, True, None, [], {}, [[]],
])  # fmt: skip
BODIES = ODD | st.dictionaries(st.sampled_from(NAMES), ODD | st.text(max_size=20), max_size=6)
CALLS = st.sampled_from([
    ("POST", "/v1/keys"), ("POST", "/v1/keys/x/rotate"), ("DELETE", "/v1/keys/x"), ("POST", "/v1/feeds"),
    ("PATCH", "/v1/feeds/x"), ("DELETE", "/v1/feeds/x"), ("POST", "/v1/feeds/import"), ("POST", "/v1/articles"),
    ("POST", "/login"), ("POST", "/logout"),
])  # fmt: skip
TYPES = st.sampled_from(["application/json", "application/json", "text/plain", "application/x-www-form-urlencoded"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('any') / 'api.db'}")
    feeds = Feeds()
    feeds.table.is_known = True
    app = create_app(store, ApiSettings(admin_key=ADMIN, rate_key="off"), operating=Operating(feeds))
    with serving(app) as base_url, httpx.Client(base_url=base_url, headers=bearer(ADMIN)) as http:
        yield http
    store.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=CALLS, body=BODIES, media_type=TYPES, cut=st.integers(0, 3))
def test_no_body_is_an_error_of_ours(
    client: httpx.Client, call: tuple[str, str], body: object, media_type: str, cut: int
) -> None:
    content = json.dumps(body).encode()
    answer = client.request(*call, content=content[: len(content) - cut], headers={"Content-Type": media_type})
    away = answer.status_code == 503 and answer.headers["retry-after"] == "5"
    assert answer.status_code < 500 or away, answer.text
    if answer.status_code >= 400 and call[1].startswith("/v1"):
        assert answer.headers["content-type"] == "application/problem+json"
