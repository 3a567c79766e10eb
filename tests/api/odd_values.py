"""Cursors and searches that nobody would write, as hypothesis draws them."""

from collections.abc import Sequence
from urllib.parse import quote

from hypothesis import strategies as st

from copydesk_api import cursors
from copydesk_api.cursors import MAX_VALUE
from copydesk_api.cursors import _encode as forge
from tests.api.test_search import SYNTAX

KINDS = (cursors.ARTICLES, cursors.CHANGES, cursors.REVISIONS, cursors.SOURCES, cursors.FEEDS, cursors.DELIVERIES)
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ODD = ["", "0", "beginning", "null", "\x00", "a" * 2001, "é", "1:5", "1:5,2:" + "9" * 18, "=", "%", "' OR 1=1 --"]
numbers = st.sampled_from([0, 1, -1, MAX_VALUE, -MAX_VALUE, 2**53, 253_402_300_800_000_000]) | st.integers(-10, 10)


def mutated(real: Sequence[str]) -> st.SearchStrategy[str]:
    """Real cursors with a character more, less or other."""
    cursor, at, char = st.sampled_from(real), st.integers(0, 300), st.sampled_from(f"{BASE64}=. ")
    return st.builds(
        lambda text, place, new, cut: text[: place % len(text)] + new + text[place % len(text) + cut :],
        cursor, at, st.just("") | char, st.integers(0, 2),
    )  # fmt: skip


def forged(contexts: Sequence[str]) -> st.SearchStrategy[str]:
    """Cursors with the right check digits, and values that this service never gave out."""
    context = st.sampled_from(contexts) | st.text(max_size=12) | st.sampled_from(["AA", "AAA", "gICA", "=="])
    drawn = st.tuples(st.sampled_from(KINDS), context, st.lists(numbers, max_size=4))
    return drawn.map(lambda each: forge(each[0], each[1], *each[2]))


def odd_cursors(real: Sequence[str], contexts: Sequence[str]) -> st.SearchStrategy[str]:
    """All of these, those of other lists and of another database among them."""
    return st.one_of(
        st.sampled_from(real), mutated(real), forged(contexts), st.text(max_size=40), st.sampled_from(ODD),
        st.text(BASE64, max_size=80),
    )  # fmt: skip


LONG = ["a" * 500, "a " * 250, '"' * 500, "(" * 500, "ﷺ" * 250, "e\u0301" * 250, "NEAR(" * 100, '"a" ' * 32, "a" * 501]
COLUMNS = ["title:a", "body : a", "{title body} : a", "- title : a", "^a", "a*", '"a b"*', "NEAR(a b, 2)", "a AND", "NOT"]  # fmt: skip
searches = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*SYNTAX, *COLUMNS]), min_size=1, max_size=12).map(" ".join),
    st.lists(st.sampled_from([*SYNTAX, *COLUMNS]), min_size=1, max_size=12).map("".join),
    st.sampled_from(LONG),
)
ids = st.one_of(
    st.text(min_size=1, max_size=30), st.sampled_from([*LONG, "..", ".", "a/b", "\x00", "%2e%2e", "b", "fused"])
)
segments = ids.map(lambda text: quote(text, safe=""))
