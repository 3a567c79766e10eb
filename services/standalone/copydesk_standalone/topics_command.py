"""``copydesk topics``: what is declared, what the brokers have, and making the second the first."""

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import click

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError
from copydesk_shared.kafka import Seen, apply_topics, count_offsets, see_topics
from copydesk_shared.log import LogError
from copydesk_shared.topic_check import Difference, Found, Grow, Kind, Option, SetTo, Weight, compare
from copydesk_shared.topics import ALL_TOPICS, COPIES, AnyTopic
from copydesk_standalone.settings import StandaloneSettings

FORMAT_VERSION = 1
COMMAND_SECONDS = 60.0
EXIT_DIFFERENT = 1
NAMES = tuple(topic.name for topic in ALL_TOPICS)
# What to say of a difference that apply cannot mend.
NO_CHANGE: Mapping[Kind, str] = {
    Kind.PARTITIONS: "apply takes no partition away",
    Kind.REPLICAS: "apply moves no replicas; kafka-reassign-partitions does",
}
UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))
COLUMNS = ("topic", "partitions", "replicas", "cleanup.policy", "retention", "max.message.bytes", "offsets")
SHOWN_SETTINGS = (Kind.CLEANUP, Kind.RETENTION, Kind.MESSAGE_BYTES)
KEYS_MOVE = "keys move to other partitions: records of a key from before and after may be handled in any order"

T = TypeVar("T")


def brokers_of(settings: StandaloneSettings) -> Brokers:
    """The brokers of the settings: those named, or the embedded one."""
    return settings.brokers


def _ask(brokers: Brokers, question: Coroutine[Any, Any, T]) -> T:
    """The answer of the brokers. Raises :class:`SettingsError` when they cannot be asked."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is told in one line of ours

    async def in_time() -> T:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await question

    try:
        return asyncio.run(in_time())
    except LogError as error:
        raise SettingsError(f"Kafka at {brokers} cannot be used: {error}") from None
    except TimeoutError:
        raise SettingsError(f"Kafka at {brokers} did not answer within {COMMAND_SECONDS:g} s") from None


def _see(brokers: Brokers) -> Seen:
    """What the brokers have. Raises :class:`SettingsError`, also where we may not see all of it."""
    seen = _ask(brokers, see_topics(brokers, NAMES))
    if unseen := seen.unseen():
        raise SettingsError(f"Kafka at {brokers} gives no right to see the settings of {', '.join(unseen)}")
    return seen


def diff(brokers: Brokers, copies: int | None, style: str) -> int:
    """Print the differences; the exit code is 1 when there are some. Raises :class:`SettingsError`.

    Partitions that were added are shown and are no difference: they are there for good.
    """
    seen = _see(brokers)
    found = compare(ALL_TOPICS, seen.found, seen.copies(copies))
    differences = [each for each in found if not _is_added(each)]
    if style == "json":
        _print_json({"equal": not differences, "differences": [_as_json(each) for each in differences],
                     "added": [_as_json(each) for each in found if _is_added(each)]})  # fmt: skip
    else:
        for each in found:
            click.echo(f"{_mark(each)}  {each}; {_outlook(each)}")
        count = f"{len(differences)} difference{'' if len(differences) == 1 else 's'}"
        click.echo(count if differences else f"{len(NAMES)} topics are as declared")
    return EXIT_DIFFERENT if differences else 0


def _is_added(difference: Difference) -> bool:
    return difference.weight is Weight.MORE and difference.change is None


def apply(brokers: Brokers, copies: int | None, options: Collection[Option], *, dry_run: bool) -> int:
    """Make the changes that the options permit; the exit code is 1 when what is left stops services.

    Raises :class:`SettingsError`.
    """
    choose = _chosen_by(options)
    seen = _see(brokers)
    first = compare(ALL_TOPICS, seen.found, seen.copies(copies))
    _warn([each for each in first if choose(each)])
    if dry_run:
        done, left = [each for each in first if choose(each)], [each for each in first if not choose(each)]
    else:
        applied = _ask(brokers, apply_topics(brokers, choose=choose, copies=copies))
        done, left = list(applied.done), list(applied.left)
    for each in done:
        click.echo(f"{'would do' if dry_run else 'done    '}  {each}; {each.change}")
    for each in left:
        click.echo(f"{_mark(each)}  {each}; left as it is: {_outlook(each)}")
    if not done:
        click.echo("nothing to change")
    return EXIT_DIFFERENT if any(each.breaking for each in left) else 0


def _chosen_by(options: Collection[Option]) -> Callable[[Difference], bool]:
    return lambda each: each.change is not None and (each.option is None or each.option in options)


def _warn(chosen: Sequence[Difference]) -> None:
    """Say on standard error what a change costs."""
    for each in chosen:
        match each.change:
            case Grow():
                click.echo(f"warning: topic {each.topic}: {KEYS_MOVE}", err=True)
            case SetTo("retention.ms", value) if each.weight is Weight.MORE:
                click.echo(f"warning: topic {each.topic}: records older than {_span(value)} are deleted", err=True)
            case _:
                pass


def _mark(difference: Difference) -> str:
    return "BREAKING" if difference.breaking else "more    " if _is_added(difference) else "differs "


def _outlook(difference: Difference) -> str:
    """What apply would do of it."""
    if difference.change is None:
        return NO_CHANGE[difference.kind]
    option = f" {difference.option}" if difference.option else ""
    return f"apply{option} would {difference.change}"


def _as_json(difference: Difference) -> dict[str, object]:
    return {
        "topic": difference.topic,
        "kind": difference.kind,
        "breaking": difference.breaking,
        "text": str(difference),
        "apply": str(difference.change) if difference.change else None,
        "option": difference.option,
    }


def describe_declared(style: str) -> int:
    """Print what is declared; asks no broker."""
    if style == "json":
        _print_json({"version": FORMAT_VERSION, "topics": [_declared(topic) for topic in ALL_TOPICS]})
    else:
        _print_table(COLUMNS[:-1], [_declared_row(topic) for topic in ALL_TOPICS])
    return 0


def describe(brokers: Brokers, copies: int | None, style: str) -> int:
    """Print what is declared next to what the brokers have. Raises :class:`SettingsError`."""
    seen = _ask(brokers, see_topics(brokers, NAMES))
    there = {name: found for name, found in seen.found.items() if found is not None}
    offsets = _ask(brokers, count_offsets(brokers, {name: found.partitions for name, found in there.items()}))
    if style == "json":
        rows = [{**_declared(topic), "found": _found(there.get(topic.name), offsets.get(topic.name))}
                for topic in ALL_TOPICS]  # fmt: skip
        _print_json({"version": FORMAT_VERSION, "brokers": seen.brokers, "topics": rows})
        return 0
    _print_table(COLUMNS, [_row(topic, seen, offsets, seen.copies(copies)) for topic in ALL_TOPICS])
    click.echo("Where the brokers differ, what is declared is in brackets. Offsets are the most records there can be.")
    return 0


def _declared(topic: AnyTopic) -> dict[str, object]:
    """The topic for tools; keys are added in later versions, never changed or taken away."""
    return {
        "name": topic.name,
        "partitions": topic.partitions,
        "replicas": COPIES,
        "config": topic.config(),
        "same_partitions_as": topic.beside,
    }


def _found(found: Found | None, offsets: int | None) -> dict[str, object] | None:
    if found is None:
        return None
    config = {name: setting.value for name, setting in found.settings.items()} if found.settings is not None else None
    return {"partitions": found.partitions, "replicas": found.replicas, "config": config, "offsets": offsets}


def _declared_row(topic: AnyTopic) -> list[str]:
    config = topic.config()
    retention = _span(config["retention.ms"]) if "retention.ms" in config else "-"
    return [topic.name, str(topic.partitions), f"<={COPIES}", config["cleanup.policy"], retention,
            config["max.message.bytes"]]  # fmt: skip


def _row(topic: AnyTopic, seen: Seen, offsets: Mapping[str, int], copies: int) -> list[str]:
    found = seen.found.get(topic.name)
    if found is None:
        return [topic.name, "missing" if topic.name not in seen.found else "may not be seen"]
    declared = topic.config()
    values = {name: setting.value for name, setting in (found.settings or {}).items()}
    return [
        topic.name,
        _beside(str(found.partitions), str(topic.partitions)),
        _beside(str(found.replicas), str(max(copies, found.replicas))),
        *(_setting(name, values.get(name, "?"), declared.get(name)) for name in SHOWN_SETTINGS),
        str(offsets[topic.name]),
    ]  # fmt: skip


def _setting(name: str, value: str, declared: str | None) -> str:
    if declared is None:
        return "-"
    return _beside(_span(value), _span(declared)) if name == Kind.RETENTION else _beside(value, declared)


def _beside(found: str, declared: str) -> str:
    return found if found == declared else f"{found} ({declared})"


def _span(milliseconds: str) -> str:
    """A span of time in the largest unit that gives a whole number."""
    if milliseconds == "-1":
        return "for ever"
    if not milliseconds.isdigit():
        return milliseconds
    for unit, size in UNITS:
        if int(milliseconds) % size == 0 and int(milliseconds):
            return f"{int(milliseconds) // size} {unit}"
    return f"{milliseconds} ms"


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = [columns, *rows]
    widths = [max(len(row[at]) for row in table if at < len(row)) for at in range(len(columns))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
