"""The JSON Schemas say what is on the topics."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from copydesk_classifier.stage import stage as classifier_stage
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.stage import STAGE as CLEANER
from copydesk_shared.log import Record
from copydesk_shared.message import Message
from copydesk_shared.messages import (
    Article,
    ClassifiedArticle,
    Entry,
    Feed,
    FeedState,
    HostMemory,
    HostState,
    KnownPage,
    Page,
    Push,
)
from copydesk_shared.removals import restore
from copydesk_shared.stage import Emit
from copydesk_shared.topics import ALL_TOPICS, Topic
from copydesk_shared.wire import decode, encode
from tests.shared import samples as small
from tools.contract import headers, samples
from tools.contract.schemas import DIALECT, models, prose, released, schema

TOPICS = [topic for topic in ALL_TOPICS if isinstance(topic, Topic)]
LEAST: dict[type[Message], Message] = {
    Feed: Feed(feed_id="f", url="https://courier.example/feed", name="The Harbour Courier"),
    FeedState: FeedState(feed_id="f", next_poll_at=small.NOW),
    Push: Push(feed_id="f", kind="denied", topic="https://courier.example/feed", received_at=small.NOW),
    Entry: small.entry(),
    HostState: HostState(domain="courier.example"),
    HostMemory: HostMemory(domain="courier.example", version=0, pages=0),
    KnownPage: KnownPage(page_id="p", url="https://courier.example/1", revision=1, fetched_at=small.NOW),
    Page: small.page(),
    Article: small.article(),
    ClassifiedArticle: ClassifiedArticle(**small.article().model_dump(exclude={"text"}), classifier_version="1"),
}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: str(topic.name))
@pytest.mark.parametrize("messages", [samples.MESSAGES, LEAST], ids=["whole", "least"])
def test_what_is_written_obeys_the_schema_that_its_header_names(
    topic: Topic[Any], messages: dict[type[Message], Message]
) -> None:
    record = encode(topic, messages[topic.model], stage="test", version="1")
    made = schema(topic.model)
    assert dict(record.headers)["ce_dataschema"].decode() == made["$id"]
    assert record.value is not None
    value = json.loads(record.value)
    Draft202012Validator(made).validate(value)
    Draft202012Validator(headers.document(topic.model)).validate({k: v.decode() for k, v in record.headers})
    assert list(value) == list(made["properties"]), "every field is said, in the order of the wire"
    assert decode(topic, Record(topic.name, 0, 0, record.key, record.value)) == messages[topic.model]


def test_what_the_stages_make_obeys_the_schemas() -> None:
    page = samples.MESSAGES[Page]
    assert isinstance(page, Page)
    cleaned = CLEANER.handle(page)
    assert isinstance(cleaned, Emit)
    classified = classifier_stage(load_taxonomy()).handle(cleaned.message)
    assert isinstance(classified, Emit)
    assert classified.message.tags
    assert classified.message.removals
    for made in (cleaned.message, classified.message):
        Draft202012Validator(schema(type(made))).validate(json.loads(made.model_dump_json()))


@pytest.mark.parametrize("model", models(), ids=lambda model: str(model.__name__))
def test_a_schema_is_a_schema(model: type[Message]) -> None:
    made = schema(model)
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == DIALECT
    assert made["description"]
    past = released(model) or made
    assert made["required"] == [name for name in made["properties"] if name in past["required"]]
    Draft202012Validator.check_schema(headers.document(model))


def test_ids_are_unique() -> None:
    assert len({schema(model)["$id"] for model in models()}) == len(models())


@pytest.mark.parametrize(
    ("field", "value"), [("revision", "1"), ("access", "secret"), ("published_at", 7), ("source", {"name": "x"})]
)
def test_a_schema_refuses_what_no_model_takes(field: str, value: object) -> None:
    told = json.loads(samples.MESSAGES[Article].model_dump_json())
    assert Draft202012Validator(schema(Article)).is_valid(told)
    assert not Draft202012Validator(schema(Article)).is_valid({**told, field: value})
    del told[field]
    assert not Draft202012Validator(schema(Article)).is_valid(told)


def test_docstrings_become_markdown() -> None:
    told = "A ``span`` that :func:`a.b`\ncuts, ``None`` else.\n\n    More of\n    it."
    assert prose(told) == "A `span` that `a.b` cuts, `null` else.\n\nMore of it."


def test_the_samples_tell_one_story() -> None:
    article = samples.MESSAGES[ClassifiedArticle]
    assert isinstance(article, ClassifiedArticle)
    assert len(restore(article)) == len(article.text) + sum(len(each.text) for each in article.removals)
    for tag in article.tags:
        for found in tag.evidence:
            where = article.title if found.field == "title" else article.text
            assert where[found.start : found.end] == found.text
