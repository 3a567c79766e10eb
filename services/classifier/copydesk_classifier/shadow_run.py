"""The stage on trial while the classifier runs: its taxonomies, taken anew as they change, and what it tells."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.folder import Folder
from copydesk_classifier.reload import Watcher, renewals_of
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.shadow import ADDED, NAME, OTHER, REMOVED, SAME, Pair, shadow_stage
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_shared.errors import InputError
from copydesk_shared.renewals import beside
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Loop, Service
from copydesk_shared.stage import Stage
from copydesk_shared.telemetry import SHADOW_ARTICLES, SHADOW_TAGS, get_logger
from copydesk_shared.trials import on_trial

SUMMARY_SECONDS = 300.0
# Of what the live classifier has, this may have one processor at most.
WORKERS = 1
IN_FLIGHT = 16


class PairWatcher:
    """Looks at both folders. ``live`` is ``None`` where the live tags cannot change."""

    def __init__(self, pair: Pair, live: Watcher | None, candidate: Watcher) -> None:
        self._pair = self._given = pair
        self._live = live
        self._candidate = candidate

    @property
    def version(self) -> str:
        """That of the candidate."""
        return self._pair.candidate.version

    @property
    def pair(self) -> Pair:
        """The tags that were there at the last look."""
        return self._pair

    def look(self) -> Pair | None:
        """Both taxonomies when one of them has changed. Raises :class:`InputError` for a candidate that is refused.

        What is wrong with the live one the live classifier tells.
        """
        live = None
        if self._live is not None:
            with suppress(InputError):
                live = self._live.look()
        if live is not None:
            self._pair = self._pair._replace(live=live)
        candidate = self._candidate.look()
        if candidate is not None:
            self._pair = self._pair._replace(candidate=candidate)
        if self._pair is self._given:
            return None
        self._given = self._pair
        return self._pair


def shadow_loop(settings: ClassifierSettings, live: Folder, taxonomy: Taxonomy, candidate: Folder) -> Loop:
    """The stage on trial, for as long as the service runs.

    ``live`` is the folder of the live ``taxonomy``. Raises :class:`InputError` for a candidate that cannot be used.
    """
    pair = Pair(taxonomy, taxonomy_of(candidate))
    live_watcher = Watcher(live, taxonomy.version) if settings.taxonomy_dir is not None else None
    watcher = PairWatcher(pair, live_watcher, Watcher(candidate, pair.candidate.version))
    renewals = renewals_of(watcher, shadow_stage, settings.taxonomy_check_seconds)

    async def shadow(service: Service) -> None:
        stage: Stage[Any, Any] = shadow_stage(watcher.pair)
        work = run_stage(stage, service, max_in_flight=IN_FLIGHT, workers=WORKERS, renewals=renewals)
        await beside(work, tell_now_and_then(service, watcher))

    return on_trial(NAME, shadow)


async def tell_now_and_then(service: Service, watcher: PairWatcher, seconds: float = SUMMARY_SECONDS) -> None:
    """Log what has differed since the line before, until the service stops."""
    before = _counts()
    while True:
        await service.pause(seconds)
        now = _counts()
        tell({name: now[name] - before.get(name, 0) for name in now}, watcher.pair)
        before = now
        if service.stopping.is_set():
            return


# The articles by difference, with the tag "", and the tags by difference.
Counts = Mapping[tuple[str, str], int]


def _counts() -> Counts:
    counts = {("", SAME): 0, ("", OTHER): 0}
    for metric in (*SHADOW_ARTICLES.collect(), *SHADOW_TAGS.collect()):
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                counts[sample.labels.get("tag", ""), sample.labels["difference"]] = int(sample.value)
    return counts


def tell(counts: Counts, pair: Pair) -> None:
    """One line, where there were articles."""
    articles = counts["", SAME] + counts["", OTHER]
    if not articles:
        return
    tags = {
        difference: {tag: n for (tag, kind), n in sorted(counts.items()) if tag and kind == difference and n}
        for difference in (ADDED, REMOVED)
    }
    get_logger().info(
        "shadow", articles=articles, with_other_tags=counts["", OTHER], added=tags[ADDED], removed=tags[REMOVED],
        live=pair.live.version, candidate=pair.candidate.version,
    )  # fmt: skip
