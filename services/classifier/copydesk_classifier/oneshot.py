"""One text, outside the pipeline: what the ``classify`` command reads and prints."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from pydantic import ValidationError

from copydesk_shared.errors import InputError
from copydesk_shared.identity import short_digest
from copydesk_shared.messages import Article, ClassifiedArticle, Source
from copydesk_shared.plain import in_plain_words
from copydesk_shared.tags import Evidence, Tag

SOFT_HYPHEN = "\u00ad"  # says where a word may be broken, and is not a part of it
_JSON_OBJECT = re.compile(r'\s*\{\s*["}]')
_PLACE_IN_JSON = re.compile(r"\s*at line (\d+) column (\d+)$")
CONTEXT_CHARACTERS = 48
NOT_CLEANED = "none"
BOLD, FAINT, MARKED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;33m", "\x1b[0m"


def article_from(text: str, now: datetime) -> Article:
    """The article that was handed in: the JSON of one, or plain text with a paragraph a line and no title.

    Plain text becomes an article with the address ``urn:sha256:...``, no language and no simhash, in Unicode's composed
    form (NFC) as cleaned articles are: the words of tags are. Raises :class:`InputError` for text without words and
    for JSON that is broken or no article.
    """
    text = text.removeprefix("\ufeff")
    if _JSON_OBJECT.match(text):
        return article_of_json(text)
    composed = unicodedata.normalize("NFC", text).replace(SOFT_HYPHEN, "")
    paragraphs = tuple(line.strip() for line in composed.splitlines() if line.strip())
    if not paragraphs:
        raise InputError("there is no text to classify")
    body = "\n".join(paragraphs)
    digest = hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()
    url = f"urn:sha256:{digest}"
    return Article(
        article_id=short_digest(url),
        url=url,
        canonical_url=url,
        source=Source(name="", domain=""),
        fetched_at=now,
        paragraphs=paragraphs,
        word_count=len(body.split()),
        content_hash=digest,
        simhash="",
        cleaner_version=NOT_CLEANED,
    )


def article_of_json(text: str) -> Article:
    """The article that this is the JSON of. Raises :class:`InputError` that says what is wrong and where."""
    try:
        return Article.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        problem = first["msg"].removeprefix("Invalid JSON: ")
        place = _PLACE_IN_JSON.search(problem)
        where = f"line {place[1]}, column {place[2]}: " if place else ""
        raise InputError(f"{where}not valid JSON: {_PLACE_IN_JSON.sub('', problem)}")
    name = ".".join(map(str, first["loc"]))
    raise InputError(f"not the JSON of an article: {name}: {in_plain_words(first)}")


class Style:
    """Marks for a terminal, or brackets where there are no colours."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def strong(self, text: str) -> str:
        return f"{BOLD}{text}{PLAIN}" if self._colour else text

    def faint(self, text: str) -> str:
        return f"{FAINT}{text}{PLAIN}" if self._colour else text

    def marked(self, text: str) -> str:
        return f"{MARKED}{text}{PLAIN}" if self._colour else f"[{text}]"


def one_line(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _in_context(article: ClassifiedArticle, evidence: Evidence, style: Style) -> str:
    source = article.title if evidence.field == "title" else article.text
    first = max(0, evidence.start - CONTEXT_CHARACTERS)
    last = min(len(source), evidence.end + CONTEXT_CHARACTERS)
    before = ("…" if first else "") + one_line(source[first : evidence.start])
    after = one_line(source[evidence.end : last]) + ("…" if last < len(source) else "")
    return f"{before}{style.marked(one_line(evidence.text))}{after}"


def _block(article: ClassifiedArticle, tag: Tag, style: Style) -> Iterator[str]:
    codes = f"  {' '.join(tag.iptc)}" if tag.iptc else ""
    yield f"{style.strong(tag.tag)}  {tag.score:.2f} (threshold {tag.threshold:g})  {tag.label}{style.faint(codes)}"
    for evidence in tag.evidence:
        place = "title: " if evidence.field == "title" else ""
        shown = _in_context(article, evidence, style)
        yield f"  {evidence.weight:+6.2f}  {style.faint(evidence.rule)}  {place}{shown}"


def render_text(article: ClassifiedArticle, *, colour: bool) -> str:
    """The tags for people: one block a tag with its evidence in context, then the candidates. Ends with a newline."""
    style = Style(colour=colour)
    blocks = ["\n".join(_block(article, tag, style)) for tag in article.tags]
    if article.unsupported_language:
        blocks.append(f"No tag has words in the language {article.language!r}: none is tried.")
    elif not blocks:
        blocks.append("No tag reached its threshold.")
    if article.candidates:
        blocks.append("Close, but no tag:")
        blocks.extend("\n".join(_block(article, tag, style)) for tag in article.candidates)
    blocks.append(style.faint(f"classifier {article.classifier_version}"))
    return "\n\n".join(blocks) + "\n"
