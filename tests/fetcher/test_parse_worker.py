import os
import signal

import pytest

from copydesk_fetcher.parsing import worker
from copydesk_fetcher.parsing.model import IsHtml, NotAFeed
from copydesk_fetcher.parsing.worker import FeedParser

from .samples import BASE, NOW, rss


def _hang(*_: object) -> None:
    signal.pause()


def _die(*_: object) -> None:
    os._exit(1)


def _eat(*_: object) -> None:
    worker._in_worker(rss([]).encode(), "", BASE, 10, NOW)
    bytearray(worker.WORKER_MEMORY_BYTES)


async def test_the_parser_in_its_worker_reads_and_refuses_like_the_one_here() -> None:
    parser = FeedParser(20, 10)
    assert (await parser(rss([("T", "/a")]).encode(), "", BASE, NOW)).entries[0].url == "https://news.example/a"
    with pytest.raises(NotAFeed, match="neither RSS nor Atom"):
        await parser(b"nothing", "", BASE, NOW)


@pytest.mark.parametrize(
    ("work", "seconds", "problem"), [(_hang, 0.5, "not parsed within 0.5 s"), (_die, 20, "died of it")]
)
async def test_a_worker_that_hangs_or_dies_is_replaced(
    work: object, seconds: float, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = FeedParser(seconds, 10)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "_in_worker", work)
        with pytest.raises(NotAFeed, match=problem):
            await parser(b"", "", BASE, NOW)
    parser = FeedParser(20, 10)
    assert (await parser(rss([("T", "/a")]).encode(), "", BASE, NOW)).entries


async def test_a_worker_has_no_more_memory_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_in_worker", _eat)
    with pytest.raises(NotAFeed, match="takes more than 1024 MiB of memory"):
        await FeedParser(20, 10)(b"", "", BASE, NOW)


async def test_a_web_page_is_told_from_other_things_across_the_process() -> None:
    with pytest.raises(IsHtml, match="a web page"):
        await FeedParser(20, 10)(b"<!doctype html><html><head>", "", BASE, NOW)
