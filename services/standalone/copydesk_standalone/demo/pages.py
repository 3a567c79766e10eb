"""The HTML of the sample publisher, in three styles of markup that real news sites have.

``broadsheet`` is tidy and semantic. ``tabloid`` puts its widgets between the paragraphs. ``careless`` is a content
system that prints a picture's caption and credit into the paragraph after it, without a space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from copydesk_standalone.demo.article import Article, Block, Paragraph, Picture, load_articles
from copydesk_standalone.demo.schedule import Printed

PAPER = "The Harbour Courier"
SECTIONS = ("world", "local", "travel", "business", "science", "sport")

_environment = Environment(
    loader=PackageLoader("copydesk_standalone.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Piece:
    """A block as printed: its kind, its text, and the picture with its address if it shows one.

    A ``fused`` piece is a caption, its credit and the following paragraph in one.
    """

    kind: str
    text: str = ""
    label: str = ""
    caption: str = ""
    credit: str = ""
    src: str = ""


def article_url(base_url: str, article: Article) -> str:
    return base_url + article.path


def picture_path(article: Article, number: int) -> str:
    """The address of the article's picture, counted from 1."""
    return f"/pictures/{article.slug}-{number}.svg"


def pieces(printed: Printed, *, fuse: bool) -> tuple[Piece, ...]:
    """The body as printed; ``fuse`` runs each picture's caption and credit into the paragraph that follows it."""
    out: list[Piece] = []
    number = 0
    for block in printed.article.body:
        number += isinstance(block, Picture)
        piece = _piece(printed, block, number)
        if fuse and isinstance(block, Paragraph) and out and out[-1].kind == "picture":
            before = out.pop()
            piece = Piece("fused", piece.text, caption=before.caption, credit=before.credit, src=before.src)
        out.append(piece)
    return tuple(out)


def _piece(printed: Printed, block: Block, number: int) -> Piece:
    if isinstance(block, Paragraph):
        return Piece("paragraph", block.reads(revised=printed.revised))
    if isinstance(block, Picture):
        src = picture_path(printed.article, number)
        return Piece("picture", caption=block.caption, credit=block.credit, src=src)
    values = block.model_dump(exclude={"kind", "label"})
    return Piece(block.kind, text=next(iter(values.values())), label=getattr(block, "label", ""))


def render_article(base_url: str, printed: Printed) -> bytes:
    """The page of an article."""
    article = printed.article
    fuse = article.template == "careless"
    return _render(
        f"{article.template}.html",
        article=article,
        printed=printed,
        pieces=pieces(printed, fuse=fuse),
        url=article_url(base_url, article),
        json_ld=news_article(base_url, printed),
        base_url=base_url,
        summary=article.reads_summary(revised=printed.revised),
    )


def render_wire(printed: Printed) -> str:
    """The full text of an article as a feed carries it: paragraphs only, captions fused as an agency's export does."""
    return _environment.get_template("wire.html").render(pieces=pieces(printed, fuse=True))


def render_listing(base_url: str, heading: str, items: Sequence[Printed]) -> bytes:
    """The front page or the page of a section."""
    return _render("listing.html", heading=heading, items=items, base_url=base_url)


def render_notice(base_url: str, heading: str, text: str) -> bytes:
    return _render("notice.html", heading=heading, text=text, base_url=base_url)


def render_picture(caption: str, number: int) -> bytes:
    """A placeholder picture: a harbour horizon, tinted by its number, with the caption as its accessible title."""
    return _environment.get_template("picture.svg").render(caption=caption, hue=(number * 67) % 360).encode()


def news_article(base_url: str, printed: Printed) -> dict[str, Any]:
    """The schema.org NewsArticle of a page."""
    article = printed.article
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.title,
        "description": article.reads_summary(revised=printed.revised),
        "articleSection": article.section.title(),
        "datePublished": _iso(printed.published),
        "dateModified": _iso(printed.updated),
        "author": [{"@type": "Person", "name": name} for name in article.authors],
        "publisher": {"@type": "NewsMediaOrganization", "name": PAPER, "url": f"{base_url}/"},
        "mainEntityOfPage": article_url(base_url, article),
        "image": [base_url + picture_path(article, number + 1) for number in range(len(article.pictures()))],
        "inLanguage": "en-GB",
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _clock_time(moment: datetime) -> str:
    return f"{moment:%H:%M}, {moment.day} {moment:%b %Y}"


def _story_path(title: str) -> str:
    """Where a headline leads: to the article of that title, or nowhere in particular if it was never written."""
    return next((article.path for article in load_articles() if article.title == title), "/about")


_environment.filters |= {"clock_time": _clock_time, "story_path": _story_path}


def _render(template: str, **values: Any) -> bytes:
    return _environment.get_template(template).render(paper=PAPER, sections=SECTIONS, **values).encode()
