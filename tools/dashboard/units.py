"""Values as Grafana writes them in the units that our dashboard has."""

from collections.abc import Callable, Mapping, Sequence

_THOUSANDS = ((1e9, "Bil"), (1e6, "Mil"), (1e3, "K"))
_BYTES = tuple((1024.0**power, unit) for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")))
_SECONDS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "mins"), (1.0, "s"), (1e-3, "ms"))


def _rounded(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004 - three digits


def _scaled(value: float, units: Sequence[tuple[float, str]], *, least: str = "") -> str:
    for size, unit in units:
        if abs(value) >= size:
            return f"{_rounded(value / size)} {unit}"
    return f"{_rounded(value)} {least}".rstrip()


UNITS: Mapping[str, Callable[[float], str]] = {
    "short": lambda value: _scaled(value, _THOUSANDS),
    "ops": lambda value: f"{_scaled(value, _THOUSANDS)} ops/s",
    "s": lambda value: _scaled(value, _SECONDS, least="s"),
    "bytes": lambda value: _scaled(value, _BYTES, least="B"),
}


def said(value: float, unit: str) -> str:
    """The value in its unit. Raises ``KeyError`` for a unit that nobody has drawn yet."""
    return UNITS[unit](value)
