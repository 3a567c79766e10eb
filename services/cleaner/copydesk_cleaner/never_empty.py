"""A text that says something is never emptied.

Some cuts are told by how a sentence looks: captions, bios, headlines without a lead. Where nothing would be left of a
text, those are taken back, the least sure first, and the text is what they held. Lines that announce what they are
("READ MORE: ...", "Photo: AP", "Advertisement") are no story on their own either: a text of nothing else has no
article.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from copydesk_cleaner.rules import tidy
from copydesk_cleaner.story import Context, Cut, Family, Finding, Kind, Story, settle

# Kinds and rules; not the captions of the rules that read "FILE -", "Image caption" and other labels.
LEAST_SURE_FIRST: tuple[tuple[Kind, frozenset[str]], ...] = (
    (
        "caption",
        frozenset({"credit.bracketed", "credit.labelled", "credit.trailing", "credit.bare", "credit.copyright"}),
    ),
    ("caption", frozenset({"caption.agency-prefix", "caption.known", "credit.fused", "credit.standing"})),
    ("title", frozenset({"title.echo"})),
    ("related-link", frozenset({"headline.off-topic"})),
    ("boilerplate", frozenset({"boilerplate.repeat", "boilerplate.bio-prose"})),
)


def with_words(story: Story, context: Context, families: Sequence[Family]) -> Story:
    """The story, or one of the same text with fewer cuts where no word is left of it.

    What comes out is what cleaning it again gives.
    """
    if _has_word(_left(story.text, story.cuts())):
        return story
    for number in range(1, len(LEAST_SURE_FIRST) + 1):
        kept = [each for finding in story.findings if (each := _without(finding, LEAST_SURE_FIRST[:number]))]
        text = _left(story.text, (cut for finding in kept for cut in finding.cuts))
        if _has_word(text):
            return (
                Story(story.text, story.units, kept) if _is_settled(text, context, families) else Story.of(story.text)
            )
    return story


def _without(finding: Finding, taken_back: Sequence[tuple[Kind, frozenset[str]]]) -> Finding | None:
    """The finding without those cuts; a caption that stays in the text is no picture's any more."""
    cuts = tuple(cut for cut in finding.cuts if not any(_is_of(cut, each) for each in taken_back))
    if len(cuts) == len(finding.cuts):
        return finding
    image = finding.image.model_copy(update={"caption": ""}) if finding.image else None
    return replace(finding, cuts=cuts, image=image) if cuts else None


def _is_of(cut: Cut, each: tuple[Kind, frozenset[str]]) -> bool:
    return cut.kind == each[0] and cut.rule in each[1]


def _is_settled(text: str, context: Context, families: Sequence[Family]) -> bool:
    """Whether cleaning this text gives it back: nothing is cut, or all of it by what is taken back first."""
    cuts = tidy(text, context, families).cuts()
    if not cuts or _has_word(_left(text, cuts)):
        return not cuts
    return any(all(_is_of(cut, each) for cut in cuts) for each in LEAST_SURE_FIRST)


def _left(text: str, cuts: Iterable[Cut]) -> str:
    return "\n".join(settle(text, sorted(cuts, key=lambda cut: cut.start)).paragraphs)


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))
