"""From the page of a site to its feeds: few requests, the best first, robots.txt obeyed."""

from dataclasses import dataclass, replace
from datetime import datetime

from copydesk_fetcher.asking import Asker, Parse, content_type
from copydesk_fetcher.encoding import decode_text
from copydesk_fetcher.feed_links import Candidate, Kind, declared, elsewhere
from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed
from copydesk_fetcher.responses import Elsewhere, Fetched, FetchError, Held, Unreachable

REQUESTS = 11  # and one for robots.txt
DECLARED_ASKED = 4
UNREACHABLE_AT_MOST = 2
OK = 200


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a site is polled by, and what was read there."""

    url: str
    kind: Kind
    fetched: Fetched
    parsed: ParsedFeed


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate and what was found there: ``entries`` with the ``newest`` of them, or ``sitemaps`` of an index.

    ``problem`` says why there is nothing, or what is wrong with it. ``url`` is where it has moved to for good, if so.
    ``answer`` is what was read, if it could be.
    """

    url: str
    kind: Kind
    why: str
    title: str = ""
    entries: int = 0
    sitemaps: int = 0
    newest: datetime | None = None
    problem: str | None = None
    answer: tuple[Fetched, ParsedFeed] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it can be read."""
        return self.answer is not None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to poll it for, as yet."""
        return not self.entries and not self.sitemaps


class _Search:
    """One look around a site."""

    def __init__(self, asker: Asker, parse: Parse, now: datetime) -> None:
        self._asker = asker
        self._parse = parse
        self._now = now
        self._unreachable = 0
        self.asked: set[str] = set()

    async def look(self, candidate: Candidate) -> Finding:
        """What is at a candidate's URL. Raises :class:`Unreachable` where it is no use to go on asking."""
        nothing = Finding(candidate.url, candidate.kind, candidate.why, candidate.title)
        self.asked.add(candidate.url)
        if self._asker.left <= 0:
            return replace(nothing, problem="not asked: there were enough requests")
        try:
            fetched = await self._asker.ask(candidate.url)
            self._unreachable = 0
            if fetched.status != OK:
                return replace(nothing, problem=f"the server answered {fetched.status}")
            parsed = await self._parse(fetched.body, content_type(fetched), fetched.url, self._now)
        except Unreachable as error:
            self._unreachable += 1
            if isinstance(error, Held) or self._unreachable >= UNREACHABLE_AT_MOST:
                raise
            return replace(nothing, problem=str(error))
        except (FetchError, NotAFeed) as error:
            return replace(nothing, problem=_said(error))
        return _found(nothing, fetched, parsed)


def _said(error: Exception) -> str:
    return "on another domain: not asked" if isinstance(error, Elsewhere) else str(error)


def _found(finding: Finding, fetched: Fetched, parsed: ParsedFeed) -> Finding:
    dates = [at for entry in parsed.entries for at in (entry.published_at, entry.updated_at) if at]
    return replace(
        finding,
        url=fetched.moved_to or finding.url,
        kind="sitemap" if parsed.children else finding.kind,
        title=finding.title or parsed.title,
        entries=len(parsed.entries),
        sitemaps=len(parsed.children),
        newest=max(dates, default=None),
        problem=parsed.problem,
        answer=(fetched, parsed),
    )


def _declared(page: Fetched) -> list[Candidate]:
    return declared(decode_text(content_type(page), page.body), page.headers.get("link", ""), page.url)


async def _elsewhere(asker: Asker, page: Fetched, asked: set[str]) -> list[Candidate]:
    candidates = elsewhere(page.url, await asker.sitemaps(page.url), asker.left)
    return [each for each in candidates if each.url not in asked]


async def discover(asker: Asker, parse: Parse, page: Fetched, now: datetime) -> Discovered | None:
    """The best feed or sitemap of the site that this page is of; ``None`` when none is found.

    The first that can be read and has entries is taken, else the first that can be read. Feeds on other domains are
    not: name them yourself. Raises :class:`Unreachable` (:class:`Held`) when the site does not answer.
    """
    search = _Search(asker, parse, now)
    candidates = [each for each in _declared(page) if asker.is_at_home(each.url)][:DECLARED_ASKED]
    empty: Finding | None = None
    for group in (candidates, None):
        for candidate in group if group is not None else await _elsewhere(asker, page, search.asked):
            finding = await search.look(candidate)
            if finding.is_usable and not finding.is_empty:
                return _discovered(finding)
            empty = empty or (finding if finding.is_usable else None)
    return _discovered(empty) if empty else None


def _discovered(finding: Finding) -> Discovered | None:
    return Discovered(finding.url, finding.kind, *finding.answer) if finding.answer else None


async def list_candidates(asker: Asker, parse: Parse, page: Fetched, now: datetime) -> tuple[Finding, ...]:
    """All that is found around a page, for people: first what :func:`discover` would take, last what is of no use.

    What was guessed and is not there is left out. Ends with what is known when the site does not answer any more.
    """
    search = _Search(asker, parse, now)
    findings: list[Finding] = []
    try:
        for candidate in _declared(page):
            findings.append(await search.look(candidate))  # noqa: PERF401 - what is found so far outlives a failure
        for candidate in await _elsewhere(asker, page, search.asked):
            finding = await search.look(candidate)
            if finding.is_usable or "robots.txt" in finding.why:
                findings.append(finding)
    except Unreachable as error:
        findings.append(Finding(page.url, "feed", "the site itself", problem=str(error)))
    return tuple(sorted(findings, key=lambda each: (not each.is_usable, each.is_empty)))
