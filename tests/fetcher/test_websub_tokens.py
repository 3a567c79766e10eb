"""Addresses, secrets, signatures, links and limits, by themselves."""

import hashlib
import hmac
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copydesk_fetcher.websub.limits import LEAST_CHARGE, Allowances, Full, LastBodies, Room
from copydesk_fetcher.websub.links import HubLinks, hub_from_headers
from copydesk_fetcher.websub.signatures import ALGORITHMS, Signature
from copydesk_fetcher.websub.tokens import Tokens, callback_url, check_settings
from copydesk_shared.errors import SettingsError
from copydesk_shared.messages import Feed

from .conftest import Settings
from .hub import sign
from .websub_parts import FEED, SECRET, TOPIC, websub

BASE = "https://news.example/feed.xml"


def test_any_replica_can_check_what_another_has_made() -> None:
    ticket = Tokens(SECRET).check("news", Tokens(SECRET).token(FEED, TOPIC))
    assert ticket is not None
    assert (ticket.feed_id, ticket.place) == ("news", "news.example")
    assert ticket.is_for(TOPIC)
    assert not ticket.is_for(TOPIC + "&")
    assert ticket.secret == Tokens(SECRET).secret(FEED, TOPIC)
    assert len(ticket.secret.encode()) < 200


def test_each_subscription_has_an_address_and_a_secret_of_its_own() -> None:
    tokens = Tokens(SECRET)
    others = [FEED.model_copy(update={"feed_id": "other"}), FEED.model_copy(update={"url": "https://other.example/"})]
    pairs = [(FEED, TOPIC), (FEED, TOPIC + "2"), *((feed, TOPIC) for feed in others)]
    assert len({tokens.token(*pair) for pair in pairs}) == len({tokens.secret(*pair) for pair in pairs}) == len(pairs)
    assert Tokens(SECRET + "2").token(FEED, TOPIC) != tokens.token(FEED, TOPIC)
    assert tokens.secret(FEED, TOPIC) not in tokens.token(FEED, TOPIC)


@given(st.integers(0, 52), st.characters())
def test_a_token_with_one_other_character_is_none(at: int, character: str) -> None:
    token = Tokens(SECRET).token(FEED, TOPIC)
    changed = token[:at] + character + token[at + 1 :]
    assert (Tokens(SECRET).check("news", changed) is not None) == (changed == token)


@given(st.text(), st.text())
@example("news", "")
@example("news", ".news.example")
def test_what_strangers_make_up_is_no_token(feed_id: str, token: str) -> None:
    assert Tokens(SECRET).check(feed_id, token) is None


def test_an_address_is_short_enough_for_hubs_that_limit_it_and_survives_quoting() -> None:
    feed = Feed(feed_id="f" * 64, url="https://www.a-rather-long-name-of-a-newspaper.co.uk/feed", name="x")
    url = callback_url("https://copydesk.newsroom.example/hooks/", feed.feed_id, Tokens(SECRET).token(feed, TOPIC))
    assert len(url) < 250
    for odd in ("http://[2001:db8::1]:8080/f", "https://bücher.example/f"):
        feed = Feed(feed_id="x", url=odd, name="x")
        url = callback_url("https://copydesk.example", feed.feed_id, Tokens(SECRET).token(feed, TOPIC))
        assert url.isascii()
        assert Tokens(SECRET).check("x", unquote(urlsplit(url).path.rpartition("/")[2])) is not None


@pytest.mark.parametrize(
    ("given_settings", "wrong"),
    [
        ({"websub_secret": None}, "COPYDESK_FETCHER_WEBSUB_SECRET is missing"),
        ({"websub_secret": "x" * 15}, "COPYDESK_FETCHER_WEBSUB_SECRET is too short"),
        ({"websub_url": "ftp://copydesk.example"}, "COPYDESK_FETCHER_WEBSUB_URL='ftp://copydesk.example'"),
        ({"websub_url": "copydesk.example"}, "COPYDESK_FETCHER_WEBSUB_URL"),
        ({"websub_url": "https://"}, "COPYDESK_FETCHER_WEBSUB_URL"),
        ({"websub_url": "https://[bad"}, "COPYDESK_FETCHER_WEBSUB_URL"),
        ({"websub_url": "https://copydesk.example/?a=b"}, "no user name, query or fragment"),
        ({"websub_url": "https://me@copydesk.example/"}, "no user name, query or fragment"),
        ({"websub_url": "https://copydesk.example/#x"}, "no user name, query or fragment"),
    ],
)
def test_settings_that_cannot_work_are_one_line(
    settings_with: Settings, given_settings: dict[str, str | None], wrong: str
) -> None:
    with pytest.raises(SettingsError, match=wrong.replace("?", r"\?")) as raised:
        check_settings(settings_with(**websub(**given_settings)))
    assert "\n" not in str(raised.value)
    assert "xxx" not in str(raised.value)


def test_without_an_address_nothing_is_needed(settings_with: Settings) -> None:
    check_settings(settings_with())
    check_settings(settings_with(**websub(websub_url="https://copydesk.example/path/")))


@pytest.mark.parametrize(
    ("header", "hub", "self_url"),
    [
        ('<https://hub.example/>; rel="hub", </feed>; rel="self"', "https://hub.example/", "https://news.example/feed"),
        ("<https://hub.example/>;rel=hub,<x.xml>;rel=self", "https://hub.example/", "https://news.example/x.xml"),
        ('<https://a.example/>; REL="Alternate HUB"; title="a, \\"b\\" <c>; rel=self"', "https://a.example/", None),
        (
            "<ftp://a/>; rel=hub, <https://b.example/>; rel=hub, <https://c.example/>; rel=hub",
            "https://b.example/",
            None,
        ),
        ('<https://a.example/>; rel="self hub"', "https://a.example/", "https://a.example/"),
        ("<https://a.example/>; rel=next; rel=hub", None, None),
        ('<https://a.example/>; rel=hub; anchor="https://else.example/"', None, None),
        ("<https://a.example/> nonsense; , <https://b.example/>; rel=hub", "https://b.example/", None),
        ("<https://a.example/", None, None),
        ("", None, None),
    ],
)
def test_links_of_headers(header: str, hub: str | None, self_url: str | None) -> None:
    assert hub_from_headers(header, BASE) == HubLinks(hub, self_url)


@given(st.text(alphabet='<>;,="\\ relhubsfanco:/.*\r\n\x00é'))
def test_no_header_is_too_odd(header: str) -> None:
    for url in hub_from_headers(header, BASE):
        assert url is None or url.startswith(("http://", "https://"))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"\\')))
def test_a_link_is_found_behind_any_quoted_text(text: str) -> None:
    header = f'<https://a.example/>; title="{text}"; rel=next, <https://b.example/>; rel=hub'
    assert hub_from_headers(header[:16_000], BASE).hub == ("https://b.example/" if len(header) < 16_000 else None)


@pytest.mark.parametrize(
    "header", ["<" * 16_000, '<a>;a="' * 2000, "<a>" + ";" * 16_000, "<a>;" + " " * 16_000, "," * 16_000]
)
def test_hostile_headers_are_read_to_their_end(header: str) -> None:
    assert hub_from_headers(header, BASE) == HubLinks(None, None)


@given(st.binary(), st.sampled_from(sorted(ALGORITHMS)), st.text(min_size=1))
def test_signatures_are_those_of_the_standard_library(body: bytes, name: str, secret: str) -> None:
    assert checked([sign(secret, body, name)], secret, body)
    assert checked([sign(secret, body, name).upper()], secret, body)
    assert not checked([sign(secret, body + b"x", name)], secret, body)
    assert not checked([sign(secret + "x", body, name)], secret, body)


def checked(headers: list[str], secret: str, body: bytes) -> bool:
    signature = Signature(headers, secret)
    for start in range(0, len(body), 3):
        signature.update(body[start : start + 3])
    return signature.matches()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha1",
        "sha1=",
        "sha1=zz",
        "sha1=abc",
        "md5=" + "0" * 32,
        "sha256=é",
        "=",
        ",,,,",
        "none=",
        "sha512=" + "0" * 128,
    ],
)
def test_what_is_no_signature_matches_nothing(header: str) -> None:
    assert not checked([header], "secret", b"body")
    assert not checked([], "secret", b"body")


def test_the_best_signature_decides() -> None:
    good, bad = sign("secret", b"body", "sha256"), sign("wrong", b"body", "sha1")
    assert checked([bad, good], "secret", b"body")
    assert not checked([sign("secret", b"body", "sha1"), sign("wrong", b"body", "sha512")], "secret", b"body")
    assert not Signature(["md5=" + hmac.new(b"secret", b"body", hashlib.md5).hexdigest()], "secret").can_match


def test_a_room_has_places_and_bytes_and_gets_both_back() -> None:
    room = Room(100, bodies=2, per_feed=1)
    with room.place("a") as place:
        place.hold(60)
        with pytest.raises(Full), room.place("a"):
            pass
        with room.place("b") as other:
            other.hold(40)
            with pytest.raises(Full):
                other.hold(1)
            with pytest.raises(Full), room.place("c"):
                pass
    for _ in range(3):
        with room.place("a") as place:
            place.hold(100)


def test_an_allowance_grows_again_and_no_feed_lives_at_the_cost_of_another() -> None:
    now = 0.0
    allowances = Allowances(10 * LEAST_CHARGE, LEAST_CHARGE, lambda: now)
    assert [allowances.wait_seconds("a", 1) for _ in range(12)] == [0.0] * 10 + [1.0] * 2
    assert allowances.wait_seconds("b", 10 * LEAST_CHARGE) == 0
    assert allowances.wait_seconds("b", 10 * LEAST_CHARGE) == 10
    now = 3.0
    assert [allowances.wait_seconds("a", 1) for _ in range(4)] == [0, 0, 0, 1]
    now = 1000.0
    assert allowances.wait_seconds("a", 11 * LEAST_CHARGE) == 0
    assert allowances.wait_seconds("a", 1) == 1


def test_what_is_remembered_of_feeds_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_fetcher.websub.limits.FEEDS_REMEMBERED", 3)
    last = LastBodies()
    allowances = Allowances(LEAST_CHARGE, 1.0, lambda: 0.0)
    for feed_id in "abcd":
        last.remember(feed_id, b"1")
        assert allowances.wait_seconds(feed_id, 1) == 0
    assert [last.has(feed_id, b"1") for feed_id in "abcd"] == [False, True, True, True]
    assert [allowances.wait_seconds(feed_id, 1) > 0 for feed_id in "dcb"] == [True, True, True]
    assert allowances.wait_seconds("a", 1) == 0
