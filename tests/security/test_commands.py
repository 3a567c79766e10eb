"""The commands of operators over SASL_SSL."""

import os
import subprocess
import sys

import pytest

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from tests.security.cluster import PASSWORD, USER, SecuredKafka

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


def _run(secured: SecuredKafka, password: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    variables = {
        "BOOTSTRAP_SERVERS": secured.kafka.addresses("SCRAM512"),
        "KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD": password,
        "KAFKA_SSL_CA_FILE": str(secured.ca_file),
    }
    return subprocess.run(
        [sys.executable, "-m", "copydesk_standalone", *arguments],
        env={**os.environ, **{f"COPYDESK_STANDALONE_{name}": value for name, value in variables.items()}},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [("topics", "diff"), ("dead-letters", "list")], ids=" ".join)
async def test_a_command_is_let_in_or_says_in_one_line_why_not(
    arguments: tuple[str, ...], secured: SecuredKafka
) -> None:
    await ensure_topics(Brokers(secured.kafka.bootstrap_servers))
    done = _run(secured, PASSWORD, *arguments)
    assert done.returncode == 0, done.stderr
    refused = _run(secured, "wr0ng", *arguments)
    assert refused.returncode == 2
    assert f"authentication failed for user '{USER}' by SCRAM-SHA-512" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "wr0ng" not in refused.stderr + refused.stdout
