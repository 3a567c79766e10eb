"""A page over its deadline costs the worker process that has it, and nobody else."""

import os
import time
from pathlib import Path

import psutil

from copydesk_cleaner.stage import Cleaner, clean
from copydesk_shared.dead_letters import parse
from copydesk_shared.messages import Article, Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import CLEANED, DEAD_LETTER, FETCHED
from copydesk_shared.wire import decode
from tests.cleaner.pages import html_page
from tests.shared.stages import committed, fill, running_stage, stage_of, until

DEADLINE = 12.0  # a busy machine takes seconds to kill a process and to see that it is gone
STORY = "<html><body><article><h1>Row</h1>" + "<p>The board met on Friday to hear the crews. </p>" * 9


class Watched(Cleaner):
    """The cleaner; it hangs on some pages, is busy beside that on others, and signs what it made with its process."""

    def __call__(self, page: Page) -> Emit[Article] | Drop:
        return watched(page)


def watched(page: Page) -> Emit[Article] | Drop:
    what, _, where = page.entry_title.partition(" ")
    match what:
        case "spin":
            Path(where).write_text(str(os.getpid()), encoding="ascii")
            while True:
                time.sleep(1)
        case "half":
            time.sleep(DEADLINE * 3 / 4)
        case "outlast":
            while not Path(where).exists() or psutil.pid_exists(int(Path(where).read_text(encoding="ascii") or "1")):
                time.sleep(0.01)
    outcome = clean(page)
    assert isinstance(outcome, Emit)
    return Emit(outcome.message.model_copy(update={"title": f"{what} {os.getpid()}"}))


def _page(number: int, what: str) -> Page:
    return html_page(STORY).model_copy(update={"article_id": f"{number:020}", "entry_title": what})


def _workers() -> set[int]:
    return {each.pid for each in psutil.Process().children() if "anyio.to_process" in each.cmdline()}


async def test_only_the_worker_that_hangs_is_lost(tmp_path: Path) -> None:
    marked = tmp_path / "spins"
    broker, strangers = MemoryBroker(), _workers()
    fill(broker, _page(0, f"spin {marked}"), _page(1, "half"), _page(2, f"outlast {marked}"))
    fill(broker, *(_page(number, "plain") for number in range(3, 23)))
    sent = list(broker.topics[FETCHED.name])
    async with running_stage(stage_of(Watched(())), broker, workers=2, deadline_seconds=DEADLINE):
        await until(lambda: marked.exists() and len(_workers() - strangers) == 2)
        before = _workers() - strangers
        await until(lambda: committed(broker) == 23)
        after = _workers() - strangers
    lost = int(marked.read_text(encoding="ascii"))
    (survivor,) = before - {lost}
    assert survivor in after
    assert len(after) == 2
    (letter,) = map(parse, broker.topics[DEAD_LETTER.name])
    assert (letter.reason, letter.original_key, letter.record.value) == ("timed-out", sent[0].key, sent[0].value)
    made = [decode(CLEANED, record) for record in broker.topics[CLEANED.name]]
    assert [each.article_id for each in made] == [f"{number:020}" for number in range(1, 23)]
    assert [each.title for each in made[:2]] == [f"half {survivor}", f"outlast {survivor}"]
    assert {each.title for each in made[2:]} <= {f"plain {pid}" for pid in after}
