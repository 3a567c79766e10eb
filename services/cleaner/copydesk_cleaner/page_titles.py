"""Which of the titles that a page gives itself is its headline."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence
from html import unescape
from urllib.parse import urlsplit

from copydesk_cleaner.text import key, normalise

MAX_TITLE = 300
MIN_LOWER_WORDS = 3  # a section is called by fewer
MAX_WRITTEN = 2_000  # a title that was never closed holds the page, and each separator in it is tried
# What is longer is a description in the wrong field, if there is a shorter one.
LIKELY_TITLE = 180
SEPARATOR = re.compile(r"\s+(?:[|–—·»•-]|::|--)\s+|\s*\|\s*")
LEADING = re.compile(rf"(?P<site>.{{2,60}}?)(?:\s?:\s+|{SEPARATOR.pattern})(?P<title>\S+(?:\s+\S+){{2,}})")


def choose_titles(
    headlines: Sequence[str],
    headings: Sequence[str],
    tags: Sequence[str],
    sites: Sequence[str],
    url: str,
    *,
    lower: Sequence[str] = (),
) -> tuple[str, ...]:
    """All titles of a page as one line each, best first: without the site's name, then also as they are written.

    :param headlines: what its metadata say, best first
    :param headings: its headings of the first rank, in order
    :param tags: its ``title`` elements and what else may hold more than the headline
    :param sites: what the site calls itself
    :param url: the page's address, whose host is also a name of the site
    :param lower: its headings of the next ranks, of which one may be the headline
    """
    written = [line for text in (*headlines, *headings, *tags) if (line := _one_line(text))]
    own = {squeezed for site in sites if (squeezed := _squeezed(site))}
    names = own | set(_host_names(url))
    known = {key(heading) for heading in map(_one_line, headings)} - {""}
    known |= {words for words in map(key, lower) if len(words.split()) >= MIN_LOWER_WORDS}
    short = [_without_lead(_without_site(line, names, known), own, names) for line in written]
    likely = [line for line in short if len(line) <= LIKELY_TITLE]
    return tuple(dict.fromkeys(line[:MAX_TITLE] for line in (*likely, *short, *written)))


def _one_line(text: str) -> str:
    # Twice, since many publishers escape what their template escapes again.
    return normalise(unescape(unescape(text[:MAX_WRITTEN]))).replace("\n", " ")


def _squeezed(text: str) -> str:
    return key(text).replace(" ", "")


def _host_names(url: str) -> Iterator[str]:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    if "." in host:
        yield _squeezed(host)
        yield from (_squeezed(label) for label in host.split(".")[:-1] if len(label) > 2)  # noqa: PLR2004 - not "co"


def _without_site(title: str, names: set[str], headings: set[str]) -> str:
    """The title without what follows the last separators, where that is the site or the rest is a heading."""
    breaks = list(SEPARATOR.finditer(title))
    for match in breaks:
        if key(title[: match.start()]) in headings:
            return title[: match.start()]
    while breaks and _is_site(title[breaks[-1].end() :], names):
        title = title[: breaks.pop().start()]
    return title


def _without_lead(title: str, own: set[str], names: set[str]) -> str:
    """The title without the name of the site before it; one word of the host's name may be a topic."""
    match = LEADING.fullmatch(title)
    if match is None:
        return title
    return match["title"] if _is_site(match["site"], names if " " in match["site"] else own) else title


def _is_site(text: str, names: set[str]) -> bool:
    return _squeezed(text) in names
