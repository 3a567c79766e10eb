"""Fictional articles for the tests of the API."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from copydesk_shared.identity import short_digest
from copydesk_shared.messages import ClassifiedArticle, Image, RelatedLink, Removal, Source
from copydesk_shared.tags import Evidence, Tag

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LABELS = {"conflict": "Conflict", "aviation": "Aviation", "prisoner-exchange": "Prisoner exchange"}

GULL = Source(name="The Harbour Gull", domain="harbourgull.example")
COURIER = Source(name="Northern Courier", domain="northerncourier.example")


def tag(name: str, *evidence: Evidence) -> Tag:
    return Tag(tag=name, label=LABELS.get(name, name.title()), score=2.5, threshold=1.0, evidence=evidence)


def article(
    article_id: str,
    revision: int = 1,
    text: str = "A short piece of copy.",
    tags: Sequence[str] = ("conflict",),
    *,
    title: str | None = None,
    minutes: int = 0,
    source: Source = GULL,
    language: str | None = "en",
    dated: bool = True,
    classifier_version: str = "1",
) -> ClassifiedArticle:
    """An article whose text decides its content hash; ``minutes`` moves its times."""
    url = f"https://{source.domain}/{article_id}"
    at = START + timedelta(minutes=minutes)
    return ClassifiedArticle(
        article_id=article_id,
        revision=revision,
        url=url,
        canonical_url=url,
        source=source,
        title=f"Title of {article_id}" if title is None else title,
        published_at=at if dated else None,
        fetched_at=at + timedelta(seconds=30),
        language=language,
        paragraphs=tuple(text.split("\n")),
        word_count=len(text.split()),
        content_hash=short_digest(text),
        simhash="0" * 16,
        cleaner_version="1",
        tags=tuple(tag(name) for name in tags),
        classifier_version=classifier_version,
    )


CAPTION = "The freighter at the quay in Ostwick"
CREDIT = " (HARBOUR BOARD HANDOUT/Gull Pictures)"
READ_MORE = "READ MORE: Ferry row over the empty berths"
TAIL = "Sign up for the harbour letter"


def fused_article() -> ClassifiedArticle:
    """A caption and a credit fused into the second paragraph, a link line before it and a promotion at the end."""
    first = "A cargo plane was hit over the strait on Tuesday, two officials said."
    second = "The pilots had asked for a prisoner swap flight to be let through."
    before = f"{first}\n{READ_MORE}\n{CAPTION}{CREDIT}{second}\n{TAIL}"
    kept = f"{first}\n{second}"
    removals = (
        _removal("related.read-more", "related-link", f"{READ_MORE}\n", 1, before),
        _removal("caption.fused", "caption", CAPTION, 1, before),
        _removal("credit.fused", "credit", CREDIT, 1, before),
        _removal("promotion.letter", "promotion", f"\n{TAIL}", 2, before),
    )
    title = "Cargo plane hit over the strait"
    return article("fused").model_copy(
        update={
            "title": title,
            "authors": ("Ada Quill", "Bo Nib"),
            "paragraphs": (first, second),
            "removals": removals,
            "images": (
                Image(url="https://harbourgull.example/p.jpg", caption=CAPTION, credit="HARBOUR BOARD HANDOUT/Gull Pictures", agencies=("Gull Pictures",)),
                Image(url="javascript:alert(1)", caption="A second picture"),
            ),
            "related_links": (RelatedLink(title="Ferry row over the empty berths", url="javascript:alert(2)"),),
            "tags": (
                tag("aviation", _evidence("aviation.plane", "Cargo plane", "title", title), _evidence("aviation.plane", "cargo plane", "text", kept)),
                tag("conflict", _evidence("conflict.hit", "plane was hit", "text", kept)),
                tag("prisoner-exchange", _evidence("exchange.swap", "prisoner swap", "text", kept)),
            ),
        }
    )  # fmt: skip


def _removal(rule: str, kind: str, text: str, paragraph: int, before: str) -> Removal:
    start = before.index(text)
    return Removal.model_validate(
        {"rule": rule, "kind": kind, "text": text, "paragraph": paragraph, "start": start, "end": start + len(text)}
    )


def _evidence(rule: str, text: str, field: str, within: str) -> Evidence:
    start = within.index(text)
    return Evidence.model_validate(
        {"rule": rule, "text": text, "field": field, "start": start, "end": start + len(text), "weight": 1.5}
    )
