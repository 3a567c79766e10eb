"""``copydesk capacity``."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from copydesk_shared.topics import COPIES
from copydesk_standalone.capacity.costs import Costs, costs
from copydesk_standalone.capacity.estimate import BUSY_SHARE, Load, Need, estimate

FORMAT_VERSION = 1
UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
LEFT_OUT = (
    "Not in it: readers of the API, revisions of articles, retries and dead letters, pushed feeds and the topics of\n"
    "hosts, the brokers' own processors and memory."
)


@click.command()
@click.option("--feeds", type=click.IntRange(1, 10_000_000), required=True, help="Feeds that are polled.")
@click.option(
    "--articles-per-day", type=click.IntRange(1, 1_000_000_000), required=True, help="New articles of all feeds."
)
@click.option(
    "--interval",
    type=click.IntRange(10, 604_800),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="Between two polls of a feed.",
)
@click.option(
    "--peak",
    type=click.FloatRange(1, 100),
    default=4.0,
    show_default=True,
    help="How many times the average arrives in the busiest hour.",
)
@click.option(
    "--replication-factor",
    "copies",
    type=click.IntRange(1, 10),
    default=COPIES,
    show_default=True,
    help="Copies of each partition.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_500),
    default=365,
    show_default=True,
    help="How long the API keeps articles: COPYDESK_API_RETENTION_DAYS.",
)
@click.option("--sources", is_flag=True, help="Where each figure comes from that this reckons with.")
@click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="For people, or JSON.",
)  # fmt: skip
def capacity(
    feeds: int,
    articles_per_day: int,
    interval: int,
    peak: float,
    copies: int,
    keep_days: int,
    sources: bool,
    style: str,
) -> int:
    """Reckon what a load takes: processors, memory, replicas, partitions, disk.

    By measured costs of a poll and of an article, so it is a first guess and no promise: measure when it runs.
    """
    load = Load(feeds, articles_per_day, interval, peak, copies, keep_days)
    need = estimate(load, costs())
    if style == "json":
        click.echo(json.dumps({"format_version": FORMAT_VERSION, "load": asdict(load), **asdict(need)}))
        return 0
    for line in _lines(load, need):
        click.echo(line)
    for line in _sources(costs()) if sources else ():
        click.echo(line)
    return 0


def _lines(load: Load, need: Need) -> Iterator[str]:
    rows = [
        (each.name, f"{each.processors:.2f}", f"{each.busiest:.2f}", str(each.replicas or "-"), _mib(each.memory_mib))
        for each in need.services
    ]
    yield from _table(("service", "processors", "busiest hour", "replicas", "memory"), rows)
    yield f"A replica is reckoned with {BUSY_SHARE:.0%} of one processor in the busiest hour."
    yield ""
    topics = [
        (
            each.name,
            str(each.partitions),
            f"{each.records_per_day:,.0f}",
            _size(each.bytes_per_day),
            _size(each.disk_bytes),
        )
        for each in need.topics
    ]
    yield from _table(("topic", "partitions", "records a day", "written a day", f"disk, {load.copies} copies"), topics)
    yield f"Kafka's disks, together: {_size(sum(each.disk_bytes for each in need.topics))}"
    yield f"PostgreSQL's disk, after {load.keep_days} days: {_size(need.database_bytes)}"
    yield LEFT_OUT


def _sources(figures: Costs) -> Iterator[str]:
    yield ""
    for work in figures.work:
        yield f"{work.service}: {work.milliseconds:g} ms each {work.each}; {work.source}"
    for name, record in figures.topic.items():
        yield f"{name}: {record.bytes:g} bytes each {record.each}; {record.source}"
    yield f"database: {figures.database.bytes:g} bytes each article; {figures.database.source}"
    for name, replica in figures.replica.items():
        yield f"{name}: {replica.memory_mib} MiB each replica; {replica.source}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    for first, *others in (columns, *rows):
        numbers = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *numbers))


def _size(number: float) -> str:
    for unit, factor in UNITS:
        if number >= factor:
            return f"{number / factor:.3g} {unit}" if number < 1000 * factor else f"{number / factor:,.0f} {unit}"
    return f"{number:.0f} B"


def _mib(number: int | None) -> str:
    return f"{number:,} MiB" if number else "-"
