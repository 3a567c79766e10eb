"""Which addresses are one article's: a table, and properties over many addresses."""

import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.canonical import resolve_canonical
from copydesk_shared.identity import article_id, canonical_url
from copydesk_shared.url_rules import TRACKING_PARAMETERS, TRACKING_PREFIXES

SITE = "https://www.news.example"
STORY = f"{SITE}/2026/11/ferry-crews-complain"

ONE_ARTICLE = [
    f"{STORY}#comments", f"{STORY}?utm_source=rss&utm_medium=feed", f"{STORY}?UTM_Source=rss", f"{STORY}?fbclid=IwAR1",
    f"{STORY}?gclid=a&gad_source=1&gbraid=b&wbraid=c", f"{STORY}?srsltid=AfmB", f"{STORY}?ttclid=1&msclkid=2&twclid=3",
    f"{STORY}?_gl=1*abc&_ga=2.1", f"{STORY}?mc_cid=1&mc_eid=2", f"{STORY}?mkt_tok=abc&dm_i=1", f"{STORY}?at_medium=RSS",
    f"{STORY}?__hstc=1&__hssc=2&_hsenc=3&hsa_acc=4", f"{STORY}?xtor=RSS-1", f"{STORY}?ref=rss", f"{STORY}?utm_source=a&amp;utm_medium=b", f"{STORY}?partner=rss",
    f"{STORY}?mod=rss", f"{STORY}?source=RSS", f"{STORY}?itm_source=homepage", f"{STORY}?matomo_campaign=x",
    f"{STORY}?PHPSESSID=0a1b2c", f"{STORY};jsessionid=0A1B2C", f"{STORY};jsessionid=0A1B2C?utm_term=x",
    f"{STORY}?guce_referrer=a&guccounter=1", f"{STORY}?ito=1490&ns_campaign=x&ICID=1", f"{STORY}?mibextid=1&igsh=2",
    "https://www.news.example:443/2026/11/ferry-crews-complain", "HTTPS://WWW.News.Example/2026/11/ferry-crews-complain",
    "https://www.news.example./2026/11/ferry-crews-complain", "https://me:secret@www.news.example/2026/11/ferry-crews-complain",
    f"{SITE}/2026/11/ferry%2Dcrews%2dcomplain", f"{SITE}/2026/10/../11/./ferry-crews-complain", f" {STORY} ", f"{STORY}?",
    f"{STORY}/amp", f"{STORY}/amp?utm_source=x", f"{STORY}/AMP", f"{STORY}/amp/amp", f"{STORY}?amp", f"{STORY}?amp=1", f"{STORY}?amp=true",
    f"{STORY}?outputType=amp", f"{STORY}?output=amp", f"{STORY}?isAmp=true", f"{STORY}?usqp=mq331AQIUAKwASCAAgM%3D&amp_js_v=0.1",
    "https://www-news-example.cdn.ampproject.org/c/s/www.news.example/2026/11/ferry-crews-complain/amp",
    "https://www-news-example.cdn.ampproject.org/v/s/www.news.example/2026/11/ferry-crews-complain?amp_js_v=a9&amp_gsa=1",
    "https://cdn.ampproject.org.cdn.ampproject.org/c/s/www-news-example.cdn.ampproject.org/c/s/www.news.example/2026/11/ferry-crews-complain",
    "https://www.google.com/amp/s/www.news.example/2026/11/ferry-crews-complain/amp", "https://google.co.uk/amp/s/www.news.example/2026/11/ferry-crews-complain",
    "https://www-news-example.bing-amp.com/c/s/www.news.example/2026/11/ferry-crews-complain",
]  # fmt: skip

# Pairs that look alike and are two articles.
TWO_ARTICLES = [
    (f"{SITE}/story?id=1", f"{SITE}/story?id=2"), (f"{SITE}/story?p=1", f"{SITE}/story"), (f"{SITE}/a", f"{SITE}/b"),
    (f"{SITE}/story?q=%E9", f"{SITE}/story?q=%E8"), (f"{SITE}/caf%E9", f"{SITE}/caf%E8"), (f"{SITE}/a%2Fb", f"{SITE}/a/b"),
    (f"{SITE}/a%3Fb", f"{SITE}/a?b"), (f"{SITE}/a%26b", f"{SITE}/a%26c"), (f"{SITE}/Story", f"{SITE}/story"),
    (f"{SITE}/tags/amp", f"{SITE}/tags"), (f"{SITE}/amp", f"{SITE}/"), (f"{SITE}/guitar/amp/", f"{SITE}/guitar/"),
    (f"{SITE}/how-to-build-an-amp", f"{SITE}/how-to-build-an"), (f"{SITE}/s?ref=1234", f"{SITE}/s?ref=1235"),
    (f"{SITE}/s?source=rss1", f"{SITE}/s?source=rss2"), (f"{SITE}/s?amp=200w", f"{SITE}/s?amp=300w"),
    (f"{SITE}/s?view=print1", f"{SITE}/s?view=print2"), (f"{SITE}/s?mod=news", f"{SITE}/s?mod=sport"),
    (f"{SITE}/s?a=1&b=2", f"{SITE}/s?a=2&b=1"), (f"{SITE}/s?a=1%26b=2", f"{SITE}/s?a=1&b=2"), (f"{SITE}/s?t=a+b", f"{SITE}/s?t=a%2Bb"),
    ("https://one.blog.example/2026/a-b-c", "https://two.blog.example/2026/a-b-c"), (f"{SITE}:8443/s", f"{SITE}/s"),
    ("https://www.google.com/amp/s/a.example/x", "https://www.google.com/amp/s/b.example/x"),
    ("https://a.cdn.ampproject.org/c/s/a.example/x?id=1", "https://a.cdn.ampproject.org/c/s/a.example/x?id=2"),
    ("https://notampproject.example/c/s/a.example/x", "https://a.example/x"), ("https://a.cdn.ampproject.org/c/s/not a host/x", "https://a.example/x"),
    (f"{SITE}/s;page=1", f"{SITE}/s;page=2"),
]  # fmt: skip


@pytest.mark.parametrize("url", ONE_ARTICLE)
def test_spellings_of_one_article_have_one_id(url: str) -> None:
    assert canonical_url(url) == STORY


@pytest.mark.parametrize(("one", "other"), TWO_ARTICLES)
def test_two_articles_have_two_ids(one: str, other: str) -> None:
    assert article_id(canonical_url(one)) != article_id(canonical_url(other))


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        (f"{SITE}/2026/story.html/amp", f"{SITE}/2026/story.html"),
        (f"{SITE}/2026/story.amp.html", f"{SITE}/2026/story.html"),
        (f"{SITE}/a-long-story/amp/", f"{SITE}/a-long-story/"),
        (f"{SITE}/a-long-story/amp.html", f"{SITE}/a-long-story"),
        (f"{SITE}/amp/a-long-story", f"{SITE}/amp/a-long-story"),
        ("https://amp.news.example/a-long-story", "https://amp.news.example/a-long-story"),
        ("http://cdn.ampproject.org/c/s/a.example/x", "http://cdn.ampproject.org/c/s/a.example/x"),
        ("https://a.cdn.ampproject.org/c/a.example/x", "http://a.example/x"),
    ],
)
def test_amp_by_rule_where_it_is_safe(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    ("url", "declared", "canonical"),
    [
        ("https://m.news.example/2026/11/ferry-crews-complain", STORY, STORY),
        ("https://mobile.news.example/s/4711", STORY, STORY),
        ("https://touch.news.example/s/4711?utm_source=x", STORY, STORY),
        ("https://amp.news.example/2026/11/ferry-crews-complain", STORY, STORY),
        (f"{SITE}/amp/2026/11/ferry-crews-complain", STORY, STORY),
        (f"{STORY}/amp/", f"{STORY}?utm_source=amp", STORY),
        (f"{STORY}?page=2", STORY, STORY),
        (STORY, f"{SITE}/", STORY),
        (f"{SITE}/news/ferry-crews-complain", f"{SITE}/news/", f"{SITE}/news/ferry-crews-complain"),
        (f"{SITE}/news/ferry-crews-complain", f"{SITE}/n", f"{SITE}/n"),
        (STORY, "https://other.example/2026/11/ferry-crews-complain", STORY),
        (f"{SITE}/article.php?id=7", f"{SITE}/article.php", f"{SITE}/article.php?id=7"),
        (f"{SITE}/?p=7", f"{SITE}/", f"{SITE}/?p=7"),
        (f"{SITE}/?p=7", STORY, STORY),
        (f"{SITE}/article.php?id=7&from=home", f"{SITE}/article.php?id=7", f"{SITE}/article.php?id=7"),
        (f"{SITE}/news?tab=1", f"{SITE}/news?tab=2", f"{SITE}/news?tab=2"),
        (f"{SITE}/a-long-story?view=full", f"{SITE}/a-long-story", f"{SITE}/a-long-story"),
    ],
)
def test_what_a_page_declares_of_itself(url: str, declared: str, canonical: str) -> None:
    assert resolve_canonical(url, declared) == canonical


PATHS = st.lists(st.text(alphabet="abz09-_.~é新 %", min_size=1, max_size=8), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="") if part not in {".", ".."} else "dot" for part in parts)
)
QUERIES = st.dictionaries(st.sampled_from(("id", "p", "page", "a b", "ü")), st.text(max_size=5), max_size=3).map(
    lambda fields: "&".join(f"{quote(name)}={quote(value)}" for name, value in fields.items())
)
PAGES = st.builds(lambda path, query: f"https://news.example{path}" + (f"?{query}" if query else ""), PATHS, QUERIES)


@given(
    PAGES,
    st.lists(st.sampled_from(sorted(TRACKING_PARAMETERS)), max_size=4),
    st.sampled_from(TRACKING_PREFIXES),
    st.randoms(),
)
def test_tracking_and_order_do_not_count(url: str, names: list[str], prefix: str, chance: random.Random) -> None:
    base, _, query = url.partition("?")
    fields = [*filter(None, query.split("&")), *(f"{name}=x" for name in (*names, f"{prefix}x"))]
    chance.shuffle(fields)
    assert canonical_url(f"{base}?{'&'.join(fields)}#there") == canonical_url(url)


@given(PAGES, PAGES)
def test_different_pages_stay_different(one: str, other: str) -> None:
    is_same = canonical_url(one) == canonical_url(other)
    assert is_same == (_parts(one) == _parts(other))


def _parts(url: str) -> tuple[str, list[str]]:
    path, _, query = url.partition("?")
    return path, sorted(query.split("&"))


@given(PAGES, st.sampled_from(("https://x.cdn.ampproject.org/c/s/", "https://www.google.com/amp/s/")))
def test_a_copy_in_a_cache_is_its_original(url: str, cache: str) -> None:
    copied = cache + url.removeprefix("https://")
    assert canonical_url(copied) == canonical_url(url)
    assert canonical_url(canonical_url(copied)) == canonical_url(copied)


@given(st.text(alphabet="amp/-.html0195?&=;jsesionid:cdn", max_size=60))
def test_the_canonical_url_is_its_own(tail: str) -> None:
    once = canonical_url(f"https://news.example/{tail}")
    assert canonical_url(once) == once
