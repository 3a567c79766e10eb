import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.identity import article_id, canonical_url, registrable_domain, short_digest


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Example.ORG:443/a?utm_source=x&b=2&a=1#top", "https://example.org/a?a=1&b=2"),
        ("http://example.org:80", "http://example.org/"),
        ("http://example.org:8080/x", "http://example.org:8080/x"),
        ("https://user:secret@example.org/", "https://example.org/"),
        ("https://example.org/a%7Eb?fbclid=1", "https://example.org/a~b"),
        ("https://example.org./a", "https://example.org/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        (" https://example.org/a?id=&x ", "https://example.org/a?id=&x="),
        ("https://example.org/ünïcode?q=ß", "https://example.org/%C3%BCn%C3%AFcode?q=%C3%9F"),
    ],
)
def test_one_spelling_for_a_page(url: str, expected: str) -> None:
    assert canonical_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/a",
        "ftp://example.org/",
        "javascript:alert(1)",
        "http://",
        "http://[bad",
        "http://a:b/",
        "http://\\",
        "http:// ?",
        "http://a b/",
    ],
)
def test_what_is_not_an_absolute_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urllib has its own texts
        canonical_url(url)


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z][a-z0-9]{0,10}\.(com|co\.uk|org)", fullmatch=True),
    st.text(max_size=30),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4),
)
def test_the_canonical_url_of_a_canonical_url_is_itself(
    scheme: str, host: str, path: str, query: dict[str, str]
) -> None:
    from urllib.parse import quote, urlencode

    once = canonical_url(f"{scheme}://{host}/{quote(path)}?{urlencode(query)}")
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("https://edition.cnn.com/x", "cnn.com"),
        ("http://127.0.0.1:8000/x", "127.0.0.1"),
        ("http://[::1]/", "::1"),
        ("http://localhost:9/", "localhost"),
        ("http://co.uk/", "co.uk"),
    ],
)
def test_registrable_domain(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


def test_an_article_id_is_short_and_url_safe() -> None:
    identity = article_id("https://example.org/a")
    assert len(identity) == 20
    assert identity.replace("-", "").replace("_", "").isalnum()
    assert identity == short_digest("https://example.org/a")
