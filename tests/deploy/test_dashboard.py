"""The dashboard's queries as a real Prometheus answers them, and the picture that is drawn of it."""

import json
import re
import shutil
import time
from collections.abc import Iterator

import pytest
from prometheus_client import start_http_server

from copydesk_shared.telemetry import READY, RECORDS
from copydesk_standalone.probes import free_port
from tests.tiers import unavailable
from tools.dashboard.__main__ import drawn, first_rows, lines_of
from tools.dashboard.panels import Panel, drawing, legend_of, path
from tools.dashboard.prometheus import Prometheus, Series, running_prometheus
from tools.dashboard.units import said
from tools.manifests.metrics import metrics
from tools.manifests.monitoring import dashboard

PANELS: list[Panel] = json.loads(dashboard())["panels"]
QUERIED = [panel for panel in PANELS if panel["type"] != "row"]
SECONDS = 60.0
PLOT = next(panel for panel in PANELS if panel["title"] == "Records finished")


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """One that has asked this process for its metrics, twice and more."""
    if shutil.which("prometheus") is None:
        unavailable("promtool", "prometheus is not installed (Debian: prometheus)")
    port = free_port()
    assert metrics()
    for metric in (RECORDS, READY):
        metric.clear()  # of what tests before this one counted
    RECORDS.labels("api", "stored", "").inc(3)
    READY.labels("api").set(1)
    server, thread = start_http_server(port, "127.0.0.1")
    try:
        with running_prometheus([f"127.0.0.1:{port}"], 1) as running:
            give_up = time.monotonic() + SECONDS
            while not lines_of(PLOT, running, time.time() - 5, time.time()):
                assert time.monotonic() < give_up
                time.sleep(0.2)
            yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_prometheus_answers_every_panel(prometheus: Prometheus) -> None:
    assert prometheus.up() == 1
    found = {panel["title"]: lines_of(panel, prometheus, time.time() - 5, time.time()) for panel in QUERIED}
    assert [legend for legend, _ in found["Records finished"]] == ["api stored"]
    assert found["copydesk_ready"][0][1].points[-1][1] == 1
    assert all(found[title] for title in ("Processors", "Memory", "Open files", "Parts that are ready nowhere"))
    assert found["Parts that are ready nowhere"][0][1].points[-1][1] == 0
    assert found["Half of the articles are there after"] == [], "a quantile of nothing is no number"


def test_the_first_rows_are_drawn(prometheus: Prometheus) -> None:
    picture = drawn(prometheus, time.time() - 5, time.time())
    titles = [panel["title"] for panel in first_rows(PANELS, 2)]
    assert len(titles) > 10
    assert titles[-1] == "Requests of the fetcher"
    assert [title for title in titles if f">{title}<" not in picture.html] == []
    assert "not by Grafana" in picture.html
    assert "api stored" in picture.html
    assert 500 < picture.height < 1500


def test_a_panel_is_drawn_as_its_queries_say() -> None:
    line = Series({"stage": "api"}, [(100.0, 0.0), (110.0, 4.0), (120.0, 2.0)])
    html = drawing("T", "n", [PLOT], lambda _: [("a <b>", line)], 100.0, 120.0).html
    assert "a &lt;b&gt;" in html
    (points,) = re.findall(r'<path stroke="[^"]+" d="M([^"]+)"', html)
    heights = [float(each.split()[1]) for each in points.split(" L")]
    assert heights[1] < heights[2] < heights[0]
    assert ">5 ops/s<" in html
    assert "No data" in drawing("T", "n", [PLOT], lambda _: [], 100.0, 120.0).html


def test_a_point_alone_is_a_dot_and_a_line_keeps_within_its_frame() -> None:
    assert path(Series({}, [(5.0, 1.0)]), 0.0, 10.0, 100.0, 50.0, 2.0) == "M50.0 25.0 L50.0 25.0"
    assert path(Series({}, [(0.0, 9.0), (10.0, 0.0)]), 0.0, 10.0, 100.0, 50.0, 2.0) == "M0.0 0.0 L100.0 50.0"


def test_legends_take_the_labels() -> None:
    assert legend_of("{{stage}} {{ topic }} {{none}}", {"stage": "api", "topic": "t"}) == "api t"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.25, "s", "250 ms"),
        (90, "s", "1.5 mins"),
        (7_200, "s", "2 hours"),
        (1_234_567, "short", "1.23 Mil"),
        (12, "short", "12"),
        (0.5, "ops", "0.5 ops/s"),
        (200 << 20, "bytes", "200 MiB"),
    ],
)
def test_units(value: float, unit: str, text: str) -> None:
    assert said(value, unit) == text


def test_every_unit_of_the_dashboard_can_be_said() -> None:
    assert {said(1, panel["fieldConfig"]["defaults"]["unit"]) for panel in QUERIED}
