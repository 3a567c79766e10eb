"""``copydesk feeds check``: what the fetcher would do with a URL, by asking for it as the fetcher does."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from copydesk_fetcher.asking import Asker
from copydesk_fetcher.contact import for_a_person
from copydesk_fetcher.discovery import Finding, list_candidates
from copydesk_fetcher.download import Downloader
from copydesk_fetcher.entries import entries_from
from copydesk_fetcher.http import SLOW_DOWN, Client, held_seconds
from copydesk_fetcher.pages import PAGE_TYPES, open_page
from copydesk_fetcher.parse import FeedParser, IsHtml, NotAFeed, ParsedFeed
from copydesk_fetcher.parsing.model import Child
from copydesk_fetcher.reading import FEED_ACCEPT
from copydesk_fetcher.responses import Fetched, FetchError, Refused, TooLarge
from copydesk_fetcher.robots import Robots, RobotsVerdict
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import GONE, SERVER_ERRORS, TEMPORARY
from copydesk_shared.errors import HandlingError, InputError, Poison
from copydesk_shared.feeds import FieldError, feed_of
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Entry, Feed, Page, Source
from copydesk_shared.settings import load_settings
from copydesk_shared.stage import Drop, Emit, Forward
from copydesk_shared.text import counted
from copydesk_standalone.feeds.running import log_to_stderr
from copydesk_standalone.feeds.spelling import spelt_out
from copydesk_standalone.feeds.table import cut, facts, skips, span
from copydesk_standalone.letters.output import say, warn

OK = 200
EXIT_NO_USE = 1
CHECKED = "check"
REQUESTS = 12
SHOWN_CHARACTERS = 200
SKIPPED = "not asked for (COPYDESK_FETCHER_ROBOTS is skip)"


@dataclass
class Report:
    """What was found: facts by name, what each entry would become, the sitemaps of an index, the feeds of a site."""

    facts: dict[str, str] = field(default_factory=dict)
    entries: list[dict[str, str]] = field(default_factory=list)
    sitemaps: list[dict[str, str]] = field(default_factory=list)
    candidates: list[dict[str, str]] = field(default_factory=list)
    is_of_use: bool = False

    def lines(self) -> Iterator[str]:
        """The report for people."""
        yield from facts(self.facts)
        lists = {"entries": self.entries, "sitemaps": self.sitemaps, "feeds of this site": self.candidates}
        for title, rows in lists.items():
            if rows:
                yield from ("", title)
                yield from (
                    f"  {' | '.join(cut(each, SHOWN_CHARACTERS) for each in row.values() if each)}" for row in rows
                )

    def as_json(self) -> str:
        """The report for programs: one line, in ASCII."""
        named = {name.replace(" ", "_").replace(".", "_"): value for name, value in self.facts.items()}
        return json.dumps({**asdict(self), "facts": named})


def _shown(values: Iterable[str]) -> str:
    return " | ".join(cut(each, SHOWN_CHARACTERS) for each in values if each)


class Checker:
    """Asks once, with the parts that the fetcher has."""

    def __init__(self, client: Client, settings: FetcherSettings) -> None:
        self._client = client
        self._settings = settings
        self._robots = Robots(self._robots_txt, client.hosts, settings)
        self._no_robots: FetchError | None = None
        self._parser = FeedParser(settings.parse_seconds, settings.feed_entries)
        self._downloader = Downloader(client, settings, robots=self._robots)

    async def _robots_txt(self, url: str, /, *, max_bytes: int) -> Fetched:
        try:
            return await self._client.get(url, max_bytes=max_bytes)
        except FetchError as error:
            self._no_robots = error
            raise

    async def check(self, url: str, shown: int) -> Report:
        """What would become of this URL as a feed, or as an article's page."""
        report = Report({"url": url})
        try:
            is_skipped = self._settings.robots == "skip"
            verdict = await self._robots.check(url)
            report.facts["robots.txt"] = SKIPPED if is_skipped else _robots_said(verdict, self._no_robots)
            fetched = await self._client.get(url, max_bytes=self._settings.feed_bytes, headers={"accept": FEED_ACCEPT})
        except FetchError as error:
            report.facts["answer"] = f"none: {error}"
            lost = ": as an article, sent to the dead letters" if isinstance(error, TooLarge) else ""
            report.facts["would be"] = f"not fetched ({error.reason}){lost}"
            return report
        report.facts["answer"] = _answer(fetched, url)
        if fetched.status != OK:
            report.facts["would be"] = _refused(fetched, url)
            return report
        await self._read(fetched, report, shown)
        return report

    async def _read(self, fetched: Fetched, report: Report, shown: int) -> None:
        now = datetime.now(UTC)
        try:
            parsed = await self._parser(fetched.body, fetched.headers.get("content-type", ""), fetched.url, now)
        except IsHtml:
            await self._page(fetched, report)
        except NotAFeed as error:
            report.facts["would be"] = f"not polled: {error}"
        else:
            await self._feed(fetched, parsed, report, shown)

    async def _feed(self, fetched: Fetched, parsed: ParsedFeed, report: Report, shown: int) -> None:
        report.facts["what it is"] = f"{_kind(parsed)}{f' called {parsed.title!r}' if parsed.title else ''}"
        report.sitemaps = [_sitemap(each) for each in parsed.children[:shown]]
        unread = "; its sitemaps are read when it is polled" if parsed.children else ""
        report.facts["entries"] = f"{len(parsed.entries)}{unread}"
        optional = {
            "ttl": span(parsed.ttl_seconds) if parsed.ttl_seconds else "",
            "skips": skips(parsed.skip_hours, parsed.skip_days),
            "hub": parsed.hub or "",
            "warning": "; ".join(filter(None, (parsed.problem, _skipped(parsed)))),
        }
        report.facts |= {name: value for name, value in optional.items() if value}
        report.facts["would be"] = "polled"
        report.is_of_use = True
        feed = Feed(feed_id=CHECKED, url=fetched.url, name=registrable_domain(fetched.url), off_site="follow")
        homes = [url for url in (parsed.self_url,) if url]
        found = entries_from(feed, parsed, {}, datetime.now(UTC), homes=homes).entries
        for entry in list(reversed(found))[:shown]:
            report.entries.append({"title": entry.title, "url": entry.url, "would be": await self._entry(entry)})

    async def _entry(self, entry: Entry) -> str:
        if entry.is_off_site:
            return "dropped: it leads to another site (off-site links are dropped unless the feed says otherwise)"
        if entry.content is not None:
            return "taken from the feed, which has the full text"
        try:
            await self._client.look_up(entry.url)
            verdict = await self._robots.check(entry.url)
        except Refused as error:
            return f"dropped: {error}"
        except FetchError as error:
            return f"not fetched: {error}"
        if verdict.retry_seconds is not None:
            return "put off: its robots.txt cannot be had"
        return "downloaded" if verdict.allowed else "dropped: robots.txt does not allow it"

    async def _page(self, fetched: Fetched, report: Report) -> None:
        report.facts["what it is"] = "a web page"
        url = report.facts["url"]
        domain = registrable_domain(url)
        # A redirect to a page to log in is told by the address that was asked for.
        source = Source(name=domain, domain=domain)
        entry = Entry(feed_id=CHECKED, url=url, discovered_at=datetime.now(UTC), source=source)
        try:
            result = await self._downloader.handle(entry)
        except Poison as error:
            report.facts["as an article"] = f"sent to the dead letters ({error.reason}): {error}"
        except HandlingError as error:
            report.facts["as an article"] = f"not now: {error}"
        else:
            report.facts |= _as_article(result)
        is_article = report.facts["as an article"].startswith("published")
        if is_article and _says_article(fetched):
            report.is_of_use = True
            report.facts["as a feed"] = "not looked for: the page says that it is an article"
        else:
            await self._search(fetched, report, is_article=is_article)

    async def _search(self, fetched: Fetched, report: Report, *, is_article: bool) -> None:
        warn("looking for feeds of this site...")
        asker = Asker(self._client.get, self._robots, fetched.url, REQUESTS, self._settings.feed_bytes)
        found = await list_candidates(asker, self._parser, fetched, datetime.now(UTC))
        report.candidates = [_candidate(each) for each in found]
        usable = [each for each in found if each.is_usable]
        report.is_of_use = bool(usable) or is_article
        report.facts["as a feed"] = (
            f"polled at {usable[0].url}" if usable else "not polled: no feed and no sitemap was found"
        )


def _says_article(fetched: Fetched) -> bool:
    """Whether a page declares itself an article. A site's front page is never taken for one."""
    path = urlsplit(fetched.url).path
    is_inner = path not in ("", "/") and fetched.media_type in PAGE_TYPES
    return is_inner and bool(open_page(fetched).head.meta("article:published_time"))


def _kind(parsed: ParsedFeed) -> str:
    if parsed.children:
        return f"an index of {counted(len(parsed.children), 'sitemap')}"
    return "a sitemap" if "sitemap" in parsed.format else "a feed"


def _sitemap(child: Child) -> dict[str, str]:
    changed = child.changed_at
    return {"url": child.url, "changed": f"changed {changed:%Y-%m-%d %H:%M} UTC" if changed else ""}


def _refused(fetched: Fetched, url: str) -> str:
    """What the poller makes of an answer that is not 200."""
    status = fetched.status
    if status == GONE and fetched.url == url:
        return "disabled (gone)"
    if status in SLOW_DOWN:
        return f"tried again; the host left alone for {held_seconds(fetched):g} s"
    if status in TEMPORARY or status >= SERVER_ERRORS:
        return "a failure: tried again, later and later"
    return "a failure: tried again after an hour, later and later"


def _candidate(each: Finding) -> dict[str, str]:
    found = counted(each.sitemaps, "sitemap") if each.sitemaps else counted(each.entries, "entry", "entries")
    return {"url": each.url, "kind": each.kind, "title": each.title, "named by": each.why,
            "found": found if each.is_usable else "", "problem": each.problem or ""}  # fmt: skip


def _robots_said(verdict: RobotsVerdict, problem: FetchError | None) -> str:
    if verdict.retry_seconds is not None:
        return f"cannot be had now{f' ({problem})' if problem else ''}: pages wait until it can"
    if problem is not None:
        return f"not read: {problem}"
    said = "allows it" if verdict.allowed else "does not allow it (a feed named by an operator is polled all the same)"
    return f"{said}{f' ({verdict.directives})' if verdict.directives and verdict.allowed else ''}"


def _skipped(parsed: ParsedFeed) -> str:
    left_out = counted(parsed.skipped, "entry has", "entries have")
    return f"{left_out} no usable link" if parsed.skipped else ""


def _answer(fetched: Fetched, url: str) -> str:
    kind = fetched.headers.get("content-type", "no content-type")
    moved = f", redirected{' for good' if fetched.moved_to else ''} to {fetched.url}" if fetched.url != url else ""
    return f"{fetched.status}, {kind}, {len(fetched.body):,} bytes{moved}"


def _as_article(result: Emit[Page] | Forward[Entry] | Drop) -> dict[str, str]:
    if isinstance(result, Drop):
        return {"as an article": f"dropped ({result.reason}): {result.detail}"}
    if isinstance(result, Forward):
        return {"as an article": f"fetched by who owns the domain it redirects to: {result.message.url}"}
    page = result.message
    return {
        "as an article": f"published as {page.article_id}, if the cleaner finds a story in it",
        "canonical url": page.canonical_url,
        "access": page.access,
        "rights": f"robots: {page.rights.robots or '-'}; text and data mining: {page.rights.tdm or '-'}",
    }


def _url(text: str) -> str:
    try:
        return feed_of({"url": spelt_out(text)}).url
    except FieldError as error:
        raise InputError(f"{cut(text, SHOWN_CHARACTERS)}: {cut(error.problem, SHOWN_CHARACTERS)}") from None


def _print(report: Report, style: str) -> None:
    lines = [report.as_json()] if style == "json" else report.lines()
    for line in lines:
        say(line)


def check_command(url: str, shown: int, style: str) -> int:
    """Print the report; exit code 1 when the URL is of no use. Raises :class:`UserError`."""
    address = _url(url)
    settings = for_a_person(load_settings(FetcherSettings))

    async def check() -> Report:
        async with Client(settings) as client:
            return await Checker(client, settings).check(address, shown)

    with log_to_stderr():
        report = asyncio.run(check())
    _print(report, style)
    return 0 if report.is_of_use else EXIT_NO_USE
