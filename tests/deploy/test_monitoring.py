"""Alerts fire and stay silent; rules, dashboard and runbooks speak of metrics and commands that there are."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from copydesk_fetcher.responses import FetchReason
from copydesk_shared.telemetry import OutcomeKind
from copydesk_shared.topics import STAGE_SOURCES
from copydesk_standalone.cli import copydesk
from tests.brokers import embedded_broker
from tests.deploy.conftest import Rendered
from tests.tiers import unavailable
from tools.manifests.metrics import metrics
from tools.manifests.monitoring import ALERTS, FOLDER, dashboard, files
from tools.manifests.program import PROBES, READY_PART
from tools.manifests.render import K8S

DOCS = K8S.parent.parent / "docs"
RUNBOOKS = DOCS / "runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
CASES = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]
NAME = re.compile(r"\bcopydesk_[a-z_]+")
LABEL = re.compile(r'(\w+)(?:=|!=|=~|!~)"')


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool") or unavailable("promtool", "promtool is not installed (Debian: prometheus)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=FOLDER, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def samples() -> dict[str, set[str]]:
    """The labels of every sample that services give."""
    return {
        sample: {*metric.labels, *({"le"} if sample.endswith("_bucket") else ())}
        for metric in metrics()
        for sample in metric.samples
    }


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    for panel in json.loads(dashboard())["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", ()))
    for page in PAGES:
        yield from ((page.name, block) for block in re.findall(r"```promql\n(.*?)```", page.read_text(), re.DOTALL))


def test_alerts_fire_and_stay_silent() -> None:
    promtool("check", "rules", ALERTS.name)
    promtool("test", "rules", "alerts.test.yaml")


@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
def test_an_alert_is_tested_both_ways(alert: str) -> None:
    fires = [
        bool(each["exp_alerts"]) for case in CASES for each in case["alert_rule_test"] if each["alertname"] == alert
    ]
    assert set(fires) == {True, False}


def test_every_metric_that_is_asked_for_exists() -> None:
    known = samples()
    asked = {(where, name) for where, text in expressions() for name in NAME.findall(text)}
    assert len(asked) > 50
    assert sorted((where, name) for where, name in asked if name not in known) == []


def test_every_label_that_is_asked_for_exists() -> None:
    known = samples()
    for where, text in expressions():
        for name, selector in re.findall(r"(copydesk_[a-z_]+)\{([^}]*)\}", text):
            assert set(LABEL.findall(selector)) <= known[name], (where, name)


def test_the_values_of_labels_are_those_of_the_code() -> None:
    text = "\n".join(rule["expr"] for rule in RULES)
    outcomes = set(re.findall(r'\boutcome="([^"]+)"', text))
    assert outcomes <= {*OutcomeKind, "refused", "taken"}
    assert set(re.findall(r'part="([^"]+)"', text)) == {
        *STAGE_SOURCES,
        READY_PART["api"].removeprefix(f"{PROBES['readinessProbe']}/"),
    }
    assert FetchReason.HELD in re.findall(r'outcome!~"([^"]+)"', text)[0].split("|")


def test_the_dashboard_has_every_metric() -> None:
    titles = {panel["title"] for panel in json.loads(dashboard())["panels"]}
    assert {metric.name for metric in metrics()} <= titles


def test_panels_do_not_lie_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize(("path", "text"), list(files()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_made_of_the_alerts_and_metrics_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text() == text, "run: make docs"


def test_all_expressions_can_be_read(tmp_path: Path) -> None:
    rules = [
        {"record": f"test:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, (_, text) in enumerate(expressions())
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "all.yaml")


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {rule["labels"]["severity"] for rule in RULES} == {"critical", "warning"}
    pages = {rule["annotations"]["runbook_url"]: rule for rule in RULES}
    assert set(pages) == {f"docs/runbooks/{page.name}" for page in PAGES if page.name != "README.md"}
    overview = (RUNBOOKS / "README.md").read_text()
    for path, rule in pages.items():
        text = (DOCS.parent / path).read_text()
        assert text.startswith(f"# {rule['alert']}\n")
        assert f"Severity: {rule['labels']['severity']}." in text
        assert f"| [{rule['alert']}]({Path(path).name}) | {rule['labels']['severity']} |" in overview


def commands() -> Iterator[str]:
    """The lines of all blocks of commands."""
    for page in PAGES:
        for block in re.findall(r"```\n(.*?)```", page.read_text(), re.DOTALL):
            yield from block.splitlines()


COMMANDS = sorted({line for line in commands() if line.startswith("copydesk ")})


@pytest.mark.kafka
def test_the_commands_of_the_runbooks_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(COMMANDS) > 6
    runner = CliRunner()
    with embedded_broker(tmp_path) as broker:
        monkeypatch.setenv("COPYDESK_STANDALONE_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
        for line in ("copydesk topics apply", *COMMANDS):
            done = runner.invoke(copydesk, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}: {done.output}{done.exception!r}"


def test_what_kubectl_is_asked_for_is_there(overlay: Rendered) -> None:
    made: dict[str, Any] = {
        f"{each['kind'].lower()}/{each['metadata']['name']}": each for each in overlay("production")
    }
    text = "\n".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"\b(?:deployment|job)/copydesk-[a-z]+", text))
    assert len(named) > 4
    assert named <= made.keys()
    assert set(re.findall(r"policy `(copydesk-[a-z-]+)`", text)) <= {
        each["metadata"]["name"] for each in made.values() if each["kind"] == "NetworkPolicy"
    } | {"copydesk-metrics"}
