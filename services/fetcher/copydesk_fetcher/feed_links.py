"""Where a site's feeds and sitemaps may be: as its page and its robots.txt say, and where most sites have them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit

from copydesk_fetcher.canonical import LINK_VALUE
from copydesk_fetcher.child_order import NEWS
from copydesk_fetcher.head import HEAD_CHARACTERS, attributes, read_head
from copydesk_fetcher.parsing.model import TITLE_LIMIT
from copydesk_shared.text import plain_text
from copydesk_shared.urls import plain_url

Kind = Literal["feed", "sitemap"]

HEADER_CHARACTERS = 16 * 1024
LINKS_LIMIT = 100
TYPES = frozenset(
    (
        "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json",
        "application/rss", "application/atom", "application/xml", "text/xml", "text/rss+xml", "text/rss",
    )
)  # fmt: skip
# Types that servers give to feeds and to much else; the name decides.
VAGUE_TYPES = frozenset(("", "application/json", "text/json"))
FEED_NAME = re.compile(r"(?:^|[^a-z])(?:rss2?|atom|rdf|feeds?)(?:[^a-z]|$)", re.IGNORECASE)
# Feeds of what readers say, and feeds of single stories.
ASIDE = re.compile(
    r"comment|kommentar|coment[aá]rio|commenti(?:[^a-z]|$)|reacties|komentar|коммент", re.IGNORECASE
)  # fmt: skip
STORY = re.compile(r"/(?:19|20)\d\d/\d{1,2}/|[?&](?:p|page_id|post)=\d", re.IGNORECASE)
# What may hold "<link" without meaning it.
OPAQUE = re.compile(
    r"<!--(?:.*?-->|.*)|<(script|style|svg|template|title|noscript)(?=[\s>])(?:.*?</\1|.*)", re.DOTALL | re.IGNORECASE
)
LINK = re.compile(r"<link\s[^<>]*+>", re.IGNORECASE)
PARAMETER = re.compile(r""";\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s",;]+))""")

# In order of likelihood.
FEED_PATHS = (
    "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feeds/all.atom.xml", "/feed.json",
    "/?feed=rss2",
)  # fmt: skip
NEWS_SITEMAP_PATHS = ("/sitemap_news.xml", "/news-sitemap.xml")
SITEMAP_PATHS = ("/sitemap.xml",)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a feed, and ``why`` it is thought to be one."""

    url: str
    kind: Kind
    why: str
    title: str = ""


def declared(html: str, link_header: str, url: str) -> list[Candidate]:
    """The feeds that a page names in its head and its ``Link`` header, best first.

    Those of a page below the front page come before those of the whole site; those of comments and of single stories
    come last.
    """
    from_header = _candidates(_header_links(link_header), url, "named by the Link header")
    from_html = _candidates(_html_links(html), _base(html, url), "named by the page")
    found: dict[str, Candidate] = {}
    for candidate in (*from_header, *from_html):
        if candidate.url != url:
            found.setdefault(candidate.url, candidate)
    return sorted(found.values(), key=lambda each: _rank(each, url))


def _rank(candidate: Candidate, url: str) -> tuple[bool, bool, bool]:
    parts = urlsplit(candidate.url)
    place = f"{parts.path}?{parts.query}"
    section = urlsplit(url).path.rstrip("/")
    is_aside = bool(ASIDE.search(place) or ASIDE.search(candidate.title) or STORY.search(place))
    is_of_section = bool(section) and parts.path.startswith(f"{section}/")
    return candidate.kind == "sitemap", is_aside, not is_of_section


def _base(html: str, url: str) -> str:
    try:
        return urljoin(url, read_head(html).base)
    except ValueError:
        return url


def _html_links(html: str) -> Iterator[Mapping[str, str]]:
    head = OPAQUE.sub("", html[: min(read_head(html).end, HEAD_CHARACTERS)])
    for tag in LINK.finditer(head):
        yield attributes(tag[0])


def _header_links(header: str) -> Iterator[Mapping[str, str]]:
    for target, parameters in LINK_VALUE.findall(header[:HEADER_CHARACTERS]):
        found = {name.lower(): quoted or token for name, quoted, token in reversed(PARAMETER.findall(parameters))}
        yield found | {"href": target}


def _candidates(links: Iterable[Mapping[str, str]], base: str, why: str) -> list[Candidate]:
    found: list[Candidate] = []
    for link in links:
        kind = _kind(link)
        if kind is None:
            continue
        try:
            url = plain_url(link.get("href", ""), base)
        except ValueError:
            continue
        found.append(Candidate(url, kind, why, plain_text(link.get("title", ""), TITLE_LIMIT)))
        if len(found) >= LINKS_LIMIT:
            break
    return found


def _kind(link: Mapping[str, str]) -> Kind | None:
    """What a link leads to, if it is to what we read."""
    relations = link.get("rel", "").lower().split()
    media_type = link.get("type", "").partition(";")[0].strip().lower()
    href = link.get("href", "").strip()
    if not href:
        return None
    if "sitemap" in relations:
        return "sitemap"
    if "feed" in relations:
        return "feed"
    named = media_type in TYPES or (media_type in VAGUE_TYPES and FEED_NAME.search(href))
    return "feed" if "alternate" in relations and "stylesheet" not in relations and named else None


def elsewhere(url: str, named: Sequence[str], room: int) -> list[Candidate]:
    """Where else to look at this site, ``room`` places at most: ``named`` are the sitemaps of its robots.txt.

    What the site names comes before guesses, news before archives, feeds before sitemaps; of the feeds as many are
    guessed as leave room for sitemaps.
    """
    of_news = [sitemap for sitemap in named if NEWS.search(urlsplit(sitemap).path)]
    others = [sitemap for sitemap in named if sitemap not in of_news]
    first = [Candidate(sitemap, "sitemap", "a news sitemap named by robots.txt") for sitemap in of_news[:2]]
    last = [Candidate(sitemap, "sitemap", "named by robots.txt") for sitemap in others[:2]]
    if not first:
        last = [*_guesses(url, NEWS_SITEMAP_PATHS, "sitemap"), *last]
    if not others:
        last += _guesses(url, SITEMAP_PATHS, "sitemap")
    guessed = _guesses(url, _feed_paths(url), "feed")[: max(room - len(first) - len(last), 0)]
    return [*first, *guessed, *last][:room]


def _feed_paths(url: str) -> tuple[str, ...]:
    section = urlsplit(url).path.rstrip("/")
    is_file = "." in section.rpartition("/")[2]
    return (f"{section}/feed", *FEED_PATHS) if section and not is_file else FEED_PATHS


def _guesses(url: str, paths: Iterable[str], kind: Kind) -> list[Candidate]:
    return [Candidate(urljoin(url, path), kind, "where many sites have one") for path in paths]
