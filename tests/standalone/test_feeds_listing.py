"""What ``copydesk feeds list``, ``show`` and ``copydesk hosts list`` say of feeds and hosts, whatever those said of themselves."""

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Feed, FeedState, HostState, HubState, SeenEntry
from copydesk_shared.topics import FEEDS, FEEDS_STATE, HOSTS_STATE
from copydesk_shared.wire import encode
from copydesk_standalone.broker.process import start
from copydesk_standalone.feeds.table import ago, facts, span, table
from copydesk_standalone.letters.rendering import columns_of
from tests.fetcher.samples import rss
from tests.fetcher.site import answer
from tests.standalone.feeds_parts import Newsroom, is_harmless, newsroom, row
from tests.standalone.feeds_parts import facts as said

EVIL = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\nsecond line"


def now() -> datetime:
    """When a test asks: the tables say how long ago something was, and the tests before it may have taken an hour."""
    return datetime.now(UTC)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    with start(tmp_path / "broker") as process:
        async with newsroom(process.address, tmp_path) as made:
            yield made


def of_feed(feed_id: str, **state: Any) -> list[Outgoing]:
    """A feed of that id and its state."""
    about = {"name": state.pop("name", feed_id), "url": state.pop("url", f"https://{feed_id}.example/feed")}
    about |= {"paused": state.pop("paused", False), "moved_from": state.pop("moved_from", None)}
    feed = Feed(feed_id=feed_id, **about, adapts=True)
    given_state = {"next_poll_at": now() + timedelta(days=2), "last_poll_at": now() - timedelta(minutes=5), **state}
    known = FeedState(feed_id=feed_id, **given_state)
    return [encode(FEEDS, feed, stage="test", version="1"), beside(feed, known)]


def beside(feed: Feed, state: FeedState) -> Outgoing:
    """The state in the partition of its feed."""
    record, place = (
        encode(FEEDS_STATE, state, stage="test", version="1"),
        encode(FEEDS, feed, stage="test", version="1"),
    )
    return Outgoing(record.topic, record.key, record.value, record.headers, place.place)


def of_host(domain: str, **more: Any) -> Outgoing:
    return encode(HOSTS_STATE, HostState(domain=domain, **more), stage="test", version="1")


@pytest.mark.kafka
async def test_how_feeds_go_in_a_word_and_why(room: Newsroom) -> None:
    hub = HubState(hub="https://hub.example/", topic="https://ok.example/feed", requested_at=now(), last_error="denied")
    feeds = [
        of_feed("ok", last_success_at=now() - timedelta(hours=5), entries_seen=1234, interval_seconds=600.0, hub=hub),
        of_feed("warning", last_success_at=now(), warning="wrong dates", seen={"x": SeenEntry(revision=1, fingerprint="y")}),
        of_feed("failing", failures=3, failure_kind="permanent", last_error="the server answered 404"),
        of_feed("disabled", failures=1, disabled="gone: the server answered 410", last_error="gone"),
        of_feed("paused", paused=True),
        of_feed("new")[:1],
    ]  # fmt: skip
    await room.send(*(record for pair in feeds for record in pair))
    listed = await room.listed()
    assert {key: each["how"] for key, each in listed.items()} == {
        "ok": "ok", "warning": "warning", "failing": "failing (3)", "disabled": "disabled", "paused": "paused", "new": "new",
    }  # fmt: skip
    assert set(await room.listed("--failing")) == {"warning", "failing", "disabled"}
    assert "seen" not in listed["warning"]["state"]
    shown = await room.feeds("list", "--urls")
    assert row(shown, "id").split("  ")[0].strip() == "id"
    assert " ".join(row(shown, "ok").split()) == "ok ok ok 1234 10 min ~ 5 h ago in 2 d https://ok.example/feed"
    assert row(shown, "failing").endswith("the server answered 404")
    assert "https://" not in await room.feeds("list")
    both = await room.feeds("show", "ok", "https://failing.example/feed")
    first, second = both.split("\n\n")
    assert said(first)["hub"] == "https://hub.example/: asked for, not verified"
    assert said(first)["hub error"] == "denied"
    assert said(second)["failures"] == "3 (permanent)"
    lines = [json.loads(line) for line in (await room.feeds("show", "warning", "ok", "--format", "json")).splitlines()]
    assert [set(each) for each in lines] == [{"feed", "how", "also_polled_as", "state", "host"}] * 2
    assert lines[0]["state"]["seen"] == {"x": {"revision": 1, "fingerprint": "y", "link": ""}}


@pytest.mark.kafka
async def test_feeds_that_have_moved_to_one_url_are_told_and_never_taken_for_one_another(room: Newsroom) -> None:
    url = "https://both.example/feed"
    twins = [
        of_feed(name, url=url, moved_from=f"https://{name}.example/", last_success_at=now()) for name in ("a", "b")
    ]
    alone = of_feed("alone", url=f"{url}?alone", moved_from=url)
    await room.send(*(record for pair in (*twins, alone) for record in pair))
    listed = await room.listed()
    assert {key: (each["how"], each["also_polled_as"]) for key, each in listed.items()} == {
        "a": ("warning", ["b"]), "b": ("warning", ["a"]), "alone": ("ok", []),
    }  # fmt: skip
    assert row(await room.feeds("list", "--failing"), "a").endswith("polled more than once: b has the same URL")
    assert said(await room.feeds("show", "a"))["also polled as"] == "b"
    for command in ("show", "pause", "resume", "remove"):
        refused = await room.refusal("feeds", command, url)
        assert refused == f"3 feeds have the URL {url}; name them by id: a, b, alone", command
    assert await room.feeds("pause", "https://b.example/") == "paused b (b)\n"
    listed = await room.listed()
    assert {key: each["how"] for key, each in listed.items()} == {"a": "ok", "b": "paused", "alone": "ok"}


@pytest.mark.kafka
async def test_a_feed_that_is_polled_rarely_says_why(room: Newsroom) -> None:
    hub = HubState(
        hub="https://hub.example/", topic="https://ok.example/feed", requested_at=now(), pushed_at=now(),
        lease_until=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    then = now()
    later = {"interval_seconds": 600.0, "last_poll_at": then, "next_poll_at": then + timedelta(hours=6)}
    over = hub.model_copy(update={"lease_until": None})
    await room.send(*of_feed("pushed", hub=hub, **later), *of_feed("over", hub=over, **later))
    pushed, over_now = (await room.feeds("show", "pushed", "over")).split("\n\n")
    assert said(pushed)["interval now"] == "10 min, longer while the hub pushes"
    assert said(over_now)["interval now"] == "10 min"


@pytest.mark.kafka
async def test_nothing_raw_and_nothing_endless_reaches_the_terminal(room: Newsroom) -> None:
    feed = of_feed(
        "evil", name=EVIL, url=f"https://evil.example/{EVIL}", failures=1, last_error=EVIL + "x" * 50_000, warning=EVIL,
        etag=EVIL, source_url=EVIL, last_success_at=now(),
    )  # fmt: skip
    await room.send(
        *feed,
        *of_feed("newspaper", name="新聞" * 40, warning="y" * 50_000),
        of_host("evil.example", last_error=EVIL + "x" * 50_000, last_request_at=now()),
        Outgoing(FEEDS.name, b"\xff\x1b[2J", b"\x1b[2J"),
        Outgoing(FEEDS_STATE.name, b"evil-too", b"{"),
        Outgoing(HOSTS_STATE.name, b"\xff", b"[]"),
    )
    for command in (("list",), ("list", "--urls"), ("show", "evil"), ("pause", "evil")):
        done = await room.run("feeds", *command)
        assert done.returncode == 0, done
        assert is_harmless(done.stdout + done.stderr), command
        assert "warning: a feed that cannot be read: " in done.stderr
        assert max(map(len, done.stdout.splitlines())) < 1_200
    for style in ("opml", "yaml"):
        exported = (await room.run("feeds", "export", "--format", style)).stdout
        assert not {each for each in exported if (each < " " and each != "\n") or "\x7f" <= each < "\xa0"}
        assert "https://evil.example/%1B]0;owned%07%C2%9B31m" in exported
    for words in (["feeds", "list"], ["feeds", "show", "evil"], ["hosts", "list"]):
        done = await room.run(*words, "--format", "json")
        assert is_harmless(done.stdout + done.stderr)
        assert all(isinstance(json.loads(line), dict) for line in done.stdout.splitlines())
    hosts = (await room.run("hosts", "list")).stdout
    assert is_harmless(hosts)
    assert hosts.count("\n") == 2


@pytest.mark.kafka
async def test_the_table_fits_the_terminal(room: Newsroom) -> None:
    long = "the server answered 503 " * 10
    await room.send(
        *of_feed("0bd62fe4de5bf45c5ec1", name="The Marrow Bay Morning News", failures=12, last_error=long, last_success_at=now()),
        *of_feed("short", failures=1, last_error="the server answered 503", last_success_at=now()),
    )  # fmt: skip
    shown = await asyncio.to_thread(in_terminal, 140, "feeds", "list", "--bootstrap-servers", room.servers)
    assert {len(line) <= 140 for line in shown} == {True}
    assert shown[2].rstrip().endswith("…")
    assert shown[1].startswith("short ")
    assert shown[1].rstrip().endswith("the server answered 503")


def in_terminal(columns: int, *arguments: str) -> list[str]:
    """What a command shows in a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "copydesk_standalone", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, env=environment) as process:
        assert process.wait(60) == 0
    os.close(its)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return shown.splitlines()


@pytest.mark.kafka
async def test_of_nothing_there_is_a_word(room: Newsroom) -> None:
    for command, word in (
        (("feeds", "list"), "no feeds yet: `copydesk feeds add URL` adds one\n"),
        (("hosts", "list"), "no host was asked yet\n"),
    ):
        done = await room.run(*command)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", word)
        assert (await room.run(*command, "--format", "json")).stdout == ""
    await room.send(*of_feed("ok"), of_host("a.example"))
    assert (await room.run("feeds", "list", "--failing")).stderr == "no feed fails or has a warning\n"
    assert (await room.run("hosts", "list", "--held")).stderr == "no host is held\n"


@pytest.mark.kafka
async def test_a_host_that_asks_to_be_left_alone_is_held_with_its_queue(room: Newsroom) -> None:
    site = room.site
    site.pages["/feed"] = answer(
        rss([(str(each), f"/{each}") for each in range(9)]), content_type="application/rss+xml"
    )
    site.pages.update({f"/{each}": answer("", 429, retry_after="36000") for each in range(9)})
    await room.send(of_host("idle.example", last_status=200, delay_seconds=0.5, requests=7))
    room.start_fetcher()
    await room.feeds("add", site.url("/feed"), "--id", "news", "--interval", "1h")
    host: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while not (host.get("held_until") and host.get("queued")):
            held = await room.run("hosts", "list", "--held", "--format", "json")
            host = next(map(json.loads, held.stdout.splitlines()), {})
    assert (host["domain"], host["last_status"]) == ("127.0.0.1", 429)
    table_of_hosts = (await room.run("hosts", "list")).stdout.splitlines()
    assert table_of_hosts[1].split()[0] == "127.0.0.1", "the longest queue comes first"
    assert re.search(r" 0 s +1[0-9] min +429 ", table_of_hosts[1]), table_of_hosts
    assert table_of_hosts[2].split() == ["idle.example", "0", "0.5", "s", "-", "200", "-", "7"]
    assert said(await room.feeds("show", "news"))["host held for"].endswith(" min")
    await room.stop_fetcher()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3599.9, "1 h"), (5400, "2 h"), (86_400 * 3.2, "3 d"), (0.2, "0 s")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text
    then = now()
    assert ago(then, then + timedelta(seconds=seconds)) == f"{text} ago"


@given(st.lists(st.tuples(st.text(), st.text(), st.text())))
def test_every_table_is_harmless_and_aligned(rows: list[tuple[str, str, str]]) -> None:
    lines = list(table({"one": 10, "two": 5, "three": 20}, rows))
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert line.isprintable()
        assert columns_of(line) <= 10 + 5 + 20 + 4


@given(st.dictionaries(st.sampled_from(["name", "url"]), st.text(max_size=3000), min_size=1))
def test_all_facts_are_harmless(named: dict[str, str]) -> None:
    assert all(line.isprintable() for line in facts(named))
