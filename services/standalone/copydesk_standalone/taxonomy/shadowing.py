"""``copydesk taxonomy shadow``: the tags on trial beside the live ones, as both topics have them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import click

from copydesk_classifier.differences import Difference
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, Poison
from copydesk_shared.kafka import KafkaTables, see_topics
from copydesk_shared.log import LogError, Record
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.topics import CLASSIFIED, CLASSIFIED_SHADOW, Topic
from copydesk_shared.wire import decode
from copydesk_standalone.letters.output import run
from copydesk_standalone.taxonomy.checking import counted
from copydesk_standalone.taxonomy.comparing import EXIT_DIFFERENT, Case, print_json, print_text, title_of


class Seen(NamedTuple):
    """What a record says of an article's tags: scores by tag, of those given and of the candidates."""

    revision: int
    version: str
    written_ms: int
    title: str
    tags: Mapping[str, float]
    near: Mapping[str, float]

    def score(self, tag: str) -> float:
        """0 where it has nothing, or too little to be a candidate."""
        return self.tags.get(tag, self.near.get(tag, 0.0))


def compare_shadow(brokers: Brokers, limit: int, style: str) -> int:
    """Print what articles gain and lose by the tags on trial; the exit code is 1 when any does.

    Raises :class:`UserError`, also when nothing is on trial.
    """
    return run(_compare(brokers, limit, style), brokers)


async def _compare(brokers: Brokers, limit: int, style: str) -> int:
    trial = await _newest(brokers, CLASSIFIED_SHADOW)
    if not trial:
        raise InputError(
            f"nothing is on trial: {CLASSIFIED_SHADOW.name} is empty "
            "(COPYDESK_CLASSIFIER_SHADOW_TAXONOMY names the folder)"
        )
    candidate = max(trial.values(), key=lambda seen: seen.written_ms).version
    live = await _newest(brokers, CLASSIFIED)
    pairs = {
        article_id: (live[article_id], seen)
        for article_id, seen in trial.items()
        if seen.version == candidate and article_id in live and live[article_id].revision == seen.revision
    }
    cases: defaultdict[str, list[Case]] = defaultdict(list)
    stay: Counter[str] = Counter()
    for article_id, (had, has) in pairs.items():
        stay.update(had.tags.keys() & has.tags.keys())
        for tag in sorted(had.tags.keys() ^ has.tags.keys()):
            difference = Difference(tag, tag in has.tags, had.score(tag), has.score(tag))
            cases[tag].append(Case(difference, article_id, has.title))
    if style == "json":
        print_json(cases)
    else:
        print_text(cases, stay, limit)
        _print_sum(pairs, cases, len(trial) - len(pairs), candidate)
    return EXIT_DIFFERENT if cases else 0


def _print_sum(
    pairs: Mapping[str, tuple[Seen, Seen]], cases: Mapping[str, list[Case]], left_out: int, candidate: str
) -> None:
    changed = len({case.article_id for each in cases.values() for case in each})
    versions = Counter(had.version for had, _ in pairs.values())
    live = ", ".join(version for version, _ in versions.most_common()) or "nothing live"
    click.echo(f"{counted(len(pairs), 'article')}, {changed} with other tags: {live} to {candidate}")
    if left_out:
        click.echo(f"{left_out} left out: of an older candidate, or of a revision that is not the live one")


async def _newest(brokers: Brokers, topic: Topic[ClassifiedArticle]) -> dict[str, Seen]:
    """The last record of each article. Those that are gone or cannot be read are left out."""
    found = (await see_topics(brokers, [topic.name])).found.get(topic.name)
    if found is None:
        raise LogError(f"there is no topic {topic.name} that we may read")
    newest: dict[str, Seen] = {}

    def take(record: Record) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        newest.pop(key, None)
        try:
            article = decode(topic, record)
        except Poison:
            return
        newest[key] = Seen(
            article.revision, article.classifier_version, record.timestamp_ms, title_of(article),
            {tag.tag: tag.score for tag in article.tags}, {tag.tag: tag.score for tag in article.candidates},
        )  # fmt: skip

    await KafkaTables(brokers).read([topic.name], range(found.partitions), take)
    return newest
