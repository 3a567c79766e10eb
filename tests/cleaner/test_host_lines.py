"""Lines that recur on the host are cut, and the article says by which memory."""

from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_shared.lines import line_digest
from copydesk_shared.removals import restore
from tests.cleaner.pages import article_of, text_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the timetable."
LAST = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
SLOGAN = "Your island, your news, every evening at six"
TEXT = f"{FIRST}\n{SLOGAN}\n{LAST}"


def test_a_recurring_line_is_cut() -> None:
    page = text_page(TEXT).model_copy(update={"host_lines": (line_digest(SLOGAN.upper()),), "host_memory": 7})
    article = article_of(page)
    assert article.paragraphs == (FIRST, LAST)
    assert [(removal.rule, removal.text.strip()) for removal in article.removals] == [("host.recurring-line", SLOGAN)]
    assert article.cleaner_version == f"{CLEANER_VERSION}+host.7"
    assert restore(article) == TEXT


def test_without_memory_the_version_is_that_of_the_rules() -> None:
    assert article_of(text_page(TEXT)).cleaner_version == CLEANER_VERSION


def test_an_article_that_recurs_whole_stays() -> None:
    digests = (line_digest(FIRST), line_digest(LAST))
    page = text_page(f"{FIRST}\n{LAST}").model_copy(update={"host_lines": digests})
    assert article_of(page).paragraphs == (FIRST, LAST)
