"""Tags that change under load: nothing is lost, and each article has the tags of the version that its event names."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.log import Record
from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_shared.topics import CLASSIFIED, CLEANED
from copydesk_shared.wire import decode, encode, event_id
from tests.classifier.samples import TAG_FILE, article
from tests.faults.cluster import Cluster
from tests.faults.load import produce
from tests.faults.pods import Fleet, Pod, samples

PORTION = 60
OLD, NEW = "ferry", "bus"
WEIGHTIER = TAG_FILE.replace("    weight: 2\n    any: [$boats]", "    weight: 2.5\n    any: [$boats]")
BUS = TAG_FILE.replace("id: ferry", "id: bus").replace("ferry|ferries, car ferry", "bus|buses").replace(
    "The ferry left", "The bus left"
)  # fmt: skip
BROKEN = TAG_FILE.replace("The ferry left", "A tram left")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Newsroom:
    """Sends articles about a ferry and a bus."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self.sent = 0

    def send(self) -> None:
        stories = [self._story(number) for number in range(self.sent, self.sent + PORTION)]
        produce(self._servers, [encode(CLEANED, story, stage="cleaner", version="1") for story in stories])
        self.sent += PORTION

    def _story(self, number: int) -> Article:
        text = f"The ferry left, and so did the bus, for the {number}th time."
        return article(text).model_copy(update={"article_id": f"article-{number}"})


def _replace(file: Path, text: str) -> None:
    """At one moment, as Kubernetes does: a file half written would be refused too, and counted."""
    whole = file.parent.with_suffix(".next")
    whole.write_text(text)
    whole.replace(file)


def _renewals(pod: Pod, outcome: str) -> float:
    counts = samples(pod.scrape(), "copydesk_stage_renewals_total", "stage", "outcome")
    return counts.get(("classifier", outcome), 0)


def _classified(records: Sequence[Record]) -> list[ClassifiedArticle]:
    """The articles; the id of each event must be that of the version in it."""
    articles = []
    for record in records:
        found = decode(CLASSIFIED, record)
        assert record.header("ce_id") == event_id("classifier", found.article_id, found, found.classifier_version)
        articles.append(found)
    return articles


def test_tags_change_under_load(cluster: Cluster, tmp_path: Path) -> None:
    tags = tmp_path / "tags"
    tags.mkdir()
    file, newsroom, versions = tags / "tag.yaml", Newsroom(cluster.servers), []
    with Fleet(cluster.servers, tmp_path) as fleet:
        file.write_text(TAG_FILE)
        pod = fleet.add("classifier", taxonomy_dir=tags, taxonomy_check_seconds=0.1, workers=2)
        versions.append(load_taxonomy(tags).version)
        fleet.until(pod.is_ready, "the classifier is ready")
        for taken, text in enumerate((WEIGHTIER, BUS), 1):
            newsroom.send()
            _replace(file, text)
            versions.append(load_taxonomy(tags).version)
            fleet.until(lambda: _renewals(pod, "taken") == taken, "the new tags are taken")  # noqa: B023 - called at once
            newsroom.send()
            _replace(file, BROKEN)
            fleet.until(lambda: _renewals(pod, "refused") == taken, "the broken tags are refused")  # noqa: B023
            fleet.until(lambda: cluster.count(CLASSIFIED.name) >= newsroom.sent, "these tags had their articles")
        newsroom.send()
        fleet.until(lambda: cluster.count(CLASSIFIED.name) >= newsroom.sent, "all is classified")
        assert pod.log().count("tests.positive[0]: does not get the tag 'ferry'") == 2
        fleet.stop()
        records = cluster.records(CLASSIFIED.name)
    found = _classified(records)
    assert sorted(each.article_id for each in found) == sorted(f"article-{number}" for number in range(newsroom.sent))
    scores = {each.classifier_version: {(tag.tag, tag.score) for tag in each.tags} for each in found}
    assert set(scores) <= set(versions)
    for each in found:
        assert {(tag.tag, tag.score) for tag in each.tags} == scores[each.classifier_version]
    assert [{tag for tag, _ in scores[version]} for version in versions[1:]] == [{OLD}, {NEW}]
    assert len(set(map(frozenset, scores.values()))) == len(scores)
    for partition in {record.partition for record in records}:
        order = [versions.index(each.classifier_version) for each, record in zip(found, records, strict=True)
                 if record.partition == partition]  # fmt: skip
        assert order == sorted(order)
