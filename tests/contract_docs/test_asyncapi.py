"""The AsyncAPI document: good in the eyes of the official parser, and what it says is so."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from copydesk_api.operating import feed_table
from copydesk_api.store import GROUP as API_GROUP
from copydesk_classifier.shadow import NAME as SHADOW
from copydesk_classifier.shadow import Pair, shadow_stage
from copydesk_classifier.stage import stage as classifier_stage
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.stage import STAGE as CLEANER
from copydesk_fetcher.publishing import POLLER
from copydesk_shared.dead_letters import dead_letter, parse, replayed
from copydesk_shared.errors import DeadLetterReason, Retryable
from copydesk_shared.feed_records import FILE_WRITER as WRITER
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.retries import put_off
from copydesk_shared.topics import (
    ALL_TOPICS,
    CLASSIFIED,
    DEAD_LETTER,
    DISCOVERED,
    FEEDS,
    FEEDS_STATE,
    FETCHED,
    STAGE_SOURCES,
    RawTopic,
    Topic,
)
from tools.contract import asyncapi, samples
from tools.contract.__main__ import DOCS, files
from tools.contract.applications import APPLICATIONS, SINKS, WRITERS

JS = Path(__file__).parent / "js"
HOLDS_ONE_NEWER = {"asyncapi-latest-version"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as it lies in docs/."""
    return dict(yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8")))


def parsed(packages: Path, text: str) -> dict[str, Any]:
    # The script comes by --eval, so that its imports are looked for where the packages are.
    command = ["node", "--input-type=module", "--eval", (JS / "parse.mjs").read_text()]
    ended = subprocess.run(command, cwd=packages, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def test_the_files_are_those_of_the_code() -> None:
    made = files()
    assert {path: (DOCS / path).read_text(encoding="utf-8") for path in made} == made, "run: make docs"
    assert {path.relative_to(DOCS) for path in (DOCS / "schemas").glob("*.json")} == made.keys() - {
        Path("asyncapi.yaml")
    }


def test_the_parser_has_nothing_to_say(parser_packages: Path, document: dict[str, Any]) -> None:
    answer = parsed(parser_packages, (DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert [each for each in answer["diagnostics"] if each["code"] not in HOLDS_ONE_NEWER] == []
    assert answer["found"]["version"] == "3.0.0"
    assert answer["found"]["channels"] == [topic.name for topic in ALL_TOPICS]
    assert answer["found"]["operations"] == list(document["operations"])
    assert sorted(answer["found"]["messages"]) == sorted(document["components"]["messages"])


def test_the_parser_would_say_it(parser_packages: Path, document: dict[str, Any]) -> None:
    document = json.loads(json.dumps(document))
    document["components"]["messages"]["Feed"]["examples"][0]["payload"] = {"feed_id": 1}
    document["channels"]["feeds"]["bindings"]["kafka"]["partitions"] = "six"
    document["operations"]["feeds-file-sends-feeds"]["channel"]["$ref"] = "#/channels/nowhere"
    codes = {each["code"] for each in parsed(parser_packages, json.dumps(document))["diagnostics"]}
    assert len(codes - HOLDS_ONE_NEWER) >= 2


def test_topics_are_told_as_they_are(document: dict[str, Any]) -> None:
    for topic, channel in zip(ALL_TOPICS, document["channels"].values(), strict=True):
        told = channel["bindings"]["kafka"]
        assert (channel["address"], told["topic"], told["partitions"]) == (topic.name, topic.name, topic.partitions)
        settings = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in told["topicConfiguration"].items()
        }
        assert settings == topic.config()
        assert channel["description"]


def test_services_read_and_write_what_is_said() -> None:
    said = {each.name: each for each in APPLICATIONS}
    for stage in (CLEANER, classifier_stage(load_taxonomy())):
        assert (stage.source, stage.sink) == (STAGE_SOURCES[stage.name], SINKS[stage.name])
    assert SINKS["fetcher"] is FETCHED
    commands = {"dead-letters", "taxonomy-shadow", "subscriber"}
    assert {POLLER, API_GROUP, WRITER, SHADOW, *STAGE_SOURCES} == said.keys() - commands
    taxonomy = load_taxonomy()
    shadow = shadow_stage(Pair(taxonomy, taxonomy))
    assert (said[SHADOW].receives, said[SHADOW].sends) == ((shadow.source,), (shadow.sink,))
    assert shadow.name == said[SHADOW].group == SHADOW
    assert (said[POLLER].group, said[API_GROUP].group) == (None, API_GROUP)
    followed = {CLASSIFIED.name, DEAD_LETTER.name, *feed_table.TOPICS}
    assert {topic.name for topic in said[API_GROUP].receives} == followed


def test_every_topic_is_written_and_read_by_somebody() -> None:
    assert {topic.name for each in APPLICATIONS for topic in each.sends} == {topic.name for topic in ALL_TOPICS}
    assert {topic.name for each in APPLICATIONS for topic in each.receives} == {topic.name for topic in ALL_TOPICS}


def test_the_reasons_of_dead_letters_are_listed(document: dict[str, Any]) -> None:
    fields = document["components"]["messages"]["DeadLetter"]["headers"]["properties"]
    assert fields["dead-letter-reason"]["enum"] == [reason.value for reason in DeadLetterReason]


def way(source: Topic[Any], group: str) -> dict[str, list[Outgoing]]:
    """What becomes of a message that a stage with retries cannot handle."""
    kind, writer = source.model.__name__, WRITERS[source.name]
    back = samples.brought_back(source, writer, group)
    again = put_off(samples.as_read(back), Retryable("again"), group=group, waits=samples.WAITS, now=samples.NOW)
    assert again is not None
    bare = Record(source.name, 0, 0, None, None)
    keyless = put_off(bare, Retryable(""), group=group, waits=samples.WAITS, now=samples.NOW)
    assert keyless is not None
    letter = dead_letter(bare, stage=group, reason=DeadLetterReason.UNDECODABLE, error="no value")
    return {
        f"{kind}Waiting": [samples.waiting(source, writer, group), again, keyless],
        f"{kind}Replayed": [back, replayed(parse(samples.as_read(letter)), samples.NOW)],
    }


def dead_letters() -> list[Outgoing]:
    """Dead letters of all kinds: the first, one of a replay, one without a key, one that is too large to be kept."""
    back = samples.as_read(samples.brought_back(DISCOVERED, "fetcher-poll", "fetcher"))
    bad = [back, Record("articles.fetched", 0, 0, None, None), Record("articles.fetched", 0, 0, b"k", bytes(9_000_000))]
    return [samples.given_up()] + [
        dead_letter(each, stage="fetcher", reason=DeadLetterReason.UNDECODABLE, error="x") for each in bad
    ]


def records() -> dict[str, list[Outgoing]]:
    """Real records for each message of the document."""
    plain = {
        topic.model.__name__: [samples.message(topic, WRITERS[topic.name])]
        for topic in ALL_TOPICS
        if isinstance(topic, Topic)
    }
    letter = samples.given_up(CLASSIFIED, "classifier", "api")
    plain["ClassifiedArticle"].append(replayed(parse(samples.as_read(letter)), samples.NOW))
    for group, source in STAGE_SOURCES.items():
        plain |= way(source, group)
    gone = {
        "FeedRemoved": samples.gone(FEEDS, "feeds-file"),
        "FeedStateGone": samples.gone(FEEDS_STATE, POLLER),
        "ArticleGone": samples.gone(CLASSIFIED, "classifier"),
    }
    return plain | {name: [record] for name, record in gone.items()} | {"DeadLetter": dead_letters()}


RECORDS = records()


def test_every_message_has_a_real_record(document: dict[str, Any]) -> None:
    assert document["components"]["messages"].keys() == RECORDS.keys()


@pytest.mark.parametrize("name", RECORDS)
def test_the_headers_of_records_are_those_that_are_said(document: dict[str, Any], name: str) -> None:
    said = document["components"]["messages"][name]["headers"]
    read = [{key: value.decode() for key, value in record.headers} for record in RECORDS[name]]
    for each in read:
        Draft202012Validator(said).validate(each)
    assert set().union(*read) == said["properties"].keys(), "no header is there without a word, none is said in vain"
    assert set(said["required"]) == set(read[0]).intersection(*read)


@pytest.mark.parametrize("name", RECORDS)
def test_examples_obey_the_schemas(document: dict[str, Any], name: str) -> None:
    message = document["components"]["messages"][name]
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(document))
    payload = json.loads(json.dumps(message["payload"]).replace("#/components", "urn:document#/components"))
    (example,) = message["examples"]
    Draft202012Validator(payload, registry=registry).validate(example["payload"])
    Draft202012Validator(message["headers"]).validate(example["headers"])


def test_headers_out_of_place_are_refused(document: dict[str, Any]) -> None:
    validator = Draft202012Validator(document["components"]["messages"]["Article"]["headers"])
    good = samples.headers(RECORDS["Article"][0])
    assert validator.is_valid(good)
    wrong = {"ce_type": "copydesk.Page.v1", "ce_id": "short", "ce_source": "fetcher", "traceparent": "00-1-2-3"}
    for name, value in wrong.items():
        assert not validator.is_valid({**good, name: value})


def test_a_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for target in set(re.findall(r"'\$ref': '#/([^']+)'", str(document))):
        place: Any = document
        for step in target.split("/"):
            place = place[step]


def test_retries_are_for_one_stage_alone(document: dict[str, Any]) -> None:
    for topic in ALL_TOPICS:
        if isinstance(topic, RawTopic) and ".retry." in topic.name:
            group = topic.name.split(".")[0]
            readers = [each.name for each in APPLICATIONS if topic in each.receives]
            assert readers == [group]
            assert f"{group}-receives-{asyncapi.identifier(topic)}" in document["operations"]
