"""Nothing is lost: article and removals give back the text, character for character."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copydesk_cleaner.extract import extract
from copydesk_cleaner.stage import clean
from copydesk_cleaner.story import Cut, settle
from copydesk_cleaner.text import normalise
from copydesk_shared.messages import PARAGRAPH_BREAK, Article, Page
from copydesk_shared.removals import restore, restore_text
from copydesk_shared.stage import Drop
from tests.cleaner.pages import SHARED_DATA, article_of, html_page, text_page

PIECES = (
    "The minister said on Friday that the talks would go on.",
    "“We will not stop,” she told reporters.",
    "A convoy of buses is seen near the airbase on January 24",
    "(Anadolu via Getty Images)",
    "(Picture: Jon Super/AP)",
    "(Reuters)",
    " (EPA-EFE/REX/Shutterstock)",
    "Credit: PA",
    "Photograph: Eva Manez/Reuters",
    "READ MORE: Row over harbour grows as ferry crews walk out",
    "Related articles",
    "Russian model killed after calling leader a 'psychopath' was strangled by her ex",
    "KYIV, Jan 24 (Reuters) - Russia said on Friday",
    "Environmental Protection Agency (EPA)",
    "Sign up to our free weekly newsletter",
    "By Adam Millington",
    "___",
    "Image source, Getty Images",
    "Advertisement",
    "- a list item",
    '"',
    "\u200b\u00a0",
    "日本語の文章です。",
    "👩\u200d🚒",
    "e\u0301",
    "\r\n",
    "\n\n",
    "\n",
    " ",
    "",
)
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30)), max_size=40).map("".join)


def assert_accounted(article: Article, text: str) -> None:
    assert restore(article) == text
    for removal in article.removals:
        assert text[removal.start : removal.end] == removal.text
        assert 0 <= removal.paragraph <= len(article.paragraphs)
    assert all(paragraph.strip() == paragraph and paragraph for paragraph in article.paragraphs)
    assert not any("  " in paragraph for paragraph in article.paragraphs)
    assert not any(PARAGRAPH_BREAK in paragraph for paragraph in article.paragraphs)


@given(TEXTS)
@example("A convoy leaves the gate.(Anadolu via Getty Images) The story goes on from here.")
@example("It began. A convoy leaves the gate(Anadolu via Getty Images) The story goes on from here.")
@settings(max_examples=400, deadline=None)
def test_text_and_removals_rebuild_the_text(text: str) -> None:
    page = text_page(text)
    outcome = clean(page)
    if isinstance(outcome, Drop):
        return
    assert_accounted(outcome.message, normalise(text))


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_html_and_removals_rebuild_the_extracted_text(text: str) -> None:
    page = html_page("<p>" + text.replace("\n", "</p><p>") + "</p>")
    outcome = clean(page)
    if isinstance(outcome, Drop):
        return
    assert_accounted(outcome.message, extract(page).text)


@given(st.text(alphabet="ab \n", max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=6))
def test_any_cuts_can_be_put_back(raw: str, spans: list[tuple[int, int]]) -> None:
    text = normalise(raw)
    cuts: list[Cut] = []
    for start, length in sorted(spans):
        end = min(start + length, len(text))
        inside = "\n" not in text[start:end] and text[start:end].strip() != ""
        if start < end and inside and (not cuts or start >= cuts[-1].end):
            cuts.append(Cut(start, end, "test.cut", "boilerplate"))
    settled = settle(text, cuts)
    assert restore_text(PARAGRAPH_BREAK.join(settled.paragraphs), settled.removals) == text


def test_a_removal_tells_the_paragraph_it_lies_in_or_before() -> None:
    article = article_of(
        text_page(
            "READ MORE: A first headline of another story\n"
            "The first paragraph is here, and it is a whole sentence.\n"
            "Guards stand at the palace (Picture: PA)The second paragraph follows the fused credit.\n"
            "Related articles"
        )
    )
    assert [(removal.kind, removal.paragraph) for removal in article.removals] == [
        ("related-link", 0),
        ("caption", 1),
        ("credit", 1),
        ("related-link", 2),
    ]
    assert [removal.text for removal in article.removals][1:3] == ["Guards stand at the palace ", "(Picture: PA)"]


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_the_outcome_depends_on_the_page_alone(text: str) -> None:
    page = text_page(text)
    assert clean(page) == clean(Page.model_validate_json(page.model_dump_json())) if "\ud800" not in text else True


def data_pages(folder: Path) -> Iterator[Page]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if "text" in record:
                yield text_page(record["text"])
    for name in ("aeb", "fundus"):
        for path in sorted((folder / name / "html").glob("*.html.gz"))[::8]:
            yield html_page(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))


@pytest.mark.seed
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs ../shared/data/clean")
def test_every_text_of_the_developer_data_can_be_rebuilt() -> None:
    checked = 0
    for page in data_pages(SHARED_DATA):
        outcome = clean(page)
        if not isinstance(outcome, Drop):
            assert_accounted(outcome.message, extract(page).text)
            checked += 1
    assert checked > 500


def data_texts(folder: Path) -> Iterator[str]:
    """Each text with its lines, and as one line."""
    for name in ("text_raw_giveme5w1h", "text_labelled", "fused"):
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            text = json.loads(line)["text"]
            yield text
            yield text.replace("\n", " ")


@pytest.mark.seed
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs ../shared/data/clean")
def test_what_was_cleaned_is_clean() -> None:
    checked, again = 0, []
    for text in data_texts(SHARED_DATA):
        once = clean(text_page(text))
        if isinstance(once, Drop):
            continue
        twice = clean(text_page(once.message.text))
        checked += 1
        if isinstance(twice, Drop) or twice.message.removals:
            again.append(once.message.text[:200])
    assert checked > 1000
    assert again == []
