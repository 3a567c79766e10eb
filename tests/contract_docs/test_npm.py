"""What installs packages of npm for tests: once, and visibly not at all where it cannot."""

import json
from pathlib import Path

import pytest

from tests import npm
from tests.tiers import unavailable


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COPYDESK_REQUIRE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A package.json that asks for nothing, with its lock file."""
    said = {"name": "nothing", "version": "1.0.0"}
    lock = {**said, "lockfileVersion": 3, "requires": True, "packages": {"": said}}
    (tmp_path / "package.json").write_text(json.dumps(said))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


def test_the_same_manifests_are_installed_once(cache: Path, manifests: Path, parser_packages: Path) -> None:
    assert parser_packages.exists(), "npm is there"
    folder = npm.install(manifests)
    assert folder.is_relative_to(cache)
    (folder / "seen").touch()
    assert (npm.install(manifests) / "seen").exists()


def test_without_node_the_tier_is_unavailable(manifests: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="javascript: node is not installed"):
        npm.install(manifests)
    monkeypatch.setenv("COPYDESK_REQUIRE", "all")
    with pytest.raises(pytest.fail.Exception, match="COPYDESK_REQUIRE"):
        npm.install(manifests)


def test_an_install_that_fails_is_told_and_tried_again(manifests: Path, cache: Path, parser_packages: Path) -> None:
    assert parser_packages.exists(), "npm is there"
    good = (manifests / "package-lock.json").read_text()
    (manifests / "package-lock.json").write_text("{")
    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match="npm ci failed"):
            npm.install(manifests)
    (manifests / "package-lock.json").write_text(good)
    assert npm.install(manifests).exists()


def test_a_tier_can_be_required_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_REQUIRE", "kcat,javascript")
    with pytest.raises(pytest.fail.Exception, match="COPYDESK_REQUIRE"):
        unavailable("javascript", "it is away")
    with pytest.raises(pytest.skip.Exception):
        unavailable("browser", "it is away")
