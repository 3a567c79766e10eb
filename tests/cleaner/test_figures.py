"""Captions and credits at the pictures of a page."""

import pytest
from lxml import html

from copydesk_cleaner.captions import credit_alone, split_caption, unlabelled
from copydesk_cleaner.extraction.figures import read_pictures
from copydesk_cleaner.extraction.survey import survey
from copydesk_shared.messages import Article
from tests.cleaner.pages import article_of, html_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
SECOND = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."

MORE = (
    "The crews had asked for two more boats in the morning, and for a later start on the first day of the year.",
    "Nobody from the ferry company spoke at the meeting, which was the longest that the board has ever held.",
)


def article_with(picture: str) -> Article:
    return article_of(
        html_page(
            f"<!doctype html><html><body><article><p>{FIRST}</p>{picture}<p>{SECOND}</p><p>{MORE[0]}</p><p>{MORE[1]}</p></article></body></html>"
        )
    )


@pytest.mark.parametrize(
    "picture",
    [
        "<figure><img src=/a.jpg><figcaption>Crews wait at the quay © Ada Holm</figcaption></figure>",
        "<figure><img src=/a.jpg><span>Image source, Ada Holm</span><figcaption>Crews wait at the quay</figcaption></figure>",
        "<figure><img src=/a.jpg><figcaption>Crews wait at the quay</figcaption></figure><cite>Ada Holm</cite>",
        "<figure><img src=/a.jpg><figcaption>Crews wait at the quay <small>Foto: Ada Holm</small></figcaption></figure>",
        "<figure data-credit='Ada Holm' data-caption='Crews wait at the quay'><img src=/a.jpg></figure>",
        "<figure><img src=/a.jpg><figcaption><i>Crews wait at the quay</i> <b class=caption-author>Ada Holm</b></figcaption></figure>",
        "<amp-img src=/a.jpg></amp-img><p class=amp-caption>Crews wait at the quay (Image: Ada Holm)</p>",
        "<div><img src=/a.jpg><div><p class=image-caption>Crews wait at the quay</p><p class=image-credit>Ada Holm</p></div></div>",
        "<div><img src=/a.jpg></div><div class=field-caption>Crews wait at the quay</div><div class=field-copyright>© Ada Holm</div>",
        "<x-figure><img src=/a.jpg><x-caption>Crews wait at the quay (Photo: Ada Holm)</x-caption></x-figure>",
        "<div><span>Foto: Ada Holm</span><img src=/a.jpg><div>Crews wait at the quay</div></div>",
        "<img src=/a.jpg><p class=caption>Crews wait at the quay <b class=credit>Ada Holm</b><i class=hide-caption>hide</i></p>",
    ],
)
def test_captions_and_credits_are_read_where_publishers_print_them(picture: str) -> None:
    article = article_with(picture)
    assert [(image.caption, image.credit) for image in article.images] == [("Crews wait at the quay", "Ada Holm")]
    assert article.paragraphs == (FIRST, SECOND, *MORE)


@pytest.mark.parametrize(
    "picture",
    [
        "<p class=description>Crews wait at the quay for the ferry, as on every day.</p>",
        "<div><img src=/a.jpg></div><p class=text-body>Crews wait at the quay for the ferry, as on every day.</p>",
        "<p>Crews wait at the quay for the ferry, as on every day.</p><p class=byline>Ada Holm</p>",
    ],
)
def test_text_is_no_caption(picture: str) -> None:
    article = article_with(picture)
    assert article.images == ()
    assert "Crews wait at the quay for the ferry, as on every day." in article.paragraphs


def test_a_byline_behind_a_figure_is_no_credit() -> None:
    tree = html.fromstring(
        "<div><figure><img src=/a.jpg><figcaption>At the quay</figcaption></figure><p class=byline>By Ada Holm</p></div>"
    )
    assert [(figure.caption, figure.credit) for figure in read_pictures(tree, survey(tree).captions).figures] == [
        ("At the quay", "")
    ]


@pytest.mark.parametrize(
    ("said", "credit"),
    [
        ('"creditText": "Ada Holm"', "Ada Holm"),
        ('"copyrightHolder": {"@type": "Organization", "name": "Quay Archive"}', "Quay Archive"),
        ('"creator": [{"@type": "Person", "name": "Ada Holm"}]', "Ada Holm"),
        ('"copyrightNotice": "© Ada Holm"', "Ada Holm"),
    ],
)
def test_linked_data_complete_a_figure(said: str, credit: str) -> None:
    linked = f'{{"@type": "NewsArticle", "image": {{"@type": "ImageObject", "url": "/a.jpg", "caption": "At the quay", {said}}}}}'
    article = article_with(
        f'<script type="application/ld+json">{linked}</script>'
        "<figure><img src=/a.jpg><figcaption>At the quay</figcaption></figure>"
    )
    assert [(image.caption, image.credit) for image in article.images] == [("At the quay", credit)]


@pytest.mark.parametrize(
    ("text", "marked", "caption", "credit"),
    [
        (
            "A ferry in the strait, May 2026. NORTHWIRE/Lena Ostby",
            "",
            "A ferry in the strait, May 2026.",
            "NORTHWIRE/Lena Ostby",
        ),
        ("The new quay. Supplied", "", "The new quay.", "Supplied"),
        ("The new quay. (Ada Holm)", "", "The new quay.", "Ada Holm"),
        ("The table of tides. Photo by the author.", "", "The table of tides.", "the author"),
        ("The seat of the company — Reuters", "", "The seat of the company", "Reuters"),
        ("The quay - Copyright Ada Holm/AP", "Copyright Ada Holm/AP", "The quay", "Ada Holm/AP"),
        ("The quay", "(Ada Holm)", "The quay", "Ada Holm"),
        ("The board in 2026. The answer is due in May", "", "The board in 2026. The answer is due in May", ""),
        ("The Environmental Protection Agency (EPA)", "", "The Environmental Protection Agency (EPA)", ""),
    ],
)
def test_a_caption_is_taken_apart(text: str, marked: str, caption: str, credit: str) -> None:
    image = split_caption(text, marked)
    assert (image.caption, image.credit) == (caption, credit)


def test_credits_alone() -> None:
    assert credit_alone("Image source, Ada Holm") == "Ada Holm"
    assert credit_alone("© Ada Holm") == "Ada Holm"
    assert credit_alone("The quay at noon") == ""
    assert unlabelled("(Foto: Ada Holm)") == "Ada Holm"
