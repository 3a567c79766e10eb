"""Who has an answer already gets 304, from one row at most; who cannot have it gets it whole. With a real server."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from sqlalchemy import event, update

from copydesk_api import schema
from copydesk_api.app import create_app
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from tests.api.samples import article
from tests.api.servers import serving

PATHS = [
    "/v1/articles?tag=conflict", "/v1/articles/a", "/v1/changes", "/v1/feed.json", "/v1/feed.atom", "/v1/feed.rss",
    "/v1/tags", "/", "/articles/a", "/v1/articles/a/revisions", "/articles/a/revisions",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_what_the_program_says_of_itself_has_a_strong_tag(sqlite_client: httpx.Client, path: str) -> None:
    first = sqlite_client.get(path, headers={"Accept-Encoding": "identity"})
    tag = first.headers["etag"]
    assert (first.status_code, tag[0], tag[-1]) == (200, '"', '"')
    for asked in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = sqlite_client.get(path, headers={"If-None-Match": asked, "Accept-Encoding": "identity"})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == first.headers["cache-control"] == "no-cache"
    assert sqlite_client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert sqlite_client.head(path).headers["etag"] == sqlite_client.get(path).headers["etag"]
    coded = sqlite_client.get(path, headers={"Accept-Encoding": "gzip"})
    assert (coded.headers["content-encoding"], coded.content) == ("gzip", first.content)
    assert coded.headers["etag"] != tag, "another coding is another representation"
    known = {"If-None-Match": coded.headers["etag"], "Accept-Encoding": "gzip"}
    assert sqlite_client.get(path, headers=known).status_code == 304


def fill(store: Store, *ids: str) -> None:
    store.write([(each, article(each, text=f"Copy of {each}. " * 60)) for each in ids], {})


def age(store: Store, seconds: float) -> datetime:
    """All changes were so long ago."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    with store._engine.begin() as connection:
        connection.execute(update(schema.changes).values(at=at))
    return at


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """What is asked of the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    yield asked
    event.remove(store._engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", PATHS)
def test_the_same_answer_again_is_304_and_reads_no_article(
    client: httpx.Client, store: Store, statements: list[str], path: str
) -> None:
    fill(store, "a")
    first = client.get(path)
    statements.clear()
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]
    asked = [each for each in statements if each.lstrip().upper().startswith("SELECT")]
    assert not [each for each in asked if "articles" in each]
    fill(store, "b")
    changed = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    is_about_a = "/articles/a" in path
    assert (changed.status_code, changed.headers["etag"] == first.headers["etag"]) == (
        (304, True) if is_about_a else (200, False)
    ), "an answer that did not change keeps its tag though others did"


@pytest.mark.parametrize("path", PATHS)
def test_the_tag_is_of_the_content_whoever_serves_it(client: httpx.Client, store: Store, path: str) -> None:
    fill(store, "a")
    mine = client.get(path).headers["etag"]
    with serving(create_app(store, ApiSettings(base_url=str(client.base_url)))) as other:
        asked = httpx.get(f"{other}{path}", headers={"If-None-Match": mine})
    assert asked.status_code == 304


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br"])
def test_each_coding_has_its_own_tag_and_is_known_again(client: httpx.Client, store: Store, coding: str) -> None:
    fill(store, "a")
    plain = client.get("/v1/articles", headers={"Accept-Encoding": "identity"})
    coded = client.get("/v1/articles", headers={"Accept-Encoding": coding})
    assert coded.headers["content-encoding"] == coding
    assert "Accept-Encoding" in coded.headers["vary"]
    assert coded.content == plain.content
    assert coded.headers["etag"] != plain.headers["etag"]
    for known in (coded, plain):
        tag = known.headers["etag"]
        again = client.get("/v1/articles", headers={"Accept-Encoding": coding, "If-None-Match": f'"x", W/{tag}'})
        assert (again.status_code, again.headers["etag"]) == (304, tag)


@pytest.mark.parametrize("value", ['""', '"x"', "x", "W/", '"a', ",,,", "-gzip", '"-gzip"', "\xff"])
def test_a_tag_that_is_not_ours_gets_the_answer(client: httpx.Client, store: Store, value: str) -> None:
    fill(store, "a")
    assert client.get("/v1/articles", headers={b"If-None-Match": value.encode("latin-1")}).status_code == 200


def test_a_star_asks_for_nothing_that_is_there(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    assert client.get("/v1/articles/a", headers={"If-None-Match": "*"}).status_code == 304
    assert client.get("/v1/articles/none", headers={"If-None-Match": "*"}).status_code == 404


def test_by_time_for_those_that_know_no_tags(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    assert "last-modified" not in client.get("/v1/articles").headers, "others may come in the same second"
    at = age(store, 60)
    fresh = client.get("/v1/articles")
    assert fresh.headers["last-modified"] == format_datetime(at, usegmt=True)
    for since, status in ((at, 304), (at + timedelta(days=1), 304), (at - timedelta(seconds=2), 200)):
        asked = client.get("/v1/articles", headers={"If-Modified-Since": format_datetime(since, usegmt=True)})
        assert asked.status_code == status, since
    both = {"If-Modified-Since": format_datetime(at, usegmt=True), "If-None-Match": '"other"'}
    assert client.get("/v1/articles", headers=both).status_code == 200, "the tag decides where there is one"
    assert client.get("/v1/articles", headers={"If-Modified-Since": "yesterday"}).status_code == 200


@pytest.mark.parametrize(
    "since",
    [
        "Mon, 23 Nov 99999999999999 10:00:00 GMT", "Mon, 23 Nov 2026 10:00:00 +9999999999999999",
        "Mon, 23 Nov 2026 99999999999999999999:00:00 GMT", "Mon, 32 Nov 2026 10:00:00 GMT", "", "0",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_read_is_none(client: httpx.Client, store: Store, since: str) -> None:
    fill(store, "a")
    for path in ("/v1/articles", "/openapi.json"):
        assert client.get(path, headers={"If-Modified-Since": since}).status_code == 200


def test_who_waits_has_no_tag_however_the_question_is_written(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    end = client.get("/v1/changes").json()["next"]
    for name in ("wait", "wai%74", "%77%61%69%74"):
        assert "etag" not in client.get(f"/v1/changes?after={end}&{name}=0.1").headers, name


def test_errors_have_no_tag(client: httpx.Client) -> None:
    for path in ("/v1/articles?x=1", "/v1/articles/none", "/v1/articles?cursor=abcd"):
        assert "etag" not in client.get(path).headers


def test_head_tells_what_get_would(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    get, head = client.get("/v1/articles"), client.head("/v1/articles")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.content == b""
    known = {"If-None-Match": get.headers["etag"]}
    assert client.head("/v1/articles", headers=known).status_code == 304


def test_head_of_what_is_streamed_has_no_length_and_no_tag(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    for coding in ("identity", "zstd"):
        asked = {"Accept-Encoding": coding}
        head, get = (client.request(method, "/v1/articles.ndjson", headers=asked) for method in ("HEAD", "GET"))
        unlike = {name for name, value in get.headers.items() if head.headers.get(name) != value}
        assert unlike <= {"date", "ratelimit", "transfer-encoding"}
        assert not {"etag", "content-length", "last-modified"} & set(head.headers)


def test_all_that_is_long_is_compressed_but_what_never_ends(client: httpx.Client, store: Store) -> None:
    fill(store, *(f"a{number}" for number in range(5)))
    asked = {"Accept-Encoding": "zstd"}
    for path, kind in (
        ("/v1/feed.json", "application/feed+json"), ("/v1/articles.ndjson", "application/x-ndjson"),
        ("/v1/articles/a1", "application/ninjs+json"), ("/v1/feed.atom", ""), ("/", "text/html"),
    ):  # fmt: skip
        answer = client.get(path, headers={**asked, "Accept": kind})
        assert (answer.headers["content-encoding"], answer.status_code) == ("zstd", 200), path
        assert answer.headers["content-type"].startswith(kind)
    with client.stream("GET", "/v1/stream", headers=asked) as answer:
        assert "content-encoding" not in answer.headers, "hundreds follow, and each compressor is megabytes"


def test_options_tells_what_may_be_asked(client: httpx.Client) -> None:
    for path in (
        "/v1/changes", "/v1/articles/a", "/v1/articles/a/revisions", "/", "/pipeline", "/openapi.json",
        "/static/copydesk.css",
    ):  # fmt: skip
        answer = client.options(path)
        assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert client.options("/v1/articles").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.options("/v1/nothing").status_code == 404
    refused = client.delete("/v1/tags")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_scripts_of_other_sites_by_setting(store: Store) -> None:
    asking = {"Origin": "https://reader.example"}
    wanting = {**asking, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "If-None-Match"}
    for origins, allowed in (("", None), ("https://reader.example", "https://reader.example"), ("*", "*")):
        with serving(create_app(store, ApiSettings(cors_origins=origins))) as url:
            answer = httpx.get(f"{url}/v1/articles", headers=asking)
            assert answer.headers.get("access-control-allow-origin") == allowed
            if allowed:
                assert "ETag" in answer.headers["access-control-expose-headers"]
                told = httpx.options(f"{url}/v1/articles", headers=wanting)
                assert told.status_code == 200
                assert told.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST"


@pytest.mark.parametrize("origins", ["example.org", "https://a.example/path", "https://a.example,ftp://b.example"])
def test_an_origin_that_is_none_is_refused(origins: str) -> None:
    with pytest.raises(ValueError, match="is not an origin such as"):
        ApiSettings(cors_origins=origins)


def test_gzip_is_gzip(client: httpx.Client, store: Store) -> None:
    fill(store, "a")
    with client.stream("GET", "/v1/articles", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert b'"article_id":"a"' in gzip.decompress(raw)
