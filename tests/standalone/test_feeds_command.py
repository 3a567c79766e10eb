"""``copydesk feeds`` while a fetcher polls: what is changed there counts within seconds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from copydesk_fetcher.feeds_file import parse_feeds, sync_feeds
from copydesk_shared.brokers import Brokers
from copydesk_shared.topics import FEEDS, FEEDS_STATE
from copydesk_standalone.broker.process import start
from tests.brokers import Broker
from tests.fetcher.samples import rss
from tests.fetcher.site import answer
from tests.standalone.feeds_parts import Newsroom, facts, here, mistake, newsroom, row
from tests.standalone.topic_brokers import copydesk

pytestmark = pytest.mark.kafka


@pytest.fixture
async def either(own_broker: Broker, tmp_path: Path) -> AsyncIterator[Newsroom]:
    async with newsroom(own_broker.bootstrap_servers, tmp_path) as room:
        yield room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Newsroom]:
    with start(tmp_path / "broker") as process:
        async with newsroom(process.address, tmp_path) as made:
            yield made


async def test_a_feed_from_its_first_day_to_its_last(either: Newsroom) -> None:
    room, site = either, either.site
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Two", "/2")]), content_type="application/rss+xml")
    site.pages["/other"] = answer(rss([]), content_type="application/rss+xml")
    room.start_fetcher()
    options = ("--id", "news", "--name", "Marrow Bay News", "--interval", "1s")
    added = await room.run_alone("feeds", "add", site.url("/feed"), *options)
    said = f"added news (Marrow Bay News): {site.url('/feed')}\n"
    assert (added.returncode, added.stdout, added.stderr) == (0, said, "")
    await room.feeds("add", site.url("/other"), "--id", "other", "--interval", "1s")
    polled = await room.until_listed("news", lambda each: each["how"] == "ok")
    assert polled["state"]["entries_seen"] == 2
    shown = facts(await room.feeds("show", site.url("/feed")))
    assert (shown["id"], shown["state"], shown["entries seen"]) == ("news", "ok", "2")
    assert shown["last success"].endswith("ago")
    assert shown["next poll"] == "now" or shown["next poll"].startswith("in ")
    assert "Marrow Bay News" in row(await room.feeds("list"), "news")

    assert await room.feeds("pause", "news") == "paused news (Marrow Bay News)\n"
    await room.until_listed("news", lambda each: each["how"] == "paused")
    others = site.count("/other")
    await room.until(lambda: site.count("/other") > others + 1)
    before, others = site.count("/feed"), site.count("/other")
    await room.until(lambda: site.count("/other") > others + 3)
    assert site.count("/feed") == before
    assert await room.feeds("pause", "news") == "paused already: news (Marrow Bay News)\n"
    assert facts(await room.feeds("show", "news"))["next poll"] == "-"

    site.pages["/feed"] = answer("", 410)
    assert await room.feeds("resume", "news", "other") == (
        "resumed news (Marrow Bay News)\npolled already: other (127.0.0.1)\n"
    )
    gone = await room.until_listed("news", lambda each: each["how"] == "disabled")
    assert gone["state"]["disabled"] == "gone: the server answered 410"
    assert row(await room.feeds("list", "--failing"), "news").endswith("gone: the server answered 410")
    assert facts(await room.feeds("show", "news"))["disabled"] == "gone: the server answered 410"
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Three", "/3")]), content_type="application/rss+xml")
    assert await room.feeds("resume", "news") == "resumed news (Marrow Bay News)\n"
    back = await room.until_listed("news", lambda each: each["how"] == "ok")
    assert back["state"]["entries_seen"] == 3

    assert await room.feeds("remove", "news") == "removed news (Marrow Bay News)\n"
    assert set(await room.listed()) == {"other"}
    await room.until_tombstone(FEEDS_STATE.name, "news")
    before, others = site.count("/feed"), site.count("/other")
    await room.until(lambda: site.count("/other") > others + 3)
    assert site.count("/feed") == before
    assert "there is no feed 'news'" in await room.refusal("feeds", "show", "news")
    await room.stop_fetcher()


async def test_a_feed_that_moved_to_another_partition_is_still_known_and_changed_where_it_lies(room: Newsroom) -> None:
    site = room.site
    moved = f"http://localhost:{site.port}/moved"
    site.pages["/feed"] = answer("", 301, location=moved)
    site.pages["/moved"] = answer(rss([("One", "/1")]), content_type="application/rss+xml")
    room.start_fetcher()
    await room.feeds("add", site.url("/feed"), "--id", "news", "--interval", "1s")
    await room.until_listed("news", lambda each: each["feed"]["url"] == moved and each["how"] == "ok")
    await room.until_tombstone(FEEDS_STATE.name, "news")
    assert (await room.listed())["news"]["state"]["entries_seen"] == 1
    shown = facts(await room.feeds("show", site.url("/feed")))
    assert (shown["url"], shown["moved from"]) == (moved, site.url("/feed"))
    assert "is there already, as feed 'news'" in await room.refusal("feeds", "add", site.url("/feed"))
    await room.feeds("pause", "news")
    assert (await room.until_listed("news", lambda each: each["how"] == "paused"))["state"]["entries_seen"] == 1
    await room.feeds("remove", site.url("/feed"))
    assert await room.listed() == {}


OPML = """<opml version="2.0"><head><title>Mine</title></head><body><outline text="Local">
<outline type="rss" text="Marrow Bay News" xmlUrl="https://marrow.example/feed"/>
<outline type="rss" text="There already" xmlUrl="https://there.example/feed"/>
<outline type="rss" text="By file \x1b[31m" xmlUrl="ftp://files.example/feed"/>
<outline text="A site" htmlUrl="https://site.example/"/>
</outline></body></opml>"""


async def test_feeds_come_from_opml_once_and_what_cannot_be_taken_is_named(room: Newsroom) -> None:
    file = room.folder / "feeds.opml"
    file.write_text(OPML.replace("\x1b", "&#27;"), encoding="utf-8")
    added = await room.feeds("add", "there.example/feed", "--id", "there")
    assert added == "added there (there.example): https://there.example/feed\n"
    assert facts(await room.feeds("show", "there.example/feed"))["id"] == "there"
    tried = await room.run("feeds", "import", str(file), "--dry-run")
    assert tried.stdout.endswith("2 to add, 1 passed over\n")
    assert set(await room.listed()) == {"there"}
    done = await room.run("feeds", "import", str(file))
    assert done.returncode == 0
    assert done.stdout.endswith("2 added, 1 passed over\n")
    assert "passed over: https://there.example/feed is there already, as feed 'there' (there.example)\n" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "URL scheme" in done.stderr or "ftp" in done.stderr
    kinds = {each["feed"]["url"]: each["feed"]["kind"] for each in (await room.listed()).values()}
    assert kinds == {
        "https://there.example/feed": "auto",
        "https://marrow.example/feed": "auto",
        "https://site.example/": "site",
    }
    again = await room.run("feeds", "import", str(file))
    assert again.stdout.endswith("0 added, 3 passed over\n")


YAML = """feeds:
  - {url: "https://a.example/feed", name: "Æble & Co", id: apple, interval: 2h, content: feed, off_site: follow}
  - {url: "https://b.example/sitemap.xml", kind: sitemap, paused: true, websub: false}
  - {url: "https://c.example/"}
"""


@pytest.mark.parametrize("style", ["opml", "yaml"])
async def test_what_is_exported_can_be_imported_elsewhere(room: Newsroom, tmp_path: Path, style: str) -> None:
    file = room.folder / "feeds.yaml"
    file.write_text(YAML, encoding="utf-8")
    assert (await room.feeds("import", str(file))).endswith("3 added, 0 passed over\n")
    exported = await room.feeds("export", "--format", style)
    copy = room.folder / f"copy.{style}"
    copy.write_text(exported, encoding="utf-8")
    with start(tmp_path / "other") as process:
        async with newsroom(process.address, tmp_path) as other:
            assert (await other.feeds("import", str(copy))).endswith("3 added, 0 passed over\n")
            assert await other.feeds("export", "--format", style) == exported
            here, there = await room.listed(), await other.listed()
    if style == "yaml":
        assert here == there
    else:
        assert {(each["feed"]["url"], each["feed"]["name"]) for each in here.values()} == {
            (each["feed"]["url"], each["feed"]["name"]) for each in there.values()
        }


async def test_a_feeds_file_leaves_other_feeds_alone_and_keeps_what_was_paused(room: Newsroom) -> None:
    url = "https://a.example/feed"
    text = f"feeds:\n  - {{url: '{url}', id: a}}\n  - {{url: 'https://b.example/feed', id: b}}\n"
    await room.feeds("add", "https://mine.example/feed", "--id", "mine")
    result = await sync_feeds(Brokers(room.servers), parse_feeds(text, "test"))
    assert (result.added, result.removed) == (2, 0)
    await room.feeds("pause", url)
    again = await sync_feeds(Brokers(room.servers), parse_feeds(text, "test"))
    assert (again.added, again.changed, again.removed, again.unchanged) == (0, 0, 0, 2)
    assert (await room.listed())["a"]["how"] == "paused"
    assert facts(await room.feeds("show", "a"))["from"] == "a feeds file"
    assert facts(await room.feeds("show", "mine"))["from"] == "`copydesk feeds`"
    removed = await room.feeds("remove", "b")
    assert removed.startswith("removed b (b.example)\n")
    assert "comes back" in removed
    assert (await sync_feeds(Brokers(room.servers), parse_feeds(text, "test"))).added == 1
    without = await sync_feeds(Brokers(room.servers), parse_feeds("feeds: []", "test"))
    assert without.removed == 2, "one that was paused is still one of the file's"
    assert set(await room.listed()) == {"mine"}


async def test_mistakes_are_one_line_and_change_nothing(room: Newsroom) -> None:
    await room.feeds("add", "https://a.example/feed", "--id", "harbour-times", "--name", "Harbour Times")
    before = len(await room.records(FEEDS.name))
    missing = str(room.folder / "none.opml")
    broken = room.folder / "broken.yaml"
    broken.write_text("feeds:\n  - {url: 'https://b.example/'}\n  - {url: 7}\n")
    mistakes = {
        ("add", "ftp://a.example/feed"): "URL: ",
        ("add", "nonsense"): "URL: ",
        ("add", "https://user:secret@a.example/feed"): "URL: a URL with a user name or password in it is not taken",
        ("add", "https://b.example/feed", "--id", "no spaces"): "--id: 'no spaces' is not an id",
        ("add", "https://b.example/feed", "--interval", "soon"): "--interval: 'soon' is not a duration",
        ("add", "https://b.example/feed", "--name", " "): "--name: ",
        ("add", "https://a.example/feed#top"): "is there already, as feed 'harbour-times' (Harbour Times)",
        ("add", "https://b.example/feed", "--id", "harbour-times"): "the id 'harbour-times' is taken by https://a.",
        ("pause", "harbour-times", "harbour-tines"): "there is no feed 'harbour-tines'; did you mean 'harbour-times'?",
        ("remove", "Harbour Time"): "there is no feed 'Harbour Time'; did you mean 'harbour-times'?",
        ("show", "https://a.example/feeds"): "did you mean 'https://a.example/feed'?",
        ("resume", "\x1b[2J"): r"there is no feed '\x1b[2J'; `copydesk feeds list` has them all",
        ("import", missing): "none.opml: no such file or directory",
        ("import", str(broken)): "broken.yaml:3: feeds[1].url: 7 is not a URL",
    }
    for arguments, problem in mistakes.items():
        assert problem in await room.refusal("feeds", *arguments), arguments
    assert "did you mean 'harbour-times'" in mistake(await room.run_alone("feeds", "show", "harbour-time"))
    assert len(await room.records(FEEDS.name)) == before


def test_without_brokers_or_topics_there_is_one_line(tmp_path: Path) -> None:
    nobody = ("--bootstrap-servers", "127.0.0.1:1")
    assert mistake(copydesk("feeds", "list", *nobody)).startswith("the brokers at 127.0.0.1:1 cannot be used: ")
    for command in (("feeds", "add", "https://a.example/"), ("hosts", "list")):
        assert mistake(here(*command, *nobody)).startswith("the brokers at 127.0.0.1:1 cannot be used: ")
    with start(tmp_path / "broker") as process:
        for command, topic in ((("feeds", "export"), "feeds"), (("hosts", "list"), "feeds")):
            assert mistake(here(*command, "--bootstrap-servers", process.address)) == (
                f"the brokers at {process.address} have no topic {topic};"
                f" create the topics with: copydesk topics apply --bootstrap-servers {process.address}"
            )
