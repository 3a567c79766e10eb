"""What publishers reserve: robots directives in headers and meta tags, and text and data mining (TDMRep).

TDMRep is https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/; the directives are those that search
engines document, and ``noai`` and its kin as publishers use them.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

from copydesk_fetcher.head import Head
from copydesk_fetcher.origin_files import Get, OriginFiles
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.robots import DISALLOW, RobotsVerdict
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Rights

HEADER_CHARACTERS = 8192
FILE_BYTES = 512 * 1024
RULES = 2000
DIRECTIVES = 20
POLICY_CHARACTERS = 500
EVERY_ROBOT = "robots"

# Those that permit say nothing: everything is permitted that is not reserved.
PERMISSIONS = frozenset(("all", "index", "follow", "archive", "snippet"))
RESERVATIONS = frozenset(("noai", "noml"))
REFUSALS = frozenset(("noindex", "none", DISALLOW))
DIRECTIVE_WORDS = (
    PERMISSIONS
    | RESERVATIONS
    | REFUSALS
    | frozenset(
        "nofollow noarchive nocache nosnippet noodp noydir noimageindex notranslate noimageai nositelinkssearchbox "
        "indexifembedded".split(),
    )
)
VALUED = ("max-snippet", "max-image-preview", "max-video-preview")
EXPIRY = "unavailable_after"
WEEKDAY = re.compile(r"^[a-z]+\s+(?=\d)")
SCOPE = re.compile(r"\s*([\w*.-]+)\s*:\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declared:
    """What one answer says of itself, in the words of :class:`copydesk_shared.messages.Rights`."""

    robots: str = ""
    tdm: str = ""


def _directives(text: str, names: frozenset[str]) -> Iterator[str]:
    """The directives in one header or meta content that are for one of these names, or for everybody."""
    applies, parts = True, text[:HEADER_CHARACTERS].lower().split(",")
    for place, part in enumerate(parts):
        word = part.strip()
        scope = SCOPE.fullmatch(part)
        if scope and scope[1] == EXPIRY:
            word = f"{EXPIRY}: {_date_text(scope[2], parts[place + 1 :])}"
        elif scope and scope[1] in VALUED:
            word = f"{scope[1]}:{scope[2].strip()[:20]}"
        elif scope:
            applies, word = scope[1] in names, scope[2].strip()
            if (inner := SCOPE.fullmatch(word)) and inner[1] == EXPIRY:
                word = f"{EXPIRY}: {_date_text(inner[2], parts[place + 1 :])}"
        if applies and (word in DIRECTIVE_WORDS or word.startswith((EXPIRY, *VALUED))):
            yield word


def _date_text(start: str, rest: Sequence[str]) -> str:
    """A date of which commas may have cut off the rest: ``friday, 25-jun-10 15:00:00 gmt``."""
    more = rest[0] if rest and rest[0].strip() not in DIRECTIVE_WORDS and re.match(r"\s*\d", rest[0]) else ""
    return f"{start.strip()} {more.strip()}".strip()[:60]


def _has_passed(word: str, now: datetime) -> bool:
    text = WEEKDAY.sub("", word.partition(":")[2].strip())
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(text.upper())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) < now
    return False


def _joined(words: Sequence[str], now: datetime) -> str:
    """Each restriction once, in order. What was available until a time that has passed is not to be indexed."""
    kept: dict[str, None] = {}
    for word in words:
        if word in PERMISSIONS:
            continue
        if word.startswith(EXPIRY) and _has_passed(word, now):
            kept["noindex"] = None
        kept[word] = None
    return ", ".join(list(kept)[:DIRECTIVES])


def _reservation(value: object, policy: object, base: str) -> str:
    """TDM properties as our words; empty for other values, which the report has taken as unset."""
    said = value.strip() if isinstance(value, str) else value
    if said in ("0", 0) and not isinstance(said, bool):
        return "granted"
    if said not in ("1", 1) or isinstance(said, bool):
        return ""
    url = _policy_url(policy, base)
    return f"reserved {url}" if url else "reserved"


def _policy_url(policy: object, base: str) -> str:
    if not isinstance(policy, str) or not 0 < len(policy.strip()) <= POLICY_CHARACTERS:
        return ""
    try:
        url = urljoin(base, policy.strip())
    except ValueError:
        return ""
    return url if url.startswith(("http://", "https://")) and not re.search(r"\s", url) else ""


def declared(headers: Mapping[str, str], head: Head, *, agent: str, now: datetime, url: str = "") -> Declared:
    """What an answer says in ``X-Robots-Tag`` and ``tdm-...`` headers and in the meta tags of its head.

    ``agent`` is our product token. TDM properties of the page supersede those of the header (TDMRep section 6.4).
    Header lines of one name are joined by line ends or, as HTTP has it, by commas.
    """
    names = frozenset((agent, EVERY_ROBOT, "*"))
    words = [word for line in headers.get("x-robots-tag", "").splitlines() for word in _directives(line, names)]
    contents = [content for name in (EVERY_ROBOT, agent) for content in head.meta(name)]
    words += [word for content in contents for word in _directives(content, names)]
    in_page = _reservation(_first(head.meta("tdm-reservation")), _first(head.meta("tdm-policy")), url)
    in_header = _reservation(headers.get("tdm-reservation"), headers.get("tdm-policy"), url)
    return Declared(_joined(words, now), in_page or in_header)


def _first(values: Sequence[str]) -> str | None:
    return values[0] if values else None


ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ASCII_MARKS = "%!#$&'()*+,/:;=?@[]~"


def _spelled(path: str) -> str:
    """One spelling of the percent-encoding in a path or pattern, so that they can be compared."""

    def escape(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in UNRESERVED else match[0].upper()

    return ESCAPE.sub(escape, quote(path, safe=ASCII_MARKS, errors="replace"))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A location: the pieces that ``*`` separates, and whether ``$`` ends it (TDMRep section 6.2)."""

    pieces: tuple[str, ...]
    is_whole: bool
    reservation: str

    def matches(self, path: str) -> bool:
        """Whether the path begins with the pattern, or is it as a whole. In time linear in the path for each piece."""
        first, *between = self.pieces
        if not path.startswith(first):
            return False
        at, end = len(first), len(path)
        if self.is_whole and not between:
            return at == end
        if self.is_whole:
            last = between.pop()
            if not path.endswith(last):
                return False
            end -= len(last)
        for piece in between:
            found = path.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end


def _rules(fetched: Fetched) -> tuple[_Rule, ...]:
    """The rules of a ``tdmrep.json`` in order; what is not a rule is passed over, a file that is not JSON has none."""
    try:
        said = json.loads(fetched.body)
    except (ValueError, RecursionError):
        return ()
    found = []
    for each in said[:RULES] if isinstance(said, list) else ():
        location = each.get("location") if isinstance(each, dict) else None
        if not isinstance(location, str) or len(location) > HEADER_CHARACTERS:
            continue
        reservation = _reservation(each.get("tdm-reservation"), each.get("tdm-policy"), fetched.url)
        pattern = _spelled(location.strip())
        pattern = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
        found.append(_Rule(tuple(pattern.removesuffix("$").split("*")), pattern.endswith("$"), reservation))
    return tuple(found)


class TdmFiles:
    """The ``/.well-known/tdmrep.json`` of every origin we meet. Told to skip reservations, it asks nobody."""

    def __init__(self, get: Get, settings: FetcherSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = settings.reservations
        self._files = OriginFiles(get, "/.well-known/tdmrep.json", _rules, max_bytes=FILE_BYTES, clock=clock)

    async def reservation(self, url: str) -> str | None:
        """What the file says of this URL, in the words of :class:`Rights`: the first location that matches counts.

        ``None`` where nobody looked; a file that cannot be had says nothing. Raises :class:`Held` when the host is not
        to be asked for long.
        """
        if self._policy == "skip":
            return None
        rules = (await self._files.of(url)).value or ()
        if not rules:
            return ""
        parts = urlsplit(url)
        path = _spelled(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
        return next((rule.reservation for rule in rules if rule.matches(path)), "")


def combine(verdict: RobotsVerdict, said: Declared, in_file: str | None, settings: FetcherSettings) -> Rights:
    """What is known of a page's rights. What the answer says supersedes the file of its origin (TDMRep section 6.4)."""
    words = [word for word in (verdict.directives, *said.robots.split(", ")) if word]
    skips_robots, skips_tdm = settings.robots == "skip", settings.reservations == "skip"
    kept = [word for word in words if not (skips_tdm if word in RESERVATIONS else skips_robots)]
    return Rights(
        robots=None if skips_robots and skips_tdm else ", ".join(kept),
        tdm=None if skips_tdm else said.tdm or in_file or "",
    )


def refusal(rights: Rights, settings: FetcherSettings) -> tuple[DropReason, str] | None:
    """Why a page is not to be used, if it is not: the reason and what was said. ``None`` where it may be used."""
    words = frozenset((rights.robots or "").split(", "))
    if settings.robots == "obey" and (said := words & REFUSALS):
        return DropReason.ROBOTS, min(said)
    if settings.reservations != "obey":
        return None
    if said := words & RESERVATIONS:
        return DropReason.RESERVED, min(said)
    return (DropReason.RESERVED, f"tdm {rights.tdm}") if (rights.tdm or "").startswith("reserved") else None
