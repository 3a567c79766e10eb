"""Pages made to hurt: each has an outcome with a name, and what takes too long costs one worker and one record."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_cleaner.extract import MAX_CHARACTERS, MAX_LINES, MAX_TEXT_CHARACTERS
from copydesk_cleaner.extraction.tree import MAX_ATTRIBUTES, MAX_CELLS, MAX_ELEMENTS
from copydesk_cleaner.stage import STAGE, clean
from copydesk_cleaner.story import MAX_FINDINGS
from copydesk_shared.errors import DropReason, Poison
from copydesk_shared.messages import Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import CLEANED, DEAD_LETTER, FETCHED
from copydesk_shared.wire import decode, encode
from tests.cleaner.pages import GOLDEN, article_of, html_page, text_page
from tests.shared.stages import committed, running_stage, until

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the timetable. "
MARKS = "\u0316\u0334"
STORY = f"<article><h1>Row</h1>{f'<p>{SENTENCE * 3}</p>' * 4}</article>"


def page_of(body: str, head: str = "") -> str:
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def linked_data(body: str) -> str:
    return f'<script type="application/ld+json">{body}</script>'


def described(text: str) -> str:
    return f"<meta name='description' content='{text.strip()}'>"


def teasers(number: int) -> str:
    return "".join(f"<li><h3><a href='/news/{each}'>Another story</a></h3></li>" for each in range(number))


TOO_LARGE = {
    "200,000 links": page_of("<a href=/x>y</a>" * 200_000),
    "100,000 paragraphs": page_of("<p>text</p>" * 100_000),
    "10 MB in one node": page_of(f"<p>{'w ' * 5_000_000}</p>"),
    "one node below the byte cap": page_of(f"<article><p>{'word ' * (MAX_CHARACTERS // 5 - 100)}</p></article>"),
    "100,000 attributes": page_of(f"<p {' '.join(f'a{each}=b' for each in range(100_000))}>{SENTENCE}</p>"),
    "quoted attributes": page_of("<p " + "data-a='x y' " * (MAX_ATTRIBUTES + 1) + f">{SENTENCE}</p>"),
    "bare ampersands": page_of("<p>" + "&" * (MAX_TEXT_CHARACTERS * 2)),
    "20,000 divs": page_of("<div>" * 20_000 + SENTENCE + "</div>" * 20_000),
    "20,000 spans": page_of("<p>" + "<span>" * 20_000 + SENTENCE),
    "unclosed lists": page_of("<ul><li>" * 10_000 + SENTENCE),
    "unclosed quotations": page_of("<blockquote>" * 10_000 + SENTENCE),
    "unclosed tables": page_of("<table><tr><td>" * 10_000 + SENTENCE),
    "a story under 50,000 divs": page_of(f"<article><h1>Row</h1>{'<div>' * 50_000}{STORY}"),
    "elements without words": page_of("<br>" * (MAX_ELEMENTS + 1)),
    "50,000 items": page_of(STORY.replace("</article>", f"<ul>{'<li>some words</li>' * 50_000}</ul></article>")),
    "50,000 terms": page_of(STORY.replace("</article>", f"<dl>{'<dt>some words</dt>' * 50_000}</dl></article>")),
    "paragraphs of a story": page_of(f"<article>{'<p>some words of it here</p>' * (MAX_LINES + 1)}</article>"),
}
TOO_LARGE_TEXTS = {
    "lines": "x\n" * (MAX_LINES + 1),
    "credits in one line": "(Photo: A B/AP) " * (MAX_FINDINGS + 1),
    "credits in lines": f"{'(Photo: A B/AP) ' * 12}\n" * 500,
    "sign-offs": "(Reporting by Ann Lee; editing by Bob Ray)\n" * (MAX_FINDINGS + 1),
    "joints": "a.B" * 200_000,
    "one line of 2 MB": "word " * 400_000,
}
DROPPED = {
    "nothing": "",
    "blanks": " \n\t",
    "controls": "\x00\x01\x02",
    "only a comment": "<!-- only a comment -->",
    "an open comment": page_of("<!--" * 50_000 + SENTENCE),
    "an open script": page_of("<script>" * 50_000 + SENTENCE),
    "unclosed forms": page_of("<form>" * 20_000 + SENTENCE),
    "29,000 links": page_of("<div><a href=/x>some words of a link here</a></div>" * 29_000),
    "bylines": page_of("<b rel=author>x y</b>" * 50_000),
}
CLEANED_PAGES = {
    "null bytes": page_of(f"<p>\x00</p>{STORY}".replace("harbour", "har\x00bour")),
    "no characters": page_of(STORY.replace("harbour", "har\ufffebour", 1).replace("ferry", "fer\uffffry", 1)),
    "2,000 divs": page_of(f"{'<div>' * 2_000}{STORY}"),
    "lone surrogates": page_of(f"{STORY}<p>{SENTENCE}\ud800</p>"),
    "a declared UTF-16": f'<?xml version="1.0" encoding="utf-16"?>{page_of(STORY, "<meta charset=utf-16>")}',
    "a declared Shift JIS": page_of(f"{STORY}<p>é ü</p>", "<meta charset=shift_jis>"),
    "a huge attribute": page_of(f"<p title='{'x' * 3_900_000}'>a</p>{STORY}"),
    "a huge class": page_of(f"<div class='{'comment ' * 100_000}'>a</div>{STORY}"),
    "as many attributes as may be": page_of(f"<p {'a=b c=d ' * (MAX_ATTRIBUTES // 2 - 1)}>a</p>{STORY}"),
    "a million entities": page_of(f"<article><p>{SENTENCE}{'&eacute;' * 400_000}</p></article>"),
    "references to references": page_of(f"{STORY}<p>{'&amp;amp; ' * 100_000}</p>"),
    "a reference of many digits": page_of(f"{STORY}<p>&#{'9' * 100_000};</p>"),
    "a script bomb": page_of(f"<script>{'var a = `<p>`; ' * 100_000}</script>{STORY}"),
    "scripts": page_of("<script>x</script>" * 55_000 + STORY),
    "deep linked data": page_of(STORY, linked_data("[" * 400_000)),
    "long linked data": page_of(STORY, linked_data(f'{{"@type": "Article", "articleBody": "{SENTENCE * 8_000}"}}')),
    "linked data of tags": page_of(
        STORY, linked_data(json.dumps({"@type": "Article", "articleBody": "<br" * 100_000}))
    ),
    "many bodies": page_of(STORY, linked_data(json.dumps([{"articleBody": SENTENCE * 5}] * 900))),
    "a title of separators": page_of(STORY, f"<title>{'Row | ' * 100_000}</title>"),
    "many standfirsts": page_of(
        f"<h1>Row</h1>{'<div>' * 200}{f'<b>{SENTENCE[:40]}</b>' * 9_000}{'</div>' * 200}{STORY}",
        described(SENTENCE * 2),
    ),
    "10,000 teasers": page_of(f"{STORY}<ul>{teasers(10_000)}</ul>"),
    "nested teasers": page_of(f"{STORY}{'<div><h3><a href=/news/x>Another</a></h3>' * 120}"),
    "tags": page_of(f"{STORY}<p>{'<a rel=tag href=/t>t</a>' * 19_000}</p>"),
    "wide spans": page_of(f"{STORY}<table><tr><td colspan=1000000000 rowspan=100000>x{'<tr><td>y' * 200}</table>"),
    "a row of 50,000 cells": page_of(
        STORY.replace("</article>", f"<table><tr>{'<td>x</td>' * 50_000}</tr></table></article>")
    ),
    "50,000 cells in no row": page_of(STORY.replace("</article>", f"<table>{'<th>x</th>' * 50_000}</table></article>")),
    "figures": page_of(f"{STORY}{'<figure><img src=a><figcaption>c d e</figcaption></figure>' * 10_000}"),
    "combining marks": page_of(f"{STORY}<p>{SENTENCE}a{MARKS * 300_000}</p>"),
    "a fragment of breaks": f"<p>{SENTENCE}</p>{'a<br>' * (MAX_LINES - 10)}",
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_page_that_is_too_large_is_refused_by_name(name: str) -> None:
    with pytest.raises(Poison) as caught:
        clean(html_page(TOO_LARGE[name]))
    assert caught.value.reason.value == "too-large"


@pytest.mark.parametrize("name", TOO_LARGE_TEXTS)
def test_a_text_that_is_too_large_is_refused_by_name(name: str) -> None:
    with pytest.raises(Poison) as caught:
        clean(text_page(TOO_LARGE_TEXTS[name]))
    assert caught.value.reason.value == "too-large"


def test_a_long_text_in_one_line_is_not_compared_sentence_by_sentence() -> None:
    # Two in five words here look like the begin of a sentence behind a headline.
    text = article_of(text_page(f"{SENTENCE * 3}{'Lesen Sie auch: ' * 30_000}")).text
    assert text.startswith(SENTENCE * 2)


def test_a_row_keeps_as_many_cells_as_it_may_have() -> None:
    row = "".join(f"<td>c{number}</td>" for number in range(MAX_CELLS + 10))
    words = article_of(html_page(page_of(STORY.replace("</article>", f"<table><tr>{row}</table></article>")))).text
    assert f"c{MAX_CELLS - 1}" in words
    assert f"c{MAX_CELLS}" not in words


@pytest.mark.parametrize("name", DROPPED)
def test_a_page_in_which_no_story_can_be_seen_is_dropped(name: str) -> None:
    outcome = clean(html_page(DROPPED[name]))
    assert isinstance(outcome, Drop)
    assert outcome.reason is DropReason.NO_ARTICLE


@pytest.mark.parametrize("name", CLEANED_PAGES)
def test_a_story_among_hostile_parts_is_found(name: str) -> None:
    assert SENTENCE.strip() in article_of(html_page(CLEANED_PAGES[name])).text


def _numbered(number: int, content: str) -> Page:
    return html_page(content).model_copy(update={"article_id": f"{number:020}"})


async def test_a_page_that_takes_too_long_goes_to_the_dead_letters_and_the_pool_goes_on() -> None:
    # Each attribute is compared with all before it, and the marks in them hide how many there are.
    slow = page_of(f"<p {' '.join(f'a{each}=<>' for each in range(200_000))}>{SENTENCE}</p>".replace("<>", "'>'"))
    broker = MemoryBroker()
    for number, content in enumerate([page_of(STORY), slow, *[page_of(STORY)] * 4]):
        broker.append(encode(FETCHED, _numbered(number, content), stage="fetcher", version="1"))
    async with running_stage(STAGE, broker, workers=1, deadline_seconds=6):
        await until(lambda: committed(broker) == 6)
    (letter,) = broker.topics[DEAD_LETTER.name]
    assert letter.header("dead-letter-reason") == "timed-out"
    assert decode(FETCHED, letter).article_id == f"{1:020}"
    cleaned = [decode(CLEANED, record).article_id for record in broker.topics[CLEANED.name]]
    assert sorted(cleaned) == [f"{number:020}" for number in (0, 2, 3, 4, 5)]


def _golden_pages() -> list[Path]:
    return sorted(GOLDEN.glob("*/page.html"))


PIECES = ["<p>", "</p>", "<div>", "</div>", "<!--", "-->", "<script>", "<![CDATA[", "<table><td>", "<nav>", "</html>"]
PIECES += [
    "&#0;",
    "&#xD800;",
    "\x00",
    "\ufeff",
    "\u202e",
    "<a href='",
    '"',
    "<article>",
    "<h1>",
    "<li>",
    "]]>",
    "{",
    "\n",
]


def mutated(html: str, seed: int) -> str:
    """The page after some cuts, repetitions, moves and insertions."""
    chance = random.Random(seed)
    for _ in range(chance.randrange(1, 25)):
        start = chance.randrange(len(html) + 1)
        end = min(len(html), start + chance.randrange(1, 400))
        other = chance.randrange(len(html) + 1)
        part = chance.choice(
            ["", html[start:end] * 2, chance.choice(PIECES), html[start:end][::-1], html[other:][:300]]
        )
        html = html[:start] + part + html[end:]
    return html


@given(st.sampled_from(_golden_pages()), st.integers(min_value=0))
@settings(max_examples=100, deadline=None)
def test_no_damage_to_a_page_breaks_the_cleaner(path: Path, seed: int) -> None:
    page = html_page(mutated(path.read_text(encoding="utf-8"), seed))
    assert isinstance(clean(page), Emit | Drop)
