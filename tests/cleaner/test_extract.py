import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_cleaner.extract import MAX_CHARACTERS, MAX_TEXT_CHARACTERS, extract
from copydesk_cleaner.extraction.tree import MAX_ELEMENTS
from copydesk_cleaner.similarity import simhash
from copydesk_cleaner.stage import clean
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.stage import Drop, Emit
from tests.cleaner.pages import article_of, html_page, text_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the timetable. "


def page_of(body: str, head: str = "") -> str:
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def test_a_fragment_becomes_a_line_for_each_block() -> None:
    html = (
        "<p>One\n  line</p><ul><li>first</li><li>second</li></ul><blockquote>said</blockquote>a<br>b"
        "<table><tr><td>x</td><td>y</td></tr></table><script>no()</script><style>no</style><pre>keep\nlines</pre>"
        "<figure><img src='/p.jpg'><figcaption>Crews at the gate (Picture: PA)</figcaption></figure>tail &amp; end"
    )
    extracted = extract(html_page(html))
    assert extracted.text == "One line\nfirst\nsecond\nsaid\na\nb\nx y\nkeep\nlines\ntail & end"
    (image,) = extracted.metadata.images
    assert (image.url, image.caption, image.credit) == ("https://example.org/p.jpg", "Crews at the gate", "PA")


def test_a_page_gives_its_article_without_its_navigation() -> None:
    paragraphs = "".join(f"<p>On day {number}, {SENTENCE * 3}</p>" for number in range(4))
    navigation = "<nav><a href='/'>Home</a> <a href='/n'>News of the world</a></nav>"
    body = f"{navigation}<article><h1>Row</h1>{paragraphs}</article>"
    article = article_of(html_page(page_of(body, "<title>Row | Example</title>")))
    assert len(article.paragraphs) == 4
    assert (article.title, article.language) == ("Row", "en")


def test_a_reference_of_thousands_of_digits_is_text() -> None:
    reference = f"&#{'9' * 5000};"
    body = f"<article>{''.join(f'<p>On day {number}, {SENTENCE * 3}</p>' for number in range(4))}<p>{SENTENCE}"
    article = article_of(html_page(page_of(f"{body}&amp;{reference[1:]}</p></article>", "<title>Row</title>")))
    assert reference in article.text


def test_a_caption_of_the_page_tells_where_a_fused_caption_starts() -> None:
    caption = "Mira Lane. Ann Lee. Bo Ek at the gate"
    figure = f"<figure><img src='/p.jpg'><figcaption>{caption}</figcaption></figure>"
    paragraphs = f"<p>{SENTENCE * 6}{caption} (Ann Lee)</p><p>{SENTENCE}</p>"
    article = article_of(html_page(figure + paragraphs))
    assert article.paragraphs == ((SENTENCE * 6).strip(), SENTENCE.strip())
    assert [(image.caption, image.credit) for image in article.images] == [(caption, "Ann Lee")]


def test_figures_that_tease_other_stories_are_not_pictures_of_this_one() -> None:
    figure = "<figure><img src='/p.jpg'><figcaption>Another story</figcaption></figure>"
    for teaser in (f"<aside>{figure}</aside>", f"<a href='/x'>{figure}</a>", f"<footer>{figure}</footer>"):
        assert article_of(html_page(f"<p>{SENTENCE}</p>{teaser}")).images == ()


@pytest.mark.parametrize("nav", ["nav", "div role='navigation'"])
@pytest.mark.parametrize(
    "story",
    [
        "<article><h1>Short</h1><p>Just one line.</p></article>",
        f"<h1>Row</h1><div><div>{SENTENCE}</div><div>{SENTENCE * 2}</div></div>",
    ],
    ids=["short", "divs"],
)
def test_navigation_is_no_paragraph_where_the_story_is_hard_to_find(nav: str, story: str) -> None:
    links = "<ul><li><a>Home</a><li><a>Sport</a><li><a>News</a></ul>"
    article = article_of(html_page(page_of(f"<{nav}>{links}</{nav.partition(' ')[0]}>{story}")))
    assert not {"Home", "Sport", "News"} & set(article.paragraphs)


def test_a_story_inside_a_navigation_that_was_never_closed_is_kept() -> None:
    article = article_of(html_page(page_of(f"<nav><a href='/'>Home</a><h1>Row</h1><p>{SENTENCE}</p>")))
    assert SENTENCE.strip() in article.paragraphs


@pytest.mark.parametrize("sentences", [1, 12], ids=["short", "long"])
def test_characters_are_unescaped_once(sentences: int) -> None:
    words = "Use &amp;amp; and &amp;lt;b&amp;gt; and &amp;eacute; here, AT&amp;T, Q&amp;A and 1 &lt; 2."
    body = f"<article><h1>Row</h1><p>{words} <b>&amp;copy</b> &amp;copy; it.</p><p>{SENTENCE * sentences}</p></article>"
    article = article_of(html_page(page_of(body)))
    assert article.paragraphs[0] == "Use &amp; and &lt;b&gt; and &eacute; here, AT&T, Q&A and 1 < 2. &copy &copy; it."


def story_of(number: int = 4) -> str:
    return "".join(f"<p>On day {each}, {SENTENCE * 3}</p>" for each in range(number))


@pytest.mark.parametrize("item", ["li", "div", "article"])
@pytest.mark.parametrize("link", ["<h3><a href='/news/{}'>{}</a></h3>", "<a href='/news/{}'><h3>{}</h3></a>"])
def test_a_list_of_other_stories_is_no_part_of_this_one(item: str, link: str) -> None:
    teasers = "".join(
        f"<{item}>{link.format(name, f'Another ferry is late in {name}')}<p>Crews in {name} stay at home.</p></{item}>"
        for name in ("Aalen", "Bergen", "Calais")
    )
    article = article_of(html_page(page_of(f"<article><h1>Row</h1>{story_of()}<div>{teasers}</div></article>")))
    assert len(article.paragraphs) == 4
    assert "Bergen" not in article.text


@pytest.mark.parametrize(
    "link",
    [
        "<h3><a href='#{0}'>Part {0}</a></h3>",
        "<h3><a href='https://shop.example.com/{0}'>Part {0}</a></h3>",
        "<h3>{0}</h3>",
    ],
    ids=["anchors", "another site", "no links"],
)
def test_the_parts_of_a_story_are_no_list_of_others(link: str) -> None:
    parts = "".join(f"<div>{link.format(name)}<p>{name} has {SENTENCE * 2}</p></div>" for name in ("One", "Two", "Ten"))
    article = article_of(html_page(page_of(f"<article><h1>Row</h1>{story_of()}{parts}</article>")))
    assert sum("has The harbour" in paragraph for paragraph in article.paragraphs) == 3


def test_a_line_of_tags_is_no_part_of_the_story_and_a_tag_in_a_sentence_is() -> None:
    tags = "".join(
        f"<a rel='tag' href='/tag/{name}'>{name} harbour news</a>, " for name in ("ferries", "crews", "board")
    )
    sentence = f"<p>{SENTENCE} So say <a rel='tag' href='/tag/crews'>the crews</a> of the line.</p>"
    article = article_of(html_page(page_of(f"<article><h1>Row</h1>{story_of()}{sentence}<div>{tags}</div></article>")))
    assert "So say the crews of the line." in article.paragraphs[-1]
    assert "ferries harbour news" not in article.text


STANDFIRST = "Crews say that the winter timetable leaves them four minutes between two crossings"


@pytest.mark.parametrize("ending", ["", "…", "..."])
def test_the_standfirst_that_the_description_repeats_is_part_of_the_story(ending: str) -> None:
    head = f"<meta property='og:description' content='{STANDFIRST}{ending}'>"
    body = f"<h1>Row</h1><header><div><span>{STANDFIRST}</span></div></header><article>{story_of()}</article>"
    assert article_of(html_page(page_of(body, head))).paragraphs[0] == STANDFIRST


@pytest.mark.parametrize(
    "body",
    [
        "<h1>Row</h1><article>{story}</article>",
        "<h1>Row</h1><article>{story}</article><p>{standfirst}</p>",
        "<p>{standfirst}</p><h1>Row</h1><article>{story}</article>",
        "<h1>Row</h1><aside><p>{standfirst}</p></aside><article>{story}</article>",
        "<h1>Row</h1><p><a href='/x'>{standfirst}</a></p><article>{story}</article>",
    ],
    ids=["not printed", "after the story", "before the heading", "aside", "link"],
)
def test_a_description_that_is_printed_nowhere_or_elsewhere_is_no_standfirst(body: str) -> None:
    head = f"<meta property='og:description' content='{STANDFIRST}'>"
    page = html_page(page_of(body.format(story=story_of(), standfirst=STANDFIRST), head))
    assert STANDFIRST not in article_of(page).text


def told(body: str) -> str:
    return f"<script type='application/ld+json'>{json.dumps({'@type': 'NewsArticle', 'articleBody': body})}</script>"


def test_a_story_that_only_json_ld_tells_whole_is_taken_from_there() -> None:
    lines = [f"On day {number}, {SENTENCE * 3}".strip() for number in range(8)]
    page = page_of(f"<article><h1>Row</h1><p>{lines[0]}</p></article>", told("\n\n".join(lines)))
    assert article_of(html_page(page)).paragraphs == tuple(lines)


def test_a_story_that_is_nowhere_but_in_json_ld_keeps_its_paragraphs() -> None:
    story = [f"The harbour board met the ferry crews on the {day} of May." for day in ("first", "second", "third")]
    page = f"<html><head>{told(chr(10).join(story))}</head><body><div id='app'></div></body></html>"
    assert list(article_of(html_page(page)).paragraphs) == story


def test_a_story_that_json_ld_tells_is_printed_paragraph_by_paragraph_where_the_page_has_them() -> None:
    lines = [f"On day {number}, {SENTENCE * 3}".strip() for number in range(8)]
    chunks = "".join(f"<div class='article-body'><p>{line}</p></div>" for line in lines)
    page = page_of(f"<h1>Row</h1><div>{chunks}</div><nav><p>{lines[0]}</p></nav>", told(" ".join(lines)))
    assert article_of(html_page(page)).paragraphs == tuple(lines)


def test_a_body_in_json_ld_that_is_of_another_story_is_not_taken() -> None:
    other = " ".join(
        f"In town {number} the tram lines were closed for a day of mending and paint." for number in range(60)
    )
    page = page_of(f"<article><h1>Row</h1>{story_of()}</article>", told(other))
    assert "tram" not in article_of(html_page(page)).text


@pytest.mark.parametrize(
    "small_print",
    [
        "Founded 1998",
        "Copyright 2019",
        "© 2019 Example",
        "<span class='date'>2019</span>",
        "Harbour news since 1 in 1998",
    ],
)
def test_a_lone_year_is_no_date_of_publication(small_print: str) -> None:
    body = f"<h1>Row</h1><p>{SENTENCE * 3}</p><footer><p>{small_print}</p></footer>"
    assert article_of(html_page(page_of(body))).published_at is None


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("", "<meta property='article:published_time' content='2019-01-01T00:00:00Z'>"),
        ("", '<script type=\'application/ld+json\'>{"@type": "NewsArticle", "datePublished": "2019-01-01"}</script>'),
        ("<time datetime='2019-01-01'>New Year</time>", ""),
        ("<p class='date'>1 January 2019</p>", ""),
        ("<p class='date'>January 1st, 2019</p>", ""),
        ("<p class='date'>01.01.2019</p>", ""),
    ],
    ids=["meta", "json-ld", "time", "day first", "month first", "figures"],
)
def test_a_date_that_the_page_writes_out_is_kept(body: str, head: str) -> None:
    page = html_page(page_of(f"<h1>Row</h1>{body}<p>{SENTENCE * 3}</p>", head))
    assert article_of(page).published_at == datetime(2019, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "html",
    ["", "   ", "<!-- only a comment -->", "<html></html>", "<html><body><nav>Home</nav></body></html>", "\x00\x01"],
)
def test_a_page_without_text_is_dropped(html: str) -> None:
    assert isinstance(clean(html_page(html)), Drop)


@pytest.mark.parametrize(
    "html",
    [
        page_of(f"<p>{SENTENCE}</p>", "<script type='application/ld+json'>" + "[" * 50_000 + "</script>"),
        page_of(f"<p>{SENTENCE}\0\ud800</p>"),
        "<" * 20_000,
        '<?xml version="1.0" encoding="utf-16"?><html><body><p>' + SENTENCE + "</p></body></html>",
        '<html><head><meta charset="shift_jis"></head><body><p>' + SENTENCE + "é</p></body></html>",
    ],
    ids=["json-ld", "control", "angles", "xml", "charset"],
)
def test_a_hostile_page_has_an_outcome(html: str) -> None:
    assert isinstance(clean(html_page(html)), Emit | Drop)


@pytest.mark.parametrize(
    "html",
    [
        page_of(f"<p>{'word ' * (MAX_CHARACTERS // 5)}</p>"),
        page_of("<p>text</p>" * (MAX_ELEMENTS + 1)),
        f"<p>{'word ' * (MAX_TEXT_CHARACTERS // 5 + 1)}</p>",
        page_of("<div>" * 20_000 + SENTENCE + "</div>" * 20_000),
        "<div>" * 20_000 + SENTENCE,
        page_of("<table><tr><td>" * 3_000 + SENTENCE),
    ],
    ids=["characters", "elements", "text", "nested page", "nested fragment", "tables"],
)
def test_a_page_too_large_to_be_an_article_is_poison(html: str) -> None:
    with pytest.raises(Poison) as caught:
        clean(html_page(html))
    assert caught.value.reason is DeadLetterReason.TOO_LARGE


@pytest.mark.parametrize(
    "text",
    [
        "A man stands (Reuters)The " * 4_000,
        "(" * 200_000,
        'said."We ' * 20_000,
        "A" * 200_000,
        ("A" * 58 + " (Reuters)The ") * 3_000,
        "Photo: " * 30_000,
        ". A" * 70_000,
        "Jon Super/AP\n" * 4_000,
        "[" * 200_000,
    ],
    ids=["credits", "brackets", "quotes", "capitals", "datelines", "labels", "sentences", "lines", "square"],
)
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    assert isinstance(clean(text_page(text)), Emit | Drop)


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<div>",
                "<a href=x>",
                "</a>",
                "<table>",
                "<td>",
                "<figure>",
                "<figcaption>",
                "<!--",
                "<![CDATA[",
                "&#0;",
                "&#xD800;",
                "<script>",
                "</body>",
                SENTENCE,
                "x",
                "\x00",
                "<svg>",
                "<html>",
                "<h2>",
                "<br>",
            ]
        ),
        max_size=60,
    ).map("".join)
)
@settings(max_examples=150, deadline=None)
def test_no_html_breaks_the_cleaner(html: str) -> None:
    assert isinstance(clean(html_page(html)), Emit | Drop)


def test_similar_texts_have_similar_hashes() -> None:
    words = [f"word{number}" for number in range(300)]
    one, other = simhash(" ".join(words)), simhash(" ".join([*words[:-3], "another", "ending", "here"]))
    far = simhash(" ".join(f"different{number}" for number in range(300)))
    assert len(one) == 16
    assert (int(one, 16) ^ int(other, 16)).bit_count() < (int(one, 16) ^ int(far, 16)).bit_count()
    assert simhash("") == simhash("")


@pytest.mark.parametrize("named", ["class='infinite-scroll'", "id='infinitescroll'", "class='mvp-post-add-box'"])
def test_a_story_that_follows_is_no_part_of_this_one(named: str) -> None:
    other = f"<div {named}><article><h2>Other</h2>{'<p>The tram lines were closed for a day of mending.</p>' * 30}</article></div>"
    article = article_of(html_page(page_of(f"<div><h1>Row</h1>{story_of()}</div>{other}")))
    assert len(article.paragraphs) == 4
    assert "tram" not in article.text
