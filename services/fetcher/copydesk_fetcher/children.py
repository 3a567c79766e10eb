"""The sitemaps of an index: which to ask for this time, and what they say."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk_fetcher.asking import Asker, Parse, content_type
from copydesk_fetcher.bodies import body_digest
from copydesk_fetcher.child_order import Known, candidates, remembered
from copydesk_fetcher.parsing.model import Child, NotAFeed, ParsedEntry, ParsedFeed, one_line, unique
from copydesk_fetcher.responses import Fetched, FetchError, Held
from copydesk_shared.messages import ChildState

REQUESTS = 10
VISIT_SECONDS = 120.0
LEVELS = 2
PROBLEMS = 3
# An entry older than that is no news in a sitemap that is met for the first time, unless the whole index is.
FIRST_SIGHT = timedelta(days=30)
# How long before its sitemap was last read an entry may be dated and still be news.
LATE = timedelta(days=2)
ENTRIES_PER_LIMIT = 3
VALIDATOR_CHARACTERS = 1000
INDEX = "index"  # in place of a digest
OK = 200
NOT_MODIFIED = 304


class Children(NamedTuple):
    """What the sitemaps say: entries newest first, the states to remember, what went wrong, if anything."""

    entries: tuple[ParsedEntry, ...]
    states: dict[str, ChildState]
    problem: str | None


@dataclass
class _Visit:
    """One reading of an index.

    ``room`` is how many entries may still come of sitemaps met for the first time, ``enough`` how many entries of all
    make the rest of them wait for the next reading.
    """

    asker: Asker
    parse: Parse
    states: dict[str, ChildState]
    now: datetime
    room: int
    enough: int
    deadline: float
    is_first: bool
    names: set[str]
    entries: list[ParsedEntry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failure: FetchError | NotAFeed | None = None
    answered: bool = False
    has_sitemap: bool = False
    is_too_deep: bool = False

    def is_over(self) -> bool:
        """Whether there is enough, or no request, no time or nobody to ask left."""
        late = asyncio.get_running_loop().time() >= self.deadline
        return late or len(self.entries) >= self.enough or self.asker.left <= 0 or isinstance(self.failure, Held)

    async def read(self, children: Sequence[Child], level: int) -> None:
        """Ask for the best of these. Sitemaps that an index among them names come right after it."""
        at_home = self._at_home(children)
        self.names.update(child.url for child in at_home)
        for child in candidates(at_home, self.states, self.now):
            if self.is_over():
                return
            if child.state is not None or self.room > 0:
                await self._read_one(child, level)

    def _at_home(self, children: Sequence[Child]) -> list[Child]:
        """Those at the site and not named before: no loop gets any further."""
        new = [child for child in children if child.url not in self.names]
        at_home = [child for child in new if self.asker.is_at_home(child.url)]
        if len(at_home) < len(new):
            self.problems.append(f"{len(new) - len(at_home)} sitemaps on other domains were passed over")
        return at_home

    async def _read_one(self, child: Known, level: int) -> None:
        before = self.states.pop(child.url, None) or ChildState()
        # The last asked for is the last in order, whatever comes of it.
        self.states[child.url] = before.model_copy(update={"body_digest": None})
        try:
            fetched = await self.asker.ask(child.url, _conditions(before))
            if fetched.status == NOT_MODIFIED:
                self.answered = self.has_sitemap = True
                self.states[child.url] = before.model_copy(update={"changed_at": child.changed_at})
            elif fetched.status == OK:
                await self._take(child, before, fetched, level)
            else:
                self.problems.append(f"{child.url}: the server answered {fetched.status}")
        except (FetchError, NotAFeed) as error:
            self.failure = error
            self.problems.append(f"{child.url}: {error}")

    async def _take(self, child: Known, before: ChildState, fetched: Fetched, level: int) -> None:
        digest = body_digest(fetched.url, fetched.body)
        if digest != before.body_digest:
            parsed = await self.parse(fetched.body, content_type(fetched), fetched.url, self.now)
            self.states[child.url] = _index_state(child) if parsed.children else _state(child, fetched, digest)
            self._keep(child, parsed)
            self.answered = True
            self.has_sitemap = self.has_sitemap or not parsed.children
            await self._descend(parsed.children, level)
        else:
            self.states[child.url] = _state(child, fetched, digest)
            self.answered = self.has_sitemap = True

    def _keep(self, child: Known, parsed: ParsedFeed) -> None:
        since = self._since(child)
        entries = [entry for entry in parsed.entries if since is None or (_date(entry) or since) >= since]
        if child.state is None:
            entries = entries[: self.room]
            self.room -= len(entries)
        self.entries += entries
        if parsed.problem:
            self.problems.append(f"{child.url}: {parsed.problem}")

    def _since(self, child: Known) -> datetime | None:
        """From what time on an entry with a date is news, if that can be told."""
        if child.state is None:
            return None if self.is_first else self.now - FIRST_SIGHT
        was_read = child.state.body_digest is not None
        return child.state.changed_at - LATE if was_read and child.state.changed_at else None

    async def _descend(self, children: Sequence[Child], level: int) -> None:
        if children and level >= LEVELS:
            self.is_too_deep = True
            self.problems.append(f"indexes nested more than {LEVELS} deep were passed over")
        elif children:
            await self.read(children, level + 1)


async def read_children(
    asker: Asker,
    parse: Parse,
    children: Sequence[Child],
    states: Mapping[str, ChildState],
    now: datetime,
    limit: int,
    *,
    index_url: str,
    seconds: float = VISIT_SECONDS,
) -> Children:
    """What is new in the sitemaps that the index at ``index_url`` names, as far as the asker's budget goes.

    Sitemaps that were not read before bring no more than ``limit`` entries together, all of them fewer than four times
    as many: none is asked for any more once there are three times as many. Raises the :class:`FetchError` or
    :class:`NotAFeed` of the last one when there was something to ask for and nothing could be read, and
    :class:`NotAFeed` where there is nothing but indexes, and no end of them.
    """
    visit = _Visit(
        asker, parse, dict(states), now, room=limit, enough=limit * ENTRIES_PER_LIMIT, is_first=not states,
        deadline=asyncio.get_running_loop().time() + seconds, names={index_url},
    )  # fmt: skip
    await visit.read(children, 1)
    if visit.failure is not None and not visit.answered:
        raise visit.failure
    was_read = any(state.body_digest not in (None, INDEX) for state in states.values())
    if visit.is_too_deep and not (visit.has_sitemap or was_read or visit.entries):
        raise NotAFeed(f"nothing but indexes of sitemaps, nested more than {LEVELS} deep")
    kept = remembered(visit.states, visit.names)
    entries = sorted(visit.entries, key=lambda entry: (_date(entry) is not None, _date(entry) or now), reverse=True)
    return Children(unique(entries), kept, _problem(visit.problems))


def _conditions(state: ChildState) -> dict[str, str]:
    pairs = (("if-none-match", state.etag), ("if-modified-since", state.last_modified))
    return {name: value for name, value in pairs if value and state.body_digest}


def _state(child: Known, fetched: Fetched, digest: str) -> ChildState:
    def header(name: str) -> str | None:
        value = fetched.headers.get(name, "")
        return value if value and len(value) <= VALIDATOR_CHARACTERS else None

    return ChildState(
        etag=header("etag"), last_modified=header("last-modified"), body_digest=digest, changed_at=child.changed_at
    )


def _index_state(child: Known) -> ChildState:
    """What to remember of an index. It is read whole each time: what it names has to be known."""
    return ChildState(body_digest=INDEX, changed_at=child.changed_at)


def _date(entry: ParsedEntry) -> datetime | None:
    return max((at for at in (entry.published_at, entry.updated_at) if at), default=None)


def _problem(problems: Sequence[str]) -> str | None:
    problems = list(dict.fromkeys(problems))
    if not problems:
        return None
    more = f"; and {len(problems) - PROBLEMS} more" if len(problems) > PROBLEMS else ""
    return one_line("; ".join(problems[:PROBLEMS])) + more


__all__ = ["REQUESTS", "Children", "read_children"]
