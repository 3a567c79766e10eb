"""Overlays and components render, and nothing is wrong with what comes out."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
import yaml

from copydesk_api.__main__ import COMMANDS
from copydesk_shared.errors import InputError
from copydesk_standalone.cli import copydesk
from copydesk_standalone.demo.__main__ import command as publisher
from tests.deploy.conftest import COMPONENTS, NEEDS, OVERLAYS, Rendered, composed
from tools.contract.applications import APPLICATIONS
from tools.manifests.check import CHECKS, findings, main, placeholders
from tools.manifests.pods import digests
from tools.manifests.reach import table
from tools.manifests.render import K8S, Object, containers_of, of_kind, render, workloads
from tools.manifests.strimzi import NOT_OURS, USERS, files

GOLDEN = Path(__file__).parent / "golden"


def said(objects: Sequence[Object]) -> list[str]:
    return [str(each) for each in findings(objects)]


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_is_wrong_with_an_overlay(name: str, overlay: Rendered) -> None:
    assert said(overlay(name)) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_is_wrong_with_a_component_on_the_base(component: str, tmp_path: Path) -> None:
    objects = composed(tmp_path, *NEEDS.get(component, ()), component)
    assert said(objects) == []
    assert len(objects) >= len(render(K8S / "base"))


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_all_components_go_together_in_any_order(turned: bool, tmp_path: Path) -> None:
    assert said(composed(tmp_path, *sorted(COMPONENTS, reverse=turned))) == []


def test_what_a_component_needs_is_told(tmp_path: Path) -> None:
    for component, needs in NEEDS.items():
        assert said(composed(tmp_path, component)), f"{component} does without {needs}"


def test_production_takes_images_by_digest_and_says_what_is_yours(overlay: Rendered) -> None:
    objects = overlay("production")
    assert [str(each) for each in digests(objects)] == []
    yours = {each.what.removesuffix(" is to be replaced by yours") for each in placeholders(objects)}
    assert yours == {"news.example.org", "registry.example", "192.0.2.10/32", f"sha256:{'0' * 64}"}


def test_a_secret_is_in_no_manifest_but_that_of_the_trial(overlay: Rendered) -> None:
    assert of_kind(overlay("production"), "Secret") == []
    (secret,) = of_kind(overlay("dev"), "Secret")
    assert secret["metadata"]["name"].startswith("copydesk-database-")


@pytest.mark.parametrize(("path", "text"), list(files()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_written_from_the_code_is_as_the_code_says(path: Path, text: str) -> None:
    assert path.read_text() == text, "run: make docs"


def test_every_part_has_a_user() -> None:
    taken = {part for parts in USERS.values() for part in parts}
    assert taken == {each.name for each in APPLICATIONS} - set(NOT_OURS)


def test_who_reaches_whom_where_the_api_pushes(tmp_path: Path) -> None:
    before, after = (table(composed(tmp_path, *each)).splitlines() for each in ((), ("push",)))
    assert (GOLDEN / "push.txt").read_text().splitlines() == after
    changed = [name.partition(":")[0] for name, then in zip(after, before, strict=True) if name != then]
    assert changed == ["api"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_who_reaches_whom(name: str, overlay: Rendered) -> None:
    assert table(overlay(name)) == (GOLDEN / f"{name}.txt").read_text(), (
        f"if that is meant: python -m tools.manifests.reach deploy/k8s/overlays/{name} > tests/deploy/golden/{name}.txt"
    )


def test_the_command_tells_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    composed(tmp_path)
    (tmp_path / "kustomization.yaml").write_text((tmp_path / "kustomization.yaml").read_text().replace("'1'", "latest"))
    monkeypatch.setattr("sys.argv", ["check", "--dev", str(tmp_path)])
    assert main() == 1
    assert "Deployment/copydesk-api api: image 'copydesk-api:latest' is not of one version\n" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["check"])
    assert main() == 2
    (tmp_path / "kustomization.yaml").write_text("resources: [nowhere.yaml]\n")
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        render(tmp_path)


def test_the_dev_overlay_runs_the_images_of_compose(overlay: Rendered) -> None:
    compose = yaml.safe_load((K8S.parent.parent / "docker-compose.yml").read_text())["services"]
    there = {re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service["image"]) for service in compose.values()}
    ours = {container["image"] for each in workloads(overlay("dev")) for container in containers_of(each)}
    assert ours == {image for image in there if not image.startswith(("prom/", "grafana/"))}


def test_what_jobs_and_helpers_are_told_is_understood(overlay: Rendered) -> None:
    told = {
        container["name"]: container.get("args", [])
        for each in workloads(overlay("dev"))
        for container in containers_of(each)
    }
    assert tuple(told["migrate"]) in COMMANDS
    group, command, *options = told["topics"]
    found = copydesk.get_command(click.Context(copydesk), group)
    assert isinstance(found, click.Group)
    applied = found.get_command(click.Context(found), command)
    assert applied is not None
    assert applied.make_context(command, options).params["bootstrap_servers"] == "copydesk-kafka-bootstrap:9092"
    assert publisher.make_context("publisher", told["publisher"]).params["port"] == 8600


def test_every_check_is_one_of_a_kind() -> None:
    assert len({check.__doc__ for check in CHECKS}) == len(CHECKS)
