import pytest

from copydesk_fetcher.bodies import body_digest

from .samples import BASE, atom_of, rss

FEED = rss([("One", "/1"), ("Two", "/2")])
ATOM = atom_of(
    "<updated>2026-11-22T10:00:00Z</updated><entry><title>One</title><updated>2026</updated></entry>"
).decode()


def digest(text: str, url: str = BASE) -> str:
    return body_digest(url, text.encode())


@pytest.mark.parametrize(
    ("text", "found", "instead"),
    [
        (FEED, "<title>News", "<lastBuildDate>Sun, 22 Nov 2026 10:00:00 GMT</lastBuildDate><title>News"),
        (FEED, "<title>News", "<pubDate>\nnow </pubDate><title>News"),
        (FEED, "<title>News", '<generator uri="x">WordPress 7</generator><title>News'),
        (FEED, "<title>News", "<dc:date>2026-11-22</dc:date><title>News"),
        (FEED, "</rss>", "</rss><!-- made in 0.02 s\n by a cache -->"),
        (FEED, "</rss>", "</rss><!-- one --><!-- other -->"),
        (ATOM, "10:00:00", "11:00:00"),
    ],
)
def test_when_a_feed_was_made_makes_no_difference(text: str, found: str, instead: str) -> None:
    assert text.replace(found, instead) != text
    assert digest(text.replace(found, instead)) == digest(text)


@pytest.mark.parametrize(
    ("text", "found", "instead"),
    [
        (FEED, "<title>One", "<title>Won"),
        (FEED, "<title>One", "<pubDate>Sun, 22 Nov 2026 10:00:00 GMT</pubDate><title>One"),
        (FEED, "<title>One", "<!-- hidden --><title>One"),
        (FEED, "<title>News", "<ttl>60</ttl><title>News"),
        (ATOM, "<updated>2026</updated>", "<updated>2027</updated>"),
        ('{"items": [{"id": 1}]}', "1", "2"),
        ("", "", "x"),
    ],
)
def test_what_a_feed_says_makes_one(text: str, found: str, instead: str) -> None:
    assert digest(text.replace(found, instead)) != digest(text)


def test_where_it_came_from_makes_one_too() -> None:
    assert digest(FEED, "https://other.example/feed") != digest(FEED), "relative links mean something else there"


def test_hostile_bodies_take_no_time_to_speak_of() -> None:
    for piece in (b"<!--", b"<pubDate>", b"<item", b"</item ", b"<updated x", b"<a:", b"<generator>a</"):
        assert body_digest(BASE, piece * (4_000_000 // len(piece)))
