"""Every overlay, and every component on the base, rendered once."""

import os
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from tools.manifests.render import K8S, Object, render

OVERLAYS = ("dev", "production")
COMPONENTS = tuple(sorted(each.name for each in (K8S / "components").iterdir()))
# What a component cannot do without.
IMAGES = ("copydesk", "copydesk-fetcher", "copydesk-cleaner", "copydesk-classifier", "copydesk-api")
NEEDS = {"autoscaling-keda": ("kafka-strimzi",), "toolbox": ("kafka-strimzi",)}
Rendered = Callable[[str], list[Object]]


@cache
def _overlay(name: str) -> tuple[Object, ...]:
    return tuple(render(K8S / "overlays" / name))


@pytest.fixture
def overlay() -> Rendered:
    """The objects of an overlay, the caller's own."""
    return lambda name: deepcopy(list(_overlay(name)))


def composed(folder: Path, *components: str) -> list[Object]:
    """The base with these components. Components are taken in the order given."""
    there = os.path.relpath(K8S.resolve(), folder.resolve())
    lines = [
        "apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", "namespace: copydesk",
        f"resources: [{there}/base]", f"components: [{', '.join(f'{there}/components/{each}' for each in components)}]",
        "images:", *(f"  - {{name: {each}, newTag: '1'}}" for each in IMAGES),
    ]  # fmt: skip
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return render(folder)
