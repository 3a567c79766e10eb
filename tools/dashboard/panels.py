"""The panels of a dashboard as one page of HTML and SVG, from what their queries gave."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from copydesk_api.web.plots import nice_top
from tools.dashboard.prometheus import Series
from tools.dashboard.units import said

Panel = Mapping[str, Any]
Answers = Callable[[Panel], Sequence[tuple[str, Series]]]  # of a panel: legends and lines

COLUMN, LINE, GAP = 64, 34, 8  # pixels of a place of the grid, as wide and as high
COLUMNS = 24
LEFT, BOTTOM, TOP = 64, 18, 8  # pixels for the numbers of the axes
HEAD, LEGEND_LINE, MOST_LEGENDS = 26, 16, 4
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#c0d8ff", "#96d98d", "#ffb357")
STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 12px "DejaVu Sans", sans-serif; position: relative }
section { position: absolute; background: #181b1f; border: 1px solid #2c2f35; border-radius: 2px; overflow: hidden }
h1 { font-size: 15px; position: absolute; margin: 0 }
h1 small { color: #8e8e9c; font-size: 12px; font-weight: 400; margin-left: 12px }
h2 { font-size: 13px; font-weight: 500; margin: 6px 8px 0; height: 20px; white-space: nowrap }
.stat { color: #73bf69; font-size: 26px; text-align: center; padding-top: 18px }
.none { color: #8e8e9c; text-align: center; padding-top: 24px }
.legend { padding: 0 8px; white-space: nowrap; font-size: 11px }
.legend i { display: inline-block; width: 12px; height: 3px; margin: 0 5px 3px 0 }
text { fill: #8e8e9c; font-size: 10px }
.grid { stroke: #2c2f35 }
path { fill: none; stroke-width: 1.5; stroke-linecap: round }
"""


def legend_of(pattern: str, labels: Mapping[str, str]) -> str:
    """The legend with the labels put in."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), pattern).strip()


@dataclass(frozen=True)
class Drawing:
    """A page and how large it is, in pixels."""

    html: str
    width: int
    height: int


def drawing(title: str, note: str, panels: Sequence[Panel], answers: Answers, start: float, end: float) -> Drawing:
    """The panels at their places; times are in seconds since the epoch. ``note`` says what the picture is."""
    first = min(panel["gridPos"]["y"] for panel in panels)
    last = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    drawn = "".join(_placed(panel, first, answers, start, end) for panel in panels)
    heading = f'<h1 style="left:{GAP}px;top:{GAP}px">{escape(title)}<small>{escape(note)}</small></h1>'
    width, height = COLUMNS * COLUMN + GAP, (last - first + 1) * LINE + GAP
    html = (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<body style="width:{width}px;height:{height}px">{heading}{drawn}</body></html>'
    )
    return Drawing(html, width, height)


def _placed(panel: Panel, first: int, answers: Answers, start: float, end: float) -> str:
    place = panel["gridPos"]
    left, top = place["x"] * COLUMN + GAP, (place["y"] - first + 1) * LINE + GAP
    width, height = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
    if panel["type"] == "row":
        return f'<h1 style="left:{left}px;top:{top + GAP}px">{escape(panel["title"])}</h1>'
    lines, unit = answers(panel), panel["fieldConfig"]["defaults"]["unit"]
    if not lines:
        inside = '<div class="none">No data</div>'
    elif panel["type"] == "stat":
        inside = f'<div class="stat">{escape(said(lines[0][1].points[-1][1], unit))}</div>'
    else:
        inside = "".join(_plot(lines, unit, width, height, start, end))
    box = f"left:{left}px;top:{top}px;width:{width}px;height:{height}px"
    return f'<section style="{box}"><h2>{escape(panel["title"])}</h2>{inside}</section>'


def _plot(
    lines: Sequence[tuple[str, Series]], unit: str, width: int, height: int, start: float, end: float
) -> Iterator[str]:
    """A plot with its axes, and the legends of its highest lines."""
    shown = sorted(lines, key=lambda line: -max(value for _, value in line[1].points))
    legends = min(len(shown), MOST_LEGENDS)
    tall = height - HEAD - legends * LEGEND_LINE - BOTTOM - TOP
    wide = width - LEFT - GAP
    highest = nice_top(max(value for _, series in lines for _, value in series.points))
    yield f'<svg width="{width}" height="{tall + BOTTOM + TOP}">'
    for part in (0.0, 0.5, 1.0):
        y = TOP + tall * (1 - part)
        yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + wide}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{escape(said(highest * part, unit))}</text>'
        moment = datetime.fromtimestamp(start + (end - start) * part, UTC).strftime("%H:%M:%S")
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[part]
        yield f'<text x="{LEFT + wide * part:.1f}" y="{TOP + tall + 14}" text-anchor="{anchor}">{moment}</text>'
    for number, (_, series) in enumerate(shown):
        colour, drawn = COLOURS[number % len(COLOURS)], path(series, start, end, wide, tall, highest)
        yield f'<path stroke="{colour}" d="{drawn}" transform="translate({LEFT} {TOP})"/>'
    yield "</svg>"
    for number, (legend, _) in enumerate(shown[:legends]):
        more = f" and {len(shown) - legends} more" if number == legends - 1 and len(shown) > legends else ""
        yield f'<div class="legend"><i style="background:{COLOURS[number]}"></i>{escape(legend)}{more}</div>'


def path(series: Series, start: float, end: float, wide: float, tall: float, highest: float) -> str:
    """The ``d`` of a line within a frame of so many pixels."""
    places = (
        (wide * (at - start) / max(end - start, 1e-9), tall * (1 - min(value / highest, 1.0)))
        for at, value in series.points
    )
    # A point alone is a line of no length: the round cap makes a dot of it.
    drawn = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f"M{drawn}" if "L" in drawn else f"M{drawn} L{drawn}"
