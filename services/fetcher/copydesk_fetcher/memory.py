"""What recurs on the pages of a host: lines that are furniture wherever they stand, and titles of other stories.

A page takes with it what is remembered of its host at that moment, and the version of that. Whoever cleans it needs
nothing else, so that cleaning it again gives the same article. Counting is rough: what was counted since the last
record of a host is lost when its owner is killed.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import Gauge

from copydesk_fetcher.blocks import blocks
from copydesk_shared.identity import registrable_domain
from copydesk_shared.lines import line_digest
from copydesk_shared.messages import HostMemory, Page

MOST_HOSTS = 1_000
MOST_LINES = 400
MOST_RECURRING = 128
MOST_TITLES = 100
# A line recurs when it stood on this many pages, and on this share of those that were looked at.
RECURRING_PAGES = 4
RECURRING_SHARE = 0.2
# Each second of the first pages of a host is looked at, then each eighth; old pages count half after so many.
FIRST, ONE_OF_FIRST, ONE_OF = 64, 2, 8
HALVED_AFTER = 200
WRITTEN_EVERY = 16

REMEMBERED = Gauge("copydesk_hosts_remembered", "Hosts of which it is remembered what recurs on their pages.")


@dataclass(slots=True)
class _Host:
    """One host's memory; ``recurring`` follows from ``lines`` whenever it is written."""

    version: int = 0
    pages: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    titles: "OrderedDict[str, None]" = field(default_factory=OrderedDict)
    recurring: tuple[str, ...] = ()
    seen: int = 0
    unwritten: int = 0

    def find_recurring(self) -> tuple[str, ...]:
        """The digests of the lines that recur, sorted."""
        least = max(RECURRING_PAGES, RECURRING_SHARE * self.pages)
        return tuple(sorted(line for line, count in self.most_common(MOST_RECURRING) if count >= least))

    def most_common(self, most: int) -> list[tuple[str, int]]:
        """The most common lines. Sorted whole, so that which they are does not depend on the order of counting."""
        return sorted(self.lines.items(), key=lambda item: (-item[1], item[0]))[:most]

    def count(self, digests: Iterable[str]) -> None:
        """Count the lines of one page, and forget the rarest where there are too many."""
        self.lines.update(set(digests))
        self.pages += 1
        if self.pages >= HALVED_AFTER:
            self.pages //= 2
            self.lines = Counter({line: count // 2 for line, count in self.lines.items() if count > 1})
        if len(self.lines) > MOST_LINES:
            self.lines = Counter(dict(self.most_common(MOST_LINES)))


class Memories:
    """The memory of the hosts whose partitions are ours, the least used forgotten first."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hosts)

    def restore(self, memories: Iterable[HostMemory]) -> None:
        """Take up what was written."""
        for memory in memories:
            host = self._host(memory.domain)
            host.version, host.pages, host.seen = memory.version, memory.pages, max(memory.pages, host.seen)
            host.lines = Counter(memory.lines)
            host.titles = OrderedDict.fromkeys(memory.titles)
            host.recurring = host.find_recurring()

    def forget(self) -> None:
        """All hosts are somebody else's now."""
        self._hosts.clear()
        REMEMBERED.set(0)

    def completed(self, page: Page) -> Page:
        """The page with what is remembered of its host."""
        host = self._hosts.get(registrable_domain(page.url))
        if host is None:
            return page
        known = dict.fromkeys(page.known_titles)
        known |= host.titles
        known.pop(page.entry_title, None)
        return page.model_copy(
            update={
                "known_titles": tuple(known),
                "host_lines": host.recurring,
                "host_memory": host.version if host.recurring else 0,
            }
        )

    def learn(self, page: Page) -> HostMemory | None:
        """Remember what this page, which is stored, adds; what is to be written, now and then.

        Later revisions add nothing: their lines are those of the first.
        """
        if page.revision > 1:
            return None
        domain = registrable_domain(page.url)
        host = self._host(domain)
        if page.entry_title:
            host.titles.pop(page.entry_title, None)
            host.titles[page.entry_title] = None
            while len(host.titles) > MOST_TITLES:
                host.titles.popitem(last=False)
        host.seen += 1
        host.unwritten += 1
        if page.content_type == "text/html" and host.seen % (ONE_OF_FIRST if host.seen <= FIRST else ONE_OF) == 0:
            host.count(line_digest(line) for line in blocks(page.content))
        return self._written(domain, host) if host.unwritten >= WRITTEN_EVERY else None

    def _written(self, domain: str, host: _Host) -> HostMemory:
        recurring = host.find_recurring()
        if recurring != host.recurring:
            host.version += 1
            host.recurring = recurring
        host.unwritten = 0
        return HostMemory(
            domain=domain, version=host.version, pages=host.pages, lines=dict(host.lines), titles=tuple(host.titles)
        )

    def _host(self, domain: str) -> _Host:
        host = self._hosts.setdefault(domain, _Host())
        self._hosts.move_to_end(domain)
        while len(self._hosts) > MOST_HOSTS:
            self._hosts.popitem(last=False)
        REMEMBERED.set(len(self._hosts))
        return host
