"""Tiers of tests that need a program which may not be installed: skipped with one line, or a failure where required."""

import os
from typing import NoReturn

import pytest


def unavailable(tier: str, why: str) -> NoReturn:
    """Skip the test; fail it when ``COPYDESK_REQUIRE`` names the tier or is ``all``."""
    required = os.environ.get("COPYDESK_REQUIRE", "").split(",")
    if "all" in required or tier in required:
        pytest.fail(f"{tier}: {why}, and COPYDESK_REQUIRE asks for it")
    pytest.skip(f"{tier}: {why}")
