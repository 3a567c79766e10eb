"""``python -m tools.dashboard``: docs/images/dashboard.webp, the dashboard of a ``copydesk demo`` that it starts.

Grafana can be had from no package registry. So the queries of dashboard.json are put to a Prometheus that has asked the
services for a while, and their panels are drawn here. Takes three minutes, and needs Chromium and Prometheus.
"""

import json
import shutil
import sys
import time
from collections.abc import Sequence

from playwright.sync_api import sync_playwright

from copydesk_shared.errors import InputError
from copydesk_shared.service import run_main
from tools.dashboard.panels import Drawing, Panel, drawing, legend_of
from tools.dashboard.prometheus import Prometheus, Series, running_prometheus
from tools.manifests.monitoring import dashboard
from tools.screenshots import FLAGS, FOLDER, LARGEST_BYTES, captured, demo

PICTURE = FOLDER / "dashboard.webp"
SECONDS = 150.0  # the sample publisher has so much to publish
INTERVAL = 5
ROWS = 2  # of the dashboard: the rest is a panel for each metric
NOTE = "drawn from the queries of dashboard.json as Prometheus answers them, not by Grafana"


def first_rows(panels: Sequence[Panel], rows: int) -> list[Panel]:
    """The panels of the first rows, with their headings."""
    headings = [number for number, panel in enumerate(panels) if panel["type"] == "row"]
    return [*panels[: headings[rows]]] if rows < len(headings) else [*panels]


def lines_of(panel: Panel, prometheus: Prometheus, start: float, end: float) -> list[tuple[str, Series]]:
    """What the queries of a panel gave, with the legends."""
    return [
        (legend_of(target["legendFormat"], series.labels), series)
        for target in panel["targets"]
        for series in (
            prometheus.instant(target["expr"])
            if panel["type"] == "stat"
            else prometheus.between(target["expr"], start, end)
        )
    ]


def drawn(prometheus: Prometheus, start: float, end: float) -> Drawing:
    """The first rows."""
    made = json.loads(dashboard())
    shown = first_rows(made["panels"], ROWS)
    return drawing(made["title"], NOTE, shown, lambda panel: lines_of(panel, prometheus, start, end), start, end)


def main() -> int:
    """Take it. Returns the exit code; raises :class:`InputError` where a program is missing."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise InputError("Chromium is not installed")
    with demo() as running:
        places = running.health()
        with running_prometheus(places, INTERVAL) as prometheus:
            start = time.time()
            time.sleep(SECONDS)
            picture = drawn(prometheus, start, time.time())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        window = browser.new_page(viewport={"width": picture.width, "height": picture.height})
        window.set_content(picture.html)
        data = captured(window)
        browser.close()
    PICTURE.write_bytes(data)
    sys.stdout.write(f"{PICTURE.name}: {len(data):,} bytes\n")
    return int(len(data) > LARGEST_BYTES)


if __name__ == "__main__":
    run_main(main, takes_arguments=True)
