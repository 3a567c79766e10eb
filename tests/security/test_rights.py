"""The rights in docs/security-kafka.md are enough, and nothing works without them."""

import asyncio

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from tests.security.cluster import SERVICE_USER, SecuredKafka
from tests.security.stages import goes_through, running_over, told
from tools.acl_table import PAGE, rights, table, with_table
from tools.contract.applications import APPLICATIONS

CLEANER = next(each for each in APPLICATIONS if each.name == "cleaner")
OPERATIONS = {"Read": AclOperation.READ, "Write": AclOperation.WRITE}


def test_the_table_of_rights_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run: python -m tools.acl_table"


def test_whoever_reads_in_a_group_needs_its_group() -> None:
    rows = [line.split(" | ") for line in table().splitlines()[2:]]
    groups = {row[0].removeprefix("| "): row[2].removesuffix(" |") for row in rows}
    assert groups["subscriber"] == "the group it reads in"
    assert groups["cleaner"] == "`cleaner`"
    without = {"feeds-file", "fetcher-poll", "dead-letters", *(who for who in groups if who.startswith("`copydesk "))}
    assert {who for who, group in groups.items() if group == "-"} == without


def _right(kind: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    user = f"User:{SERVICE_USER}"
    return AclBinding(kind, name, ResourcePatternType.LITERAL, user, "*", operation, AclPermissionType.ALLOW)


def _grant(secured: SecuredKafka) -> None:
    wanted = [
        _right(ResourceType.TOPIC, name, OPERATIONS[operation])
        for operation, names in rights(CLEANER).items()
        for name in names
    ]
    wanted.append(_right(ResourceType.GROUP, str(CLEANER.group), AclOperation.READ))
    admin = AdminClient({"bootstrap.servers": secured.kafka.bootstrap_servers})
    for outcome in admin.create_acls(wanted).values():
        outcome.result(30)


@pytest.mark.kafka
@pytest.mark.apache
async def test_a_stage_works_with_the_rights_of_the_table_and_says_which_it_lacks(secured: SecuredKafka) -> None:
    await ensure_topics(Brokers(secured.kafka.bootstrap_servers))
    async with running_over(secured.brokers("SCRAM512", sasl_username=SERVICE_USER)) as running:
        await told(running, "the brokers give us no right to write to any topic")
        await asyncio.to_thread(_grant, secured)
        await goes_through(secured, 1)
