"""The families of rules, in the order in which they run: what is sure first, what needs clean neighbours last."""

from copydesk_cleaner.boilerplate import boilerplate, bylines
from copydesk_cleaner.captions import captions, standing_captions
from copydesk_cleaner.edges import edges
from copydesk_cleaner.headlines import bare_headlines
from copydesk_cleaner.promotions import promotions
from copydesk_cleaner.related import known_titles, pointers, read_more
from copydesk_cleaner.story import Context, Family, Story
from copydesk_cleaner.titles import title_echo

FAMILIES: tuple[Family, ...] = (
    title_echo,
    known_titles,
    read_more,
    pointers,
    captions,
    boilerplate,
    bylines,
    promotions,
    edges,
    standing_captions,
    bare_headlines,
)


def tidy(text: str, context: Context) -> Story:
    """Run every family over a normalised text."""
    story = Story.of(text)
    for family in FAMILIES:
        story.apply(family, context)
    return story
