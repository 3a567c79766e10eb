"""The metrics of all services, as the code declares them."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = {
    "Every stage": ROOT / "shared" / "copydesk_shared",
    "Fetcher": ROOT / "services" / "fetcher" / "copydesk_fetcher",
    "Cleaner": ROOT / "services" / "cleaner" / "copydesk_cleaner",
    "Classifier": ROOT / "services" / "classifier" / "copydesk_classifier",
    "API": ROOT / "services" / "api" / "copydesk_api",
}
DECLARES = "from prometheus_client import"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True)
class Metric:
    """A metric: ``name`` is without the suffixes that samples have."""

    section: str
    name: str
    kind: str
    labels: tuple[str, ...]
    what: str

    @property
    def samples(self) -> tuple[str, ...]:
        """The names of its samples."""
        return tuple(f"{self.name}{suffix}" for suffix in SUFFIXES[self.kind])


def metrics() -> list[Metric]:
    """All of them, by section and name, each once."""
    found = {metric.name: metric for section, folder in PACKAGES.items() for metric in _of_package(section, folder)}
    places = list(PACKAGES)
    return sorted(found.values(), key=lambda metric: (places.index(metric.section), metric.name))


def _of_package(section: str, folder: Path) -> Iterator[Metric]:
    for path in sorted(folder.rglob("*.py")):
        if DECLARES in path.read_text(encoding="utf-8"):
            module = importlib.import_module(".".join(path.relative_to(folder.parent).with_suffix("").parts))
            yield from (_metric(section, each) for each in vars(module).values() if isinstance(each, MetricWrapperBase))


def _metric(section: str, declared: MetricWrapperBase) -> Metric:
    family = next(iter(declared.describe()))
    labels = tuple(declared._labelnames)  # noqa: SLF001 - there is no other way to ask for them
    return Metric(section, family.name, family.type, labels, family.documentation)
