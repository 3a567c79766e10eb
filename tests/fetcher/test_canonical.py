import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.canonical import declared_in_head, declared_in_header, resolve_canonical
from copydesk_fetcher.head import read_head

URL = "https://www.news.example/2026/11/story?id=7&utm_source=rss"


def declared_in_html(text: str) -> str | None:
    return declared_in_head(read_head(text), URL)


@pytest.mark.parametrize(
    ("head", "declared"),
    [
        ('<link rel="canonical" href="https://news.example/s">', "https://news.example/s"),
        ("<LINK HREF='/s' REL='Canonical'/>", "https://www.news.example/s"),
        ("<link href=/s rel=canonical>", "https://www.news.example/s"),
        ('<link\n  rel="alternate canonical"\n  href="/s?a=1&amp;b=2"\n>', "https://www.news.example/s?a=1&b=2"),
        ('<base href="https://news.example/deep/"><link rel=canonical href="s">', "https://news.example/deep/s"),
        ('<link rel="canonical" href=""><link rel="canonical" href="/second">', "https://www.news.example/second"),
        ('<link rel="stylesheet" href="/x.css"><link rel="canonical" href="/s">', "https://www.news.example/s"),
        ('<title>a <link rel="canonical" href="/no"> b</title>', None),
        ('<!-- <link rel="canonical" href="/no"> -->', None),
        ('<script>"<link rel=canonical href=/no>"</script>', None),
        ('<style>a{content:"<link rel=canonical href=/no>"}</style>', None),
        ('</head><body><link rel="canonical" href="/no">', None),
        ('<body class="x"><link rel="canonical" href="/no">', None),
        ('<!-- never closed <link rel="canonical" href="/no">', None),
        ('<linkage rel="canonical" href="/no">', None),
        ('<link rel="canonical">', None),
        ('<link rel="canonical" href="http://[::1">', None),
        ("", None),
    ],
)
def test_what_the_head_declares(head: str, declared: str | None) -> None:
    assert declared_in_html(f"<!doctype html><html><head>{head}") == declared


@pytest.mark.parametrize(
    ("header", "declared"),
    [
        ('<https://news.example/s>; rel="canonical"', "https://news.example/s"),
        ("</s>; rel=canonical", "https://www.news.example/s"),
        ('</a,b>; rel="next", </s>; title="x, y"; rel="canonical"', "https://www.news.example/s"),
        ('</s>; rel="preload"', None),
        ("</s>", None),
        ("rel=canonical", None),
        ("", None),
    ],
)
def test_what_the_header_declares(header: str, declared: str | None) -> None:
    assert declared_in_header(header, URL) == declared


@pytest.mark.parametrize(
    ("declared", "canonical"),
    [
        (None, "https://www.news.example/2026/11/story?id=7"),
        ("https://news.example/s?utm_campaign=x#top", "https://news.example/s"),
        ("https://m.news.example/s", "https://m.news.example/s"),
        ("https://evil.example/s", "https://www.news.example/2026/11/story?id=7"),
        ("https://www.news.example/", "https://www.news.example/2026/11/story?id=7"),
        ("javascript:alert(1)", "https://www.news.example/2026/11/story?id=7"),
        ("file:///etc/passwd", "https://www.news.example/2026/11/story?id=7"),
        ("not a url", "https://www.news.example/2026/11/story?id=7"),
    ],
)
def test_a_declaration_counts_on_its_own_site_only(declared: str | None, canonical: str) -> None:
    assert resolve_canonical(URL, declared) == canonical


def test_a_front_page_may_declare_a_front_page() -> None:
    assert resolve_canonical("https://news.example/?utm_source=x", "https://www.news.example/") == (
        "https://www.news.example/"
    )


@pytest.mark.parametrize("part", ["<!--", "<", "<link ", "<link rel=canonical ", "<script", '<link href="', "<title>"])
def test_a_tag_that_never_ends_is_the_last_one_looked_at(part: str) -> None:
    head = part * (300_000 // len(part))
    assert declared_in_html(head) is None
    assert declared_in_header(part * 10_000, URL) is None


@given(st.text(alphabet="<>link relcanonical=\"'/!-ABCİ:[]h tp&#;", max_size=200))
def test_no_head_and_no_header_breaks_it(text: str) -> None:
    for declared in (declared_in_html(text), declared_in_header(text, URL)):
        assert resolve_canonical(URL, declared).startswith("http")
