"""Articles and tag files for the classifier's tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from copydesk_shared.messages import Article, ClassifiedArticle, Source

DATA = Path(__file__).parent / "data"
SEED = Path(__file__).parents[3] / "shared" / "seed-article.txt"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

TAG_FILE = """\
id: ferry
version: 1
label: Ferries
description: Boats that carry people.
iptc: [medtop:20000337]
languages: [en]
threshold: 2.0
core: {weight: 2.0, distinct: 3}
lists:
  boats: [ferry|ferries, car ferry]
ignore:
  - ferry tale
phrases:
  - name: boats
    weight: 2
    any: [$boats]
  - name: harbour
    weight: 1
    any: [quay, (harbour|harbor) (master|masters), gangway]
rules:
  - name: sinking
    weight: 3
    a: [boat, vessel]
    b: [sank, sinks]
    window: 3
    unless: [model]
    need: [passengers, crew]
vetoes:
  - name: toy
    weight: 2
    scope: sentence
    any: [toy]
  - name: fiction
    weight: 2
    scope: document
    any: [novel]
tests:
  positive:
    - The ferry left.
  negative:
    - A ferry tale of the toy town.
"""


def article(*paragraphs: str, title: str = "", language: str | None = "en") -> Article:
    return Article(
        article_id="article-1",
        url="https://courier.example/1",
        canonical_url="https://courier.example/1",
        source=Source(name="The Harbour Courier", domain="courier.example"),
        title=title,
        fetched_at=NOW,
        language=language,
        paragraphs=paragraphs,
        word_count=sum(len(each.split()) for each in paragraphs),
        content_hash="0",
        simhash="0",
        cleaner_version="1",
    )


def folder(path: Path, *texts: str) -> Path:
    """A taxonomy folder with these tag files: a.yaml, b.yaml, ..."""
    for name, text in zip("abcdefgh", texts, strict=False):
        (path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def tags_of(classified: ClassifiedArticle) -> set[str]:
    return {tag.tag for tag in classified.tags}


def spans_fit(classified: ClassifiedArticle) -> bool:
    fields = {"title": classified.title, "text": classified.text}
    found: Sequence[bool] = [
        fields[each.field][each.start : each.end] == each.text and bool(each.text)
        for tag in (*classified.tags, *classified.candidates)
        for each in tag.evidence
    ]
    return all(found)
