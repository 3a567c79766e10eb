"""The ``copydesk dead-letters`` command: its options. The work is in the modules beside it, imported when needed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from copydesk_shared.errors import DeadLetterReason, UserError
from copydesk_shared.topics import DEAD_LETTER
from copydesk_standalone.settings import settings_of

Command = Callable[..., Any]
TOPIC = DEAD_LETTER.name
REASONS = click.Choice([reason.value for reason in DeadLetterReason])
FILTERS = ("reason", "stage", "source", "key", "since", "until", "limit")


class Moment(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See :func:`parse_moment`."""
        from copydesk_shared.letters.selection import parse_moment

        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Place(click.ParamType[tuple[int, int]]):
    """The id of a letter."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """See :func:`parse_id`."""
        from copydesk_shared.letters.selection import parse_id

        if isinstance(value, tuple):
            return value
        try:
            return parse_id(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _place_options(command: Command) -> Command:
    return _with(
        command,
        click.option(
            "--bootstrap-servers", metavar="HOST:PORT,...", help="The brokers.  [default: those of `copydesk up`]"
        ),
        click.option("--topic", default=TOPIC, show_default=True, metavar="NAME", help="The topic of dead letters."),
    )


def _filter_options(command: Command) -> Command:
    return _with(
        command,
        click.option("--reason", type=REASONS, multiple=True, help="Only these reasons (may be repeated)."),
        click.option("--stage", multiple=True, metavar="NAME", help="Only these stages (may be repeated)."),
        click.option("--since", type=Moment(), metavar="TIME", help="From then on: 2026-11-22T15:30Z (UTC), 2h, 7d."),
        click.option("--until", type=Moment(), metavar="TIME", help="Before then."),
        click.option("--source", metavar="NAME", help="Only this publisher's domain or feed."),
        click.option("--key", metavar="KEY", help="Only records of this key."),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the oldest N of them."),
    )


def _execute_option(command: Command) -> Command:
    return click.option("--execute", "--yes", is_flag=True, help="Do it. Without this it is only said.")(command)


def _brokers(servers: str | None) -> Any:
    from copydesk_standalone.topics_command import brokers_of

    return brokers_of(settings_of(bootstrap_servers=servers))


def _selection(given: dict[str, Any]) -> Any:
    from copydesk_shared.letters.selection import Selection

    return Selection(
        reasons=frozenset(given["reason"]), stages=frozenset(given["stage"]),
        since=given["since"], until=given["until"], source=given["source"], key=given["key"],
    )  # fmt: skip


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at what could not be handled, bring it back, delete what is old."""


@dead_letters.command("list")
@_place_options
@_filter_options
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="A table, or a line of JSON for each letter.")  # fmt: skip
def list_(bootstrap_servers: str | None, topic: str, limit: int | None, style: str, **given: Any) -> int:
    """List dead letters, oldest first."""
    from copydesk_standalone.letters.listing import list_command

    return list_command(_brokers(bootstrap_servers), topic, _selection(given), limit, style)


@dead_letters.command()
@click.argument("where", type=Place(), metavar="ID")
@_place_options
@click.option("--raw", is_flag=True, help="Write the original bytes of the value and nothing else.")
def show(where: tuple[int, int], bootstrap_servers: str | None, topic: str, raw: bool) -> int:
    """Show one dead letter whole. ID is partition/offset, as in the list."""
    from copydesk_standalone.letters.listing import show_command

    return show_command(_brokers(bootstrap_servers), topic, where, raw=raw)


@dead_letters.command(short_help="Bring dead letters back to the stage that gave them up.")
@click.argument("ids", type=Place(), nargs=-1, metavar="[ID...]")
@_place_options
@_filter_options
@click.option("--rate", type=click.FloatRange(0.01, 10_000), default=50, show_default=True, metavar="N",
              help="At most so many a second.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All letters, instead of ids or filters.")
@click.option("--again", is_flag=True, help="Those too whose replay failed already, beside the newer letters.")
@_execute_option
def replay(
    ids: tuple[tuple[int, int], ...], bootstrap_servers: str | None, topic: str, limit: int | None, rate: float,
    everything: bool, again: bool, execute: bool, **given: Any,
) -> int:  # fmt: skip
    """Bring dead letters back to the stage that gave them up: those of the IDs, or all that pass the filters."""
    from copydesk_shared.letters.replaying import Choice
    from copydesk_standalone.letters.replaying import replay_command

    ways = [bool(ids), bool(limit or any(given.values())), everything].count(True)
    if ways != 1:
        raise UserError(
            "replay takes ids, filters or --all, and only one of these"
            if ways
            else "replay needs ids or filters, such as --reason bug; --all takes all letters"
        )
    choice = Choice(ids, _selection(given), limit, again)
    return replay_command(_brokers(bootstrap_servers), topic, choice, rate=rate, execute=execute)


def _refuse_filters(command: Command) -> Command:
    """Takes the filters of the other commands, hidden, to say why purge has none."""

    def refuse(_ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value:
            raise UserError(
                f"purge takes no --{param.name}: only the oldest letters can be deleted, up to a time (--before)"
            )

    return _with(
        command,
        *(
            click.option(f"--{name}", multiple=True, hidden=True, expose_value=False, callback=refuse)
            for name in FILTERS
        ),
    )


@dead_letters.command()
@_place_options
@click.option("--before", type=Moment(), required=True, metavar="TIME", help="Delete what is older: 90d, 2026-11-22.")
@_refuse_filters
@_execute_option
def purge(bootstrap_servers: str | None, topic: str, before: datetime, execute: bool) -> int:
    """Delete the dead letters before a time."""
    from copydesk_standalone.letters.purging import purge_command

    return purge_command(_brokers(bootstrap_servers), topic, before, execute=execute)
