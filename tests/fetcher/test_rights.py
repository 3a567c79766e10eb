import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.head import read_head
from copydesk_fetcher.http import Client
from copydesk_fetcher.rights import Declared, TdmFiles, combine, declared, refusal
from copydesk_fetcher.robots import RobotsVerdict
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Rights
from tests.fetcher.conftest import Settings
from tests.fetcher.site import Site, answer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = "/.well-known/tdmrep.json"
POLICY = "https://news.example/policy.json"


def said(headers: dict[str, str] | None = None, head: str = "") -> Declared:
    page = read_head(f"<!doctype html><html><head>{head}</head><body>")
    return declared(headers or {}, page, agent="copydesk", now=NOW, url="https://news.example/a/story")


@pytest.mark.parametrize(
    ("header", "robots"),
    [
        ("noindex", "noindex"),
        ("NoIndex, NOFOLLOW", "noindex, nofollow"),
        ("all", ""),
        ("index, follow, max-image-preview:large", "max-image-preview:large"),
        ("noarchive, nosnippet, max-snippet: 20", "noarchive, nosnippet, max-snippet:20"),
        ("noai, noimageai", "noai, noimageai"),
        ("none", "none"),
        ("copydesk: noindex", "noindex"),
        ("googlebot: noindex", ""),
        ("googlebot: noindex, nofollow", ""),
        ("googlebot: noindex, copydesk: noarchive", "noarchive"),
        ("*: noindex", "noindex"),
        ("googlebot: noindex\nnoai", "noai"),
        ("noindex\nnoindex", "noindex"),
        ("unavailable_after: 25 Jun 2010 15:00:00 GMT", "noindex, unavailable_after: 25 jun 2010 15:00:00 gmt"),
        ("unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT, noarchive",
         "noindex, unavailable_after: fri 25 jun 2010 15:00:00 gmt, noarchive"),
        ("unavailable_after: Friday, 25-Jun-10 15:00:00 UTC", "noindex, unavailable_after: friday 25-jun-10 15:00:00 utc"),
        ("unavailable_after: 2026-11-22T11:59:59+00:00", "noindex, unavailable_after: 2026-11-22t11:59:59+00:00"),
        ("unavailable_after: 2026-11-23", "unavailable_after: 2026-11-23"),
        ("copydesk: unavailable_after: 2010-01-01", "noindex, unavailable_after: 2010-01-01"),
        ("googlebot: unavailable_after: 2010-01-01", ""),
        ("unavailable_after: some day", "unavailable_after: some day"),
        ("something, else: entirely", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_the_header_says(header: str, robots: str) -> None:
    assert said({"x-robots-tag": header}).robots == robots


@pytest.mark.parametrize(
    ("head", "robots"),
    [
        ('<meta name="robots" content="noindex, nofollow">', "noindex, nofollow"),
        ("<META CONTENT='NOAI' NAME='Robots'>", "noai"),
        ('<meta name="copydesk" content="noindex"><meta name="robots" content="noarchive">', "noarchive, noindex"),
        ('<meta name="Copydesk" content="noai">', "noai"),
        ('<meta name="googlebot" content="noindex">', ""),
        ('<meta name="robots"><meta content="noindex">', ""),
        ('<!-- <meta name="robots" content="noindex"> -->', ""),
        ('<script>"<meta name=robots content=noindex>"</script>', ""),
        ('</head><body><meta name="robots" content="noindex">', ""),
        ('<meta property="og:title" content="robots"><meta name=robots content=noindex>', "noindex"),
    ],
)
def test_what_the_meta_tags_say(head: str, robots: str) -> None:
    assert said(head=head).robots == robots


def test_header_and_meta_tags_add_up() -> None:
    both = said({"x-robots-tag": "noarchive"}, '<meta name="robots" content="noindex, noarchive">')
    assert both.robots == "noarchive, noindex"


META = '<meta name="tdm-reservation" content="%s"><meta name="tdm-policy" content="%s">'


@pytest.mark.parametrize(
    ("headers", "head", "tdm"),
    [
        ({"tdm-reservation": "1"}, "", "reserved"),
        ({"tdm-reservation": " 1 ", "tdm-policy": POLICY}, "", f"reserved {POLICY}"),
        ({"tdm-reservation": "0"}, "", "granted"),
        ({"tdm-reservation": "2"}, "", ""),
        ({"tdm-reservation": "yes"}, "", ""),
        ({"tdm-policy": POLICY}, "", ""),
        ({"tdm-reservation": "1", "tdm-policy": "/policy.json"}, "", f"reserved {POLICY}"),
        ({"tdm-reservation": "1", "tdm-policy": "javascript:x"}, "", "reserved"),
        ({"tdm-reservation": "1", "tdm-policy": "http://a b/"}, "", "reserved"),
        ({}, META % ("1", POLICY), f"reserved {POLICY}"),
        ({}, META % ("0", ""), "granted"),
        ({"tdm-reservation": "1"}, META % ("0", ""), "granted"),
        ({"tdm-reservation": "0"}, META % ("1", ""), "reserved"),
        ({"tdm-reservation": "1"}, META % ("maybe", ""), "reserved"),
    ],
)
def test_what_is_said_of_mining(headers: dict[str, str], head: str, tdm: str) -> None:
    assert said(headers, head).tdm == tdm


@pytest.fixture
def files(client: Client, settings_with: Settings) -> Callable[..., TdmFiles]:
    return lambda **settings: TdmFiles(client.get, settings_with(**settings))


def rule(location: str, reservation: Any = 1, **more: str) -> dict[str, Any]:
    return {"location": location, "tdm-reservation": reservation, **more}


@pytest.mark.parametrize(
    ("rules", "path", "tdm"),
    [
        ([rule("/")], "/a", "reserved"),
        ([rule("/"), rule("/free", 0)], "/free", "reserved"),
        ([rule("/free", 0), rule("/")], "/free/a", "granted"),
        ([rule("/a/", **{"tdm-policy": POLICY})], "/a/b", f"reserved {POLICY}"),
        ([rule("/a/")], "/b/a/", ""),
        ([rule("/*.jpg")], "/x/y.jpg?z", "reserved"),
        ([rule("/*.jpg$")], "/x/y.jpg?z", ""),
        ([rule("/*.jpg$")], "/x/y.jpg", "reserved"),
        ([rule("/exact$")], "/exact", "reserved"),
        ([rule("/exact$")], "/exactly", ""),
        ([rule("/a*b*c$")], "/axbxbc", "reserved"),
        ([rule("/ab*ba$")], "/aba", ""),
        ([rule("/this/*/then")], "/this/and/that/then/so", "reserved"),
        ([rule("/foo-%24")], "/foo-$", ""),
        ([rule("/foo-%24")], "/foo-%24", "reserved"),
        ([rule("/caf\u00e9")], "/caf%C3%A9", "reserved"),
        ([rule("/%7Eme")], "/~me", "reserved"),
        ([rule("a")], "/a", "reserved"),
        ([rule("/", "1")], "/a", "reserved"),
        ([rule("/", True)], "/a", ""),
        ([rule("/", 2), rule("/a")], "/a", ""),
        ([{"tdm-reservation": 1}, "x", None, rule("/")], "/a", "reserved"),
        ({"location": "/", "tdm-reservation": 1}, "/a", ""),
        ([], "/a", ""),
    ],
)
async def test_the_first_location_that_matches_counts(
    site: Site, files: Callable[..., TdmFiles], rules: object, path: str, tdm: str
) -> None:
    site.pages[FILE] = answer(json.dumps(rules), content_type="application/json")
    assert await files().reservation(site.url(path)) == tdm


async def test_a_file_is_asked_for_once_an_origin(site: Site, files: Callable[..., TdmFiles]) -> None:
    site.pages[FILE] = answer(json.dumps([rule("/a")]))
    here = files()
    assert [await here.reservation(site.url(path)) for path in ("/a", "/b", "/a?c")] == ["reserved", "", "reserved"]
    assert site.count(FILE) == 1


@pytest.mark.parametrize(
    "handler",
    [answer("x", 404), answer("x", 500), answer("no json"), answer("[" * 100_000), answer(b"\xff\xfe\x00"),
     answer(b" " * (600 * 1024) + b"[]")],
)  # fmt: skip
async def test_a_file_that_cannot_be_had_says_nothing(site: Site, files: Callable[..., TdmFiles], handler: Any) -> None:
    site.pages[FILE] = handler
    assert await files().reservation(site.url("/a")) == ""


async def test_told_to_skip_it_asks_nobody(site: Site, files: Callable[..., TdmFiles]) -> None:
    assert await files(reservations="skip").reservation(site.url("/a")) is None
    assert site.requests == []


@pytest.mark.parametrize(
    ("robots", "reservations", "rights"),
    [
        ("obey", "record", Rights(robots="disallow, noindex, noai", tdm="reserved")),
        ("skip", "record", Rights(robots="noai", tdm="reserved")),
        ("record", "skip", Rights(robots="disallow, noindex", tdm=None)),
        ("skip", "skip", Rights(robots=None, tdm=None)),
    ],
)
def test_what_was_not_to_be_looked_at_is_not_said(
    settings_with: Settings, robots: str, reservations: str, rights: Rights
) -> None:
    settings = settings_with(robots=robots, reservations=reservations)
    verdict = RobotsVerdict(allowed=True, directives="disallow")
    assert combine(verdict, Declared("noindex, noai", "reserved"), "granted", settings) == rights


def test_the_answer_supersedes_the_file(settings: Any) -> None:
    allowed = RobotsVerdict(allowed=True)
    assert combine(allowed, Declared("", "granted"), "reserved", settings).tdm == "granted"
    assert combine(allowed, Declared(), "reserved", settings).tdm == "reserved"
    assert combine(allowed, Declared(), "", settings) == Rights(robots="", tdm="")


@pytest.mark.parametrize(
    ("rights", "robots", "reservations", "reason"),
    [
        (Rights(robots="noindex", tdm=""), "obey", "record", DropReason.ROBOTS),
        (Rights(robots="none", tdm=""), "obey", "record", DropReason.ROBOTS),
        (Rights(robots="disallow", tdm=""), "obey", "record", DropReason.ROBOTS),
        (Rights(robots="noindex", tdm=""), "record", "obey", None),
        (Rights(robots="noarchive, nosnippet, noimageai, nofollow", tdm="granted"), "obey", "obey", None),
        (Rights(robots="noai", tdm=""), "obey", "obey", DropReason.RESERVED),
        (Rights(robots="noai", tdm="reserved"), "obey", "record", None),
        (Rights(robots="", tdm=f"reserved {POLICY}"), "skip", "obey", DropReason.RESERVED),
        (Rights(robots="", tdm="granted"), "obey", "obey", None),
        (Rights(), "obey", "obey", None),
    ],
)
def test_what_is_not_to_be_used(
    settings_with: Settings, rights: Rights, robots: str, reservations: str, reason: DropReason | None
) -> None:
    refused = refusal(rights, settings_with(robots=robots, reservations=reservations))
    assert (refused[0] if refused else None) == reason


@given(st.text(alphabet="noindexcopydesk:, unavailable_after*2026-\n\r", max_size=200), st.text(max_size=30))
def test_no_header_breaks_it(header: str, other: str) -> None:
    result = said({"x-robots-tag": header, "tdm-reservation": other, "tdm-policy": other})
    assert result.tdm in ("", "granted", "reserved") or result.tdm.startswith("reserved https://news.example/")


@pytest.mark.parametrize("part", ["a:", "noindex,", "unavailable_after:", "copydesk: ", " ", "\n", "1,"])
def test_no_header_takes_long(part: str) -> None:
    assert len(said({"x-robots-tag": part * 20_000}).robots) < 2000
