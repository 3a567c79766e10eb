"""Whether an answer is the story, or something put before it.

Cheap signs come first: most pages have their story in plain paragraphs and are done after two searches.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlsplit

from copydesk_fetcher.head import HEAD_CHARACTERS
from copydesk_fetcher.pages import OpenPage
from copydesk_fetcher.wall_rules import (
    CHALLENGE_MARKUP,
    CHALLENGE_TITLES,
    CONSENT_HOSTS,
    CONSENT_SEGMENTS,
    EXPLICIT_MARKUP,
    EXPLICIT_STEMS,
    HIDDEN,
    KEPT_BACK,
    LOGIN_HOSTS,
    LOGIN_SEGMENTS,
    MAYBE_CONSENT_SEGMENTS,
    PASSWORD_FIELDS,
    PAYWALL_MARKUP,
    PHRASES_NEEDED,
    RULES,
    TALK,
)  # fmt: skip
from copydesk_shared.messages import Access, Entry
from copydesk_shared.text import plain_text, unescaped

READ_CHARACTERS = 4 * 1024 * 1024
SHOWN_CHARACTERS = 256 * 1024
# What a wall says is looked for in so much markup after its opening tag; so many of its names are looked at.
WALL_CHARACTERS = 3000
WALLS_AT_MOST = 20
WORDS_CHARACTERS = 64 * 1024
PLENTY = 1500
PARAGRAPH = 60
LONG_PARAGRAPH = 80
# Some languages, Thai for one, have no mark for the end of a sentence; a block of this length is no list of links.
UNPOINTED = 200
FEED_TEXT = 400
# A page with less than this share of the text that its feed carried is not the whole story.
SHARE_OF_FEED = 0.6
JSON_LD_CHARACTERS = 512 * 1024

TAGS = re.compile(r"<[^<>]*>")
ANCHOR = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)
# What stands for the tags in a text without them: the border of a block, the start of a link, any other tag.
BLOCK, LINK, TAG = "\x00", "\x01", "\x02"
LINKED = re.compile(f"{LINK}[^{BLOCK}{LINK}{TAG}]*")
NO_TAGS = str.maketrans(dict.fromkeys((BLOCK, LINK, TAG), " "))
BLOCKS = re.compile(
    r"</?(?:p|div|li|ul|ol|td|tr|table|h[1-6]|section|article|aside|main|br|blockquote|figure|figcaption|dd|dt|form|"
    r"label|button|option|body)\b[^<>]*>",
    re.IGNORECASE,
)
OPAQUE = re.compile(rb"<(?:script|style|noscript|template|svg|nav|footer|select)(?=[\s/>])|<!--")
SENTENCE_END = re.compile(
    r"[.!?\u2026\u3002\u0964\u06d4\u061f\u0589\u1362\u104b\u17d4][\"'\u201d\u2019\u00bb)]?(?:\s|$)"
)
FREE_NAME = "isAccessibleForFree"
NOT_FREE = re.compile(FREE_NAME + r"""\\?["']?\s*:\s*\\?["']?(?i:false|0|no)\b""")
EXPLICIT = re.compile("|".join(map(re.escape, EXPLICIT_MARKUP)))
LIMITS = {rule.name: rule.story_below for rule in RULES}
# In these paragraphs a wall may be talking: they do not show that there is a story.
MAYBE_TALK = ("ookie", "onsent", "artner", "inwillig", "ustimm", "privacidad")
STORY_TYPES = ("Article", "Posting", "Report", "Review", "Recipe", "WebPage", "CreativeWork")


@dataclass(frozen=True, slots=True)
class Judgement:
    """How much of the story an answer gives. ``reason`` is the name of the rule that says so, empty for ``full``.

    ``is_wall``: the text is not the story's and must not be published. ``better`` is where the better text is.
    """

    access: Access = "full"
    reason: str = ""
    is_wall: bool = False
    better: Literal["page", "feed"] = "page"


FULL = Judgement()


@dataclass(frozen=True, slots=True)
class _Seen:
    """``shown`` is the page without what nobody sees; ``said`` is what it says that walls say, by kind."""

    shown: str
    said: Mapping[str, Sequence[str]]
    story: int
    """Characters of sentences that are neither links nor what a wall says."""


def judge(page: OpenPage, entry: Entry | None = None) -> Judgement:
    """Judge an answer with status 200; ``entry`` is what led to it. Pure, and quick for a page that has its story."""
    feed_text = _feed_text(entry)
    if page.content_type != "text/html":
        return _against_feed(len(page.text), feed_text)
    signs = set(_early_signs(page, entry))
    # Where the head has no end within what was read of it, the text may begin in the middle of a script.
    start = page.head.end if page.head.end < HEAD_CHARACTERS else 0
    if _ends_in_wall(page.text, start):
        signs.add("wall-at-the-end")
    has_plenty = _has_plenty(page.text, start)
    if has_plenty and len(feed_text) * SHARE_OF_FEED <= PLENTY:
        return _by_rule(signs, PLENTY, entry, feed_text) or FULL
    seen = _look(page.text, start)
    if not has_plenty:
        signs |= set(_late_signs(page.text, seen))
    return _by_rule(signs, seen.story, entry, feed_text) or _against_feed(seen.story, feed_text)


def _by_rule(signs: set[str], story: int, entry: Entry | None, feed_text: str) -> Judgement | None:
    for rule in RULES:
        if rule.name in signs and story < rule.story_below:
            is_wall = story < rule.wall_below
            return Judgement(rule.access, rule.name, is_wall, _better(entry, feed_text, 0 if is_wall else story))
    return None


def _better(entry: Entry | None, feed_text: str, story: int) -> Literal["page", "feed"]:
    carries = entry is not None and (bool(entry.content) or len(feed_text) >= FEED_TEXT)
    return "feed" if carries and len(feed_text) > story else "page"


def kept_back(status: int, entry: Entry) -> Judgement | None:
    """Judge an answer without a page; ``None`` unless the story is kept back and the feed's text is of some use."""
    access = KEPT_BACK.get(status)
    if access is None or _better(entry, _feed_text(entry), 0) != "feed":
        return None
    return Judgement(access, f"status-{status}", is_wall=True, better="feed")


def _against_feed(story: int, feed_text: str) -> Judgement:
    if len(feed_text) < FEED_TEXT or story >= len(feed_text) * SHARE_OF_FEED:
        return FULL
    return Judgement("partial", "shorter-than-feed", better="feed")


def _feed_text(entry: Entry | None) -> str:
    if entry is None:
        return ""
    if not entry.content:
        return entry.summary
    if entry.content_type == "text/plain":
        return entry.content
    return max(plain_text(entry.content, READ_CHARACTERS), entry.summary, key=len)


def _early_signs(page: OpenPage, entry: Entry | None) -> Iterator[str]:
    """What address, title and markup say without a look at the text."""
    if page.head.title.lower().startswith(CHALLENGE_TITLES):
        yield "challenge-title"
    yield from _address_signs(page.fetched.url, entry)
    for tier in page.head.meta("article:content_tier"):
        yield f"content-tier-{tier.lower()}"
    if _is_kept_back(page.text):
        yield "json-ld"


def _address_signs(url: str, entry: Entry | None) -> Iterator[str]:
    """What the address says where it is not the one that the feed gave, as that of an entry with hops never is."""
    if entry and url == entry.url and not entry.hops:
        return
    kinds = _kinds(url) - (_kinds(entry.url) if entry and not entry.hops else frozenset())
    if "consent" in kinds and entry:
        yield "consent-redirect"
    elif kinds & {"consent", "maybe-consent"}:
        yield "consent-address"
    if "login" in kinds and entry:
        yield "login-redirect"


def _kinds(url: str) -> frozenset[str]:
    parts = urlsplit(url.lower())
    segments, host = frozenset(parts.path.split("/")), parts.hostname or ""
    kinds = {
        "consent": CONSENT_HOSTS.match(host) or segments & CONSENT_SEGMENTS,
        "maybe-consent": segments & MAYBE_CONSENT_SEGMENTS,
        "login": LOGIN_HOSTS.match(host) or segments & LOGIN_SEGMENTS,
    }
    return frozenset(kind for kind, found in kinds.items() if found)


def _is_kept_back(text: str) -> bool:
    """Whether JSON-LD says "not free" of this page; what cannot be read is taken at its word."""
    at = _not_free(text)
    if at < 0:
        return False
    start = text.rfind("<script", 0, at)
    end = text.find("</script", start)
    opened = text.find(">", start)
    if start < 0 or end < 0 or not start < opened < end or end - opened > JSON_LD_CHARACTERS:
        return True
    try:
        said = json.loads(text[opened + 1 : end], strict=False)
    except (ValueError, RecursionError):
        return True
    return any(_says_not_free(node) for node in _nodes(said))


def _not_free(text: str) -> int:
    """Where it says "not free", or -1. A plain search for the name is several times as quick as the pattern's."""
    at = text.find(FREE_NAME)
    while at >= 0 and not NOT_FREE.match(text, at):
        at = text.find(FREE_NAME, at + 1)
    return at


def _nodes(said: Any) -> Iterator[Mapping[str, Any]]:
    queue = [said]
    for _ in range(1000):
        if not queue:
            return
        item = queue.pop()
        if isinstance(item, list):
            queue += item
        elif isinstance(item, dict):
            yield item
            queue += [item[name] for name in ("@graph", "mainEntity", "mainEntityOfPage") if name in item]


def _says_not_free(node: Mapping[str, Any]) -> bool:
    """Whether a node that can be the story says so; an event, say, may have its price."""
    kinds = node.get("@type", "Article")
    if not any(str(kind).endswith(STORY_TYPES) for kind in (kinds if isinstance(kinds, list) else [kinds])):
        return False
    parts = node.get("hasPart")
    pieces = parts if isinstance(parts, list) else [parts]
    said = [each.get("isAccessibleForFree") for each in (node, *pieces) if isinstance(each, dict)]
    return any(str(value).lower() in ("false", "0", "no") for value in said)


def _has_plenty(text: str, start: int) -> bool:
    """Whether plain paragraphs alone make a story: most pages are done here."""
    found, at, end = 0, text.find("<p", start), -1
    while at >= 0:
        following = text.find("<p", at + 2)
        if text[at + 2 : at + 3] in (">", " ", "\n"):
            if end < at and (end := text.find("</p", at)) < 0:
                end = len(text)
            paragraph = text[at : min(end, following) if following >= 0 else end]
            length = len(TAGS.sub("", paragraph))
            if length >= LONG_PARAGRAPH and not any(word in paragraph for word in MAYBE_TALK):
                found += length
                if found >= PLENTY:
                    return True
        at = following
    return False


def _ends_in_wall(text: str, start: int) -> bool:
    """Whether the page has, after its story, an element that is named a wall, is shown, and speaks as one."""
    if not (_has_any(text, EXPLICIT_STEMS) and _has_any(text, EXPLICIT_MARKUP)):
        return False
    shown = "".join(_shown(text[:READ_CHARACTERS], start))
    speaking = [at for at in _wall_tags(shown) if _speaks(shown, at)]
    return bool(speaking) and not _has_plenty(shown, speaking[-1])


def _has_any(text: str, marks: Sequence[str]) -> bool:
    return any(mark in text for mark in marks)


def _wall_tags(shown: str) -> Iterator[int]:
    """Where the tags end that have an explicit mark in an attribute and do not hide their element."""
    for match in islice(EXPLICIT.finditer(shown), WALLS_AT_MOST):
        opened = shown.rfind("<", max(match.start() - 500, 0), match.start())
        end = shown.find(">", match.end(), match.end() + 1000)
        tag = shown[opened:end]
        if opened < 0 or end < 0 or ">" in tag or HIDDEN.search(tag):
            continue
        if any(name in tag for name in ("class=", "id=", "data-")):
            yield end + 1


def _speaks(shown: str, at: int) -> bool:
    words = " ".join(unescaped(TAGS.sub(" ", shown[at : at + WALL_CHARACTERS])).lower().split())
    return any(phrase in words for phrase in TALK["paywall-phrase"])


def _look(text: str, start: int) -> _Seen:
    shown = " ".join(_shown(text[:READ_CHARACTERS], start))[:SHOWN_CHARACTERS]
    plain = unescaped(TAGS.sub(TAG, ANCHOR.sub(LINK, BLOCKS.sub(BLOCK, shown))))
    words = " ".join(plain.translate(NO_TAGS).lower().split())[:WORDS_CHARACTERS]
    said = {name: [phrase for phrase in phrases if phrase in words] for name, phrases in TALK.items()}
    phrases = [phrase for found in said.values() for phrase in found]
    story = sum(_story_length(block, phrases) for block in LINKED.sub(" ", plain).split(BLOCK))
    return _Seen(shown, said, story)


def _shown(text: str, start: int) -> Iterator[str]:
    lowered = text.encode("latin-1", "replace").lower()
    endless: set[bytes] = set()
    at = start
    while match := OPAQUE.search(lowered, at):
        name = match.group()
        closing = b"-->" if name == b"<!--" else b"</" + name[1:]
        end = -1 if name in endless else lowered.find(closing, match.end())
        yield text[at : match.start()]
        at = match.end() if end < 0 else end + len(closing)
        if end < 0:
            endless.add(name)
    yield text[at:]


def _story_length(block: str, said: Sequence[str]) -> int:
    if len(block) < PARAGRAPH:
        return 0
    plain = " ".join(block.replace(TAG, " ").split())
    if len(plain) < PARAGRAPH or (len(plain) < UNPOINTED and not SENTENCE_END.search(plain)):
        return 0
    lowered = plain.lower()
    return 0 if any(phrase in lowered for phrase in said) else len(plain)


def _late_signs(text: str, seen: _Seen) -> Iterator[str]:
    """What the text and the markup of a page with little text say. A sign that would not count is not looked for."""
    if seen.story < LIMITS["challenge-markup"] and any(mark in text for mark in CHALLENGE_MARKUP):
        yield "challenge-markup"
    has_password = any(field in seen.shown for field in PASSWORD_FIELDS)
    for name, phrases in seen.said.items():
        if len(phrases) >= PHRASES_NEEDED[name] and (name != "login-form" or has_password):
            yield name
    if seen.story < LIMITS["paywall-markup"] and any(_is_in_attribute(seen.shown, mark) for mark in PAYWALL_MARKUP):
        yield "paywall-markup"


def _is_in_attribute(shown: str, mark: str) -> bool:
    """Whether this stands in a class, an id or a data attribute."""
    at = shown.find(mark)
    opened = shown.rfind("<", max(at - 500, 0), at) if at >= 0 else -1
    tag = shown[opened:at] if opened >= 0 else ">"
    return ">" not in tag and any(name in tag for name in ("class=", "id=", "data-"))
