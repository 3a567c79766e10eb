"""Putting back what the cleaner cut."""

from collections.abc import Iterable

from copydesk_shared.messages import PARAGRAPH_BREAK, Article, Removal


def restore_text(text: str, removals: Iterable[Removal]) -> str:
    """The text before the cuts, given the text after them.

    The offsets of a removal count in the text before the cuts, so walking them in order tells how much of the cut text
    stands between one removal and the next. Raises ``ValueError`` when the removals do not fit the text.
    """
    parts: list[str] = []
    position = taken = 0
    for removal in sorted(removals, key=lambda each: (each.start, each.end)):
        kept = removal.start - position
        if kept < 0 or taken + kept > len(text) or removal.end - removal.start != len(removal.text):
            raise ValueError(f"removal {removal.rule!r} at {removal.start} does not fit the text")
        parts += (text[taken : taken + kept], removal.text)
        taken += kept
        position = removal.end
    parts.append(text[taken:])
    return "".join(parts)


def restore(article: Article) -> str:
    """The extracted text of the article as it was before the cleaner cut anything. Raises ``ValueError``."""
    return restore_text(PARAGRAPH_BREAK.join(article.paragraphs), article.removals)
