"""Tiers of tests that need a program which may not be installed: skipped with one line, or a failure where required."""

import os

import pytest


def require(tier: str, available: bool, why_not: str) -> None:
    """Skip the test when the tier is not available; fail it when ``COPYDESK_REQUIRE`` names the tier or is ``all``."""
    if available:
        return
    required = os.environ.get("COPYDESK_REQUIRE", "").split(",")
    if "all" in required or tier in required:
        pytest.fail(f"{tier}: {why_not}, and COPYDESK_REQUIRE asks for it")
    pytest.skip(f"{tier}: {why_not}")
