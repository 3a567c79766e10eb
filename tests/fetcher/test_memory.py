"""What is remembered of hosts, and what pages take of it."""

from datetime import UTC, datetime

from copydesk_fetcher.memory import (
    HALVED_AFTER,
    MOST_HOSTS,
    MOST_LINES,
    MOST_RECURRING,
    MOST_TITLES,
    RECURRING_PAGES,
    WRITTEN_EVERY,
    Memories,
)
from copydesk_shared.lines import line_digest
from copydesk_shared.messages import HostMemory, Page, Source

NOW = datetime.now(UTC)
FURNITURE = "Sign up for our newsletter today"


def page(number: int, *, host: str = "news.example", furniture: str = FURNITURE, **more: object) -> Page:
    url = f"https://www.{host}/{number}"
    made = Page(
        article_id=f"a{number}", url=url, canonical_url=url, source=Source(name="News", domain=host),
        content_type="text/html", fetched_at=NOW, entry_title=f"Story number {number}",
        content=f"<p>Story {number} is of its own kind</p><p>{furniture}</p>",
    )  # fmt: skip
    return made.model_copy(update=more)


def learnt(memories: Memories, count: int, first: int = 0) -> list[HostMemory]:
    return [memory for number in range(first, first + count) if (memory := memories.learn(page(number)))]


def test_a_page_takes_the_lines_and_titles_of_its_host_with_it() -> None:
    memories = Memories()
    (written,) = learnt(memories, WRITTEN_EVERY)
    completed = memories.completed(page(99, known_titles=("From the feed",), entry_title="Story number 3"))
    assert completed.host_lines == (line_digest(FURNITURE),)
    assert completed.host_memory == written.version == 1
    assert completed.known_titles[:2] == ("From the feed", "Story number 0")
    assert "Story number 3" not in completed.known_titles, "its own"
    assert len(completed.known_titles) == WRITTEN_EVERY
    other = page(1, host="other.example")
    assert memories.completed(other) == other


def test_a_line_recurs_only_on_enough_pages() -> None:
    memories = Memories()
    for number in range(WRITTEN_EVERY * 2):
        memories.learn(
            page(number, furniture=FURNITURE if number < RECURRING_PAGES - 1 else f"Line {number} of its own")
        )
    assert memories.completed(page(99)).host_lines == ()
    assert memories.completed(page(99)).host_memory == 0


def test_later_revisions_teach_nothing() -> None:
    memories = Memories()
    for number in range(WRITTEN_EVERY * 2):
        assert memories.learn(page(number, revision=2)) is None
    assert len(memories) == 0


def test_what_was_written_is_taken_up_by_the_next_owner() -> None:
    before, after = Memories(), Memories()
    (written,) = learnt(before, WRITTEN_EVERY)
    after.restore([HostMemory.model_validate_json(written.model_dump_json())])
    assert after.completed(page(99)) == before.completed(page(99))
    assert learnt(after, WRITTEN_EVERY, first=50)[0].version == 1, "nothing else recurs"


def test_furniture_that_is_gone_is_forgotten() -> None:
    memories = Memories()
    learnt(memories, WRITTEN_EVERY)
    for number in range(100, 100 + 8 * HALVED_AFTER):
        memories.learn(page(number, furniture=f"Line {number} of its own"))
    completed = memories.completed(page(9_999))
    assert completed.host_lines == ()


def test_memory_is_bounded() -> None:
    memories = Memories()
    many = "".join(f"<p>One of many lines {number}</p>" for number in range(MOST_LINES))
    written: list[HostMemory] = []
    for number in range(3 * WRITTEN_EVERY):
        markup = f"<p>{FURNITURE}</p>" + many.replace("One", f"One{number}")
        if memory := memories.learn(page(number, content=markup)):
            written.append(memory)
    assert all(len(memory.lines) <= MOST_LINES for memory in written)
    assert written[-1].lines[line_digest(FURNITURE)] > RECURRING_PAGES
    for number in range(MOST_TITLES * 2):
        memories.learn(page(number))
    assert len(memories.completed(page(99_999)).known_titles) == MOST_TITLES
    for number in range(MOST_HOSTS + 5):
        memories.learn(page(1, host=f"site{number}.example"))
    assert len(memories) == MOST_HOSTS


def test_which_lines_recur_does_not_depend_on_the_order_in_which_they_were_counted() -> None:
    lines = {f"line{number}": RECURRING_PAGES for number in range(MOST_RECURRING * 2)}
    found = []
    for ordered in (lines, dict(reversed(lines.items()))):
        memories = Memories()
        memories.restore([HostMemory(domain="news.example", version=1, pages=RECURRING_PAGES, lines=ordered)])
        found.append(memories.completed(page(1)).host_lines)
    assert found[0] == found[1]
    assert len(found[0]) == MOST_RECURRING
