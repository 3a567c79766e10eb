import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.canonical import resolve_canonical
from copydesk_shared.identity import canonical_url, registrable_domain
from copydesk_shared.urls import URL_LIMIT, plain_url

BASE = "https://news.example/feed.xml"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        (" https://news.example/a#b ", "https://news.example/a"),
        ("HTTPS://me:secret@News.Example:8443/a?b=c", "https://News.Example:8443/a?b=c"),
        ("/a", "https://news.example/a"),
        ("?page=2", "https://news.example/feed.xml?page=2"),
        ("//[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://münchen.example/ü", "https://münchen.example/ü"),
    ],
)
def test_what_we_ask_for(url: str, plain: str) -> None:
    assert plain_url(url, BASE) == plain


@pytest.mark.parametrize(
    "url",
    ["ftp://news.example/", "mailto:a@b.example", "http://", "http://./", "http://../", "http://[::1", "http:///a", "http:// ?", "http://a b/", "http://\\/a", "http://evil.example\\@news.example/",
     "http://news.example:99999/", "http://news.example:x/", "https://news.example/" + "a" * URL_LIMIT],
)  # fmt: skip
def test_what_we_do_not_ask_for(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        plain_url(url)


URLS = st.text(alphabet="ahtp:/.?#@[]%0 \\\t\nü新=&;-_", max_size=60)


@given(URLS | URLS.map(lambda tail: f"http://{tail}") | URLS.map(lambda tail: f"http://news.example{tail}"))
def test_what_is_plain_has_everything_that_the_rest_of_the_way_needs(url: str) -> None:
    try:
        plain = plain_url(url, BASE)
    except ValueError:
        return
    assert registrable_domain(plain)
    assert canonical_url(plain).startswith("http")
    assert resolve_canonical(plain, url).startswith("http")
    assert plain_url(plain) == plain


def test_what_nobody_sees_is_encoded() -> None:
    assert plain_url("https://a.test/x y\x1b[31m?q=\x9b1") == "https://a.test/x%20y%1B[31m?q=%C2%9B1"
