"""What Prometheus and Grafana take: the alerts as a PrometheusRule, and a dashboard with a panel for each metric."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from tools.manifests.metrics import Metric, metrics
from tools.manifests.render import K8S

FOLDER = K8S / "components" / "monitoring"
ALERTS = FOLDER / "alerts.yaml"
HEAD = "# Written by `make docs` from alerts.yaml; do not edit.\n"
Panel = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, COLUMNS, HEIGHT, STAT_HEIGHT = 24, 3, 8, 4
# Labels of which there are many: their values are added up, or the worst is shown.
TOO_MANY = frozenset(("partition",))
RETRIES = 'topic!~".+[.]retry[.].+"'
END_TO_END = 'copydesk_end_to_end_seconds_bucket{stage="api"}'
DEAD_LETTERS = 'sum(rate(copydesk_records_total{outcome="dead-lettered"}[15m]))'  # there is none before the first
AT_A_GLANCE = (
    ("Articles an hour", 'sum(rate(copydesk_records_total{stage="api",outcome="stored"}[15m])) * 3600', "short"),
    ("Oldest record that waits", f"max(copydesk_lag_seconds{{{RETRIES}}})", "s"),
    ("Half of the articles are there after", f"histogram_quantile(0.5, sum by (le) (rate({END_TO_END}[1h])))", "s"),
    ("Dead letters an hour", f"{DEAD_LETTERS} * 3600 or vector(0)", "short"),
    ("Feeds that fail", "sum(copydesk_feeds_failing)", "short"),
    ("Parts that are ready nowhere", "count(max by (part) (copydesk_ready) == 0) or vector(0)", "short"),
)  # fmt: skip
# What is looked at next, and what the programs take: titles, expressions with legends, units.
Plot = tuple[str, Sequence[tuple[str, str]], str]
RATE = "[$__rate_interval]"
WORK = f"rate(copydesk_handle_seconds_bucket{RATE})"
ON_THE_WAY: Sequence[Plot] = (
    ("Records finished", [(f"sum by (stage, outcome) (rate(copydesk_records_total{RATE}))", "{{stage}} {{outcome}}")],
     "ops"),
    ("Records that wait", [(f"sum by (stage) (copydesk_lag_records{{{RETRIES}}})", "{{stage}}")], "short"),
    ("How long the oldest has waited", [(f"max by (stage) (copydesk_lag_seconds{{{RETRIES}}})", "{{stage}}")], "s"),
    ("From publication to the API", [(f"histogram_quantile({part}, sum by (le) (rate({END_TO_END}[15m])))", str(part))
                                     for part in (0.5, 0.95)], "s"),
    ("Work on a record, 95 of 100", [(f"histogram_quantile(0.95, sum by (le, stage) ({WORK}))", "{{stage}}")], "s"),
    ("Requests of the fetcher", [(f"sum by (outcome) (rate(copydesk_requests_total{RATE}))", "{{outcome}}")], "ops"),
)  # fmt: skip
# Every program of a cluster has these metrics: ours are those that have one of ours beside them.
OURS = "and on (instance) copydesk_ready"
REPLICA = "{{service}}{{pod}} {{instance}}"
PROCESSES: Sequence[Plot] = (
    ("Processors", [(f"rate(process_cpu_seconds_total{RATE}) {OURS}", REPLICA)], "short"),
    ("Memory", [(f"process_resident_memory_bytes {OURS}", REPLICA)], "bytes"),
    ("Open files", [(f"process_open_fds {OURS}", REPLICA)], "short"),
)


def prometheus_rule() -> str:
    """The alerts as a PrometheusRule."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    labels = {"app.kubernetes.io/part-of": "copydesk"}
    rule = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "copydesk", "labels": labels}, "spec": {"groups": groups}}  # fmt: skip
    return HEAD + str(yaml.safe_dump(rule, sort_keys=False, width=1000))


def queries(metric: Metric) -> list[tuple[str, str]]:
    """What is plotted of a metric: expressions and legends."""
    labels = [label for label in metric.labels if label not in TOO_MANY]
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or metric.name
    if metric.name.endswith("timestamp_seconds"):
        return [(f"min{by} ({metric.name}) - time()", f"{legend} from now")]
    if metric.kind == "counter":
        return [(f"sum{by} (rate({metric.name}_total[$__rate_interval]))", legend)]
    if metric.kind == "histogram":
        among = ", ".join(("le", *labels))
        rate = f"sum by ({among}) (rate({metric.name}_bucket[$__rate_interval]))"
        return [(f"histogram_quantile({q}, {rate})", f"{legend} {q}") for q in (0.5, 0.95)]
    return [(f"max{by} ({metric.name})" if "seconds" in metric.name else f"sum{by} ({metric.name})", legend)]


def _unit(metric: Metric) -> str:
    if metric.kind == "counter":
        return "ops"
    return "s" if metric.name.endswith("seconds") else "short"


def _panel(kind: str, title: str, plotted: Sequence[tuple[str, str]], unit: str, what: str = "") -> Panel:
    targets = [{"expr": expression, "legendFormat": legend, "refId": chr(ord("A") + place), "datasource": SOURCE}
               for place, (expression, legend) in enumerate(plotted)]  # fmt: skip
    field = {"defaults": {"unit": unit, "min": 0}, "overrides": []}
    return {"type": kind, "title": title, "description": what, "datasource": SOURCE, "targets": targets,
            "fieldConfig": field}  # fmt: skip


def _row(title: str) -> Panel:
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def _rows() -> Iterator[tuple[Panel, list[Panel], int, int]]:
    """Each row, its panels, their number in a line and their height."""
    glance = [_panel("stat", title, [(expression, "")], unit) for title, expression, unit in AT_A_GLANCE]
    yield _row("At a glance"), glance, len(glance), STAT_HEIGHT
    for title, plots in (("On the way", ON_THE_WAY), ("Processes", PROCESSES)):
        yield _row(title), [_panel("timeseries", *plot) for plot in plots], COLUMNS, HEIGHT
    for section, group in groupby(metrics(), key=lambda metric: metric.section):
        panels = [_panel("timeseries", each.name, queries(each), _unit(each), each.what) for each in group]
        yield _row(section), panels, COLUMNS, HEIGHT


def _placed() -> Iterator[Panel]:
    top = 0
    for row, panels, in_line, height in _rows():
        yield {**row, "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}
        top += 1
        for place, panel in enumerate(panels):
            line, column = divmod(place, in_line)
            width = WIDTH // in_line
            yield {**panel, "gridPos": {"x": column * width, "y": top + line * height, "w": width, "h": height}}
        top += -(-len(panels) // in_line) * height


def dashboard() -> str:
    """A Grafana dashboard: what matters at a glance, then each metric of the code."""
    panels = [{"id": number, **panel} for number, panel in enumerate(_placed(), 1)]
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    made = {
        "uid": "copydesk", "title": "Copydesk", "tags": ["copydesk"], "schemaVersion": 39, "editable": True,
        "refresh": "1m", "time": {"from": "now-6h", "to": "now"}, "templating": {"list": [source]}, "panels": panels,
    }  # fmt: skip
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def files() -> Iterator[tuple[Path, str]]:
    """The files and what belongs into them."""
    yield FOLDER / "prometheusrule.yaml", prometheus_rule()
    yield FOLDER / "dashboard.json", dashboard()
