"""The rights in docs/security-kafka.md are enough, and nothing works without them."""

import asyncio

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from copydesk_api.operating.pipeline import STAGES, TOPICS
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.kafka.offsets import open_offsets
from copydesk_shared.log import LogError
from tests.security.cluster import SERVICE_USER, SecuredKafka
from tests.security.stages import goes_through, running_over, told
from tools.acl_table import PAGE, rights, table, with_table
from tools.contract.applications import APPLICATIONS, Application

CLEANER, API = (next(each for each in APPLICATIONS if each.name == name) for name in ("cleaner", "api"))
OPERATIONS = {"Read": AclOperation.READ, "Write": AclOperation.WRITE, "Describe": AclOperation.DESCRIBE}


def test_the_table_of_rights_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run: python -m tools.acl_table"


def test_whoever_reads_in_a_group_needs_its_group() -> None:
    rows = [line.split(" | ") for line in table().splitlines()[2:]]
    groups = {row[0].removeprefix("| "): row[2].removesuffix(" |") for row in rows}
    assert groups["subscriber"] == "the group it reads in"
    assert groups["cleaner"] == "`cleaner`"
    assert groups.pop("`copydesk replay`") == "`classifier`, `classifier-shadow`"
    commands = {"dead-letters", "taxonomy-shadow", *(who for who in groups if who.startswith("`copydesk "))}
    without = {"feeds-file", "fetcher-poll", *commands}
    assert {who for who, group in groups.items() if group == "-"} == without


def _right(kind: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    user = f"User:{SERVICE_USER}"
    return AclBinding(kind, name, ResourcePatternType.LITERAL, user, "*", operation, AclPermissionType.ALLOW)


def _grant(secured: SecuredKafka, application: Application) -> None:
    wanted = [
        _right(ResourceType.TOPIC, name, OPERATIONS[operation])
        for operation, names in rights(application).items()
        for name in names
    ]
    wanted.append(_right(ResourceType.GROUP, str(application.group), AclOperation.READ))
    wanted += [_right(ResourceType.GROUP, group, AclOperation.DESCRIBE) for group in application.watched_groups]
    admin = AdminClient({"bootstrap.servers": secured.kafka.bootstrap_servers})
    for outcome in admin.create_acls(wanted).values():
        outcome.result(30)


@pytest.mark.kafka
@pytest.mark.apache
async def test_a_stage_works_with_the_rights_of_the_table_and_says_which_it_lacks(secured: SecuredKafka) -> None:
    await ensure_topics(Brokers(secured.kafka.bootstrap_servers))
    async with running_over(secured.brokers("SCRAM512", sasl_username=SERVICE_USER)) as running:
        await told(running, "the brokers give us no right to write to any topic")
        await asyncio.to_thread(_grant, secured, CLEANER)
        await goes_through(secured, 1)


@pytest.mark.kafka
@pytest.mark.apache
async def test_the_api_sees_how_far_the_stages_are_with_the_rights_of_the_table(secured: SecuredKafka) -> None:
    await ensure_topics(Brokers(secured.kafka.bootstrap_servers))
    await asyncio.to_thread(_grant, secured, API)
    async with asyncio.timeout(90):
        while True:  # the brokers take a moment to take rights over, and to make their topic of offsets
            try:
                async with open_offsets(secured.brokers("SCRAM512", sasl_username=SERVICE_USER)) as reader:
                    offsets = await reader.read(TOPICS, tuple(STAGES))
            except LogError:
                await asyncio.sleep(0.2)
                continue
            if {topic for topic, _ in offsets.ends} == set(TOPICS):
                break
    assert offsets.committed.keys() == STAGES.keys()
