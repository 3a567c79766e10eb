"""What docs/operations.md says about Kubernetes is so: patches, names, commands."""

import os
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from copydesk_standalone.cli import copydesk
from tests.deploy.conftest import COMPONENTS, Rendered, composed
from tools.manifests.check import findings
from tools.manifests.reach import Door, Place, pods, reaches
from tools.manifests.render import K8S, Object, render

PAGE = (K8S.parent.parent / "docs" / "operations.md").read_text()


def block(name: str) -> Any:
    found = re.search(rf"```yaml\n# {re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return yaml.safe_load(found[1])


def patched(folder: Path, patches: list[Any]) -> list[Object]:
    """The production overlay with these patches on top."""
    there = os.path.relpath((K8S / "overlays" / "production").resolve(), folder.resolve())
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [there], "patches": patches}))
    return render(folder)


def test_more_partitions_as_the_page_says(tmp_path: Path) -> None:
    patches = block("more-cleaners.yaml")["patches"]
    assert [str(each) for each in findings(patched(tmp_path, patches))] == []
    half = [str(each) for each in findings(patched(tmp_path, patches[:1]))]
    assert half == ["ScaledObject/copydesk-cleaner: maxReplicaCount is 6, articles.fetched has 12 partitions"]


def test_brokers_elsewhere_as_the_page_says(tmp_path: Path) -> None:
    brokers = Door(Place("elsewhere", address="192.0.2.5"), 9093)
    before = composed(tmp_path)
    after = patched(tmp_path, [{"patch": yaml.safe_dump(block("where-kafka-is.yaml"))}])
    assert [reaches(objects, pods(objects)["cleaner"], brokers) for objects in (before, after)] == [False, True]


def test_every_component_is_in_the_table() -> None:
    table = PAGE.partition("| component |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == sorted(COMPONENTS)


def test_what_the_commands_name_is_there(overlay: Rendered) -> None:
    made = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in overlay("production")}
    named = set(
        re.findall(
            r"\b(?:deployment|service|job|kafka)/copydesk(?:-[a-z]+)?", PAGE.replace("job copydesk-", "job/copydesk-")
        )
    )
    assert len(named) > 5
    assert named <= made


@pytest.mark.parametrize("path", sorted(set(re.findall(r"copydesk ((?:feeds|topics|taxonomy) [a-z]+|capacity)", PAGE))))
def test_the_commands_are_commands(path: str) -> None:
    command: click.Command = copydesk
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found, path
        command = found
