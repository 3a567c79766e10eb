"""Small plots as the numbers of SVG elements: a page draws them without a script and without inline styles."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 120


@dataclass(frozen=True)
class Bar:
    """A bar with what it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


def bars(values: Sequence[tuple[str, int]]) -> list[Bar]:
    """A bar for each value, from left to right."""
    top = max((value for _, value in values), default=0) or 1
    step = WIDTH / max(1, len(values))
    return [
        Bar(round(at * step + step * 0.1, 1), round(HEIGHT - HEIGHT * value / top, 1), round(step * 0.8, 1),
            round(HEIGHT * value / top, 1), label, value)
        for at, (label, value) in enumerate(values)
    ]  # fmt: skip


def nice_top(highest: float) -> float:
    """The end of an axis: 1, 2 or 5 times a power of ten, not below the highest value; 1 for nothing."""
    if highest <= 0:
        return 1.0
    power = 1.0
    while power < highest:
        power *= 10
    while power / 10 >= highest:
        power /= 10
    return next(power * share for share in (0.2, 0.5, 1.0) if power * share >= highest)


def line(points: Sequence[tuple[float, float | None]], start: float, end: float, top: float) -> str:
    """The ``d`` of a path through points of a time and a value; a value that is not known leaves a gap."""
    parts: list[str] = []
    runs = 0
    for at, value in points:
        if value is None:
            runs = 0
            continue
        x = WIDTH * (at - start) / max(end - start, 1e-9)
        y = HEIGHT - HEIGHT * min(value / top, 1.0)
        # A point alone is a line of no length; a round cap makes a dot of it.
        parts.append(f"L{x:.1f} {y:.1f}" if runs else f"M{x:.1f} {y:.1f} L{x:.1f} {y:.1f}")
        runs += 1
    return " ".join(parts)
