"""The other stories that an article points to: those cut from its text, and those in lists around it."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from copydesk_cleaner.metadata import absolute
from copydesk_cleaner.related import LEAD_OPENERS, bare
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.text import key
from copydesk_shared.messages import RelatedLink

MAX_LEAD_WORDS = 6
MIN_BEGUN_BLANKS = 3
BROKEN_OFF = ("…", "...")
SEVERAL = re.compile(r"\s+[|•·]\s+")
LEADS = frozenset(bare(lead.words) for lead in shipped().leads)


class Links(Container[str]):
    """Several mappings as one, in order."""

    def __init__(self, links: Sequence[Mapping[str, str]]) -> None:
        self._links = links

    def __contains__(self, words: object) -> bool:
        return any(words in each for each in self._links)

    def get(self, words: str) -> str | None:
        return next((address for each in self._links if (address := each.get(words))), None)

    def beginning_with(self, words: str) -> str | None:
        """The address of the first that begins so."""
        return next((each[name] for each in self._links for name in each if name.startswith(words)), None)


def related_links(
    cut: Iterable[RelatedLink],
    around: Iterable[RelatedLink],
    own: Iterable[str],
    links: Sequence[Mapping[str, str]],
    base: str,
) -> tuple[RelatedLink, ...]:
    """The pointers to other stories, each once.

    :param cut: those cut from the text, which come first, with the address of the page's link of the same words
    :param around: those of the page around the text
    :param own: titles and paragraphs of the story, which are no pointers
    :param links: where the links of the page lead, by the key of their words; each is asked only after those before it
    :param base: the address of the page
    """
    found: dict[str, RelatedLink] = {}
    known_links = Links(links)
    for link in cut:
        for title in _titles(link.title, known_links):
            address = link.url or absolute(base, _address(known_links, title))
            found.setdefault(key(title), RelatedLink(title=title, url=address))
    known = {key(text) for text in own} if around else ()
    for link in around:
        if (words := key(link.title)) not in known:
            found.setdefault(words, link)
    return tuple(found.values())


def _titles(text: str, links: Links) -> list[str]:
    """The title in what was cut, or each of several that are links of their own."""
    whole = unled(text, links)
    parts = [unled(part, links) for part in SEVERAL.split(whole)] if key(whole) not in links else []
    return parts if len(parts) > 1 and all(key(part) in links for part in parts) else [whole]


def _address(links: Links, title: str) -> str | None:
    """Where the link of these words leads, or the one whose address says them, or that begins with them."""
    words = key(title)
    if not words:
        return None
    found = links.get(words) or links.get(words.replace(" ", ""))
    if found is None and title.endswith(BROKEN_OFF) and words.count(" ") >= MIN_BEGUN_BLANKS:
        return links.beginning_with(words)
    return found


def unled(title: str, links: Container[str]) -> str:
    """The title without a lead before it that has no mark, when the rest are the words of a link."""
    if key(title) in links:
        return title
    words = title.split(" ")
    for count in range(min(MAX_LEAD_WORDS, len(words) - 1), 0, -1):
        rest = " ".join(words[count:])
        if bare(" ".join(words[:count]).strip(LEAD_OPENERS)) in LEADS and key(rest) in links:
            return rest
    return title
