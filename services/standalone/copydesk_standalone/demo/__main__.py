"""``python -m copydesk_standalone.demo``: the sample publisher in a process of its own."""

import math
import sys
from collections.abc import Sequence
from datetime import datetime

import click

from copydesk_shared.errors import UserError
from copydesk_standalone.demo.server import run

USAGE_ERROR = 2
HIGHEST_PORT = 65535


def _a_port(_context: click.Context, _parameter: click.Parameter, value: int) -> int:
    if not 0 <= value <= HIGHEST_PORT:
        raise click.BadParameter(f"{value} is not between 0 and {HIGHEST_PORT}")
    return value


def _above_zero(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise click.BadParameter(f"{value} is not a number of seconds above zero")
    return value


def _a_moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if value else None
    except ValueError:
        moment = None
    if value and (moment is None or moment.tzinfo is None):
        raise click.BadParameter(f"{value!r} is not a time with its offset, such as 2024-01-31T09:00:00+00:00")
    return moment


@click.command()
@click.option("--port", type=int, required=True, callback=_a_port, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--every-seconds", type=float, default=5.0, callback=_above_zero, help="Time between new articles.")
@click.option("--started", callback=_a_moment, help="When the first batch came out, to keep dates over a restart; now.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when the standard input ends.")
def command(port: int, every_seconds: float, started: datetime | None, exit_with_parent: bool) -> None:
    """Serve a newspaper that does not exist, with new articles as time goes by."""
    run("127.0.0.1", port, every_seconds=every_seconds, started=started, stop_at_end_of_input=exit_with_parent)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 2, after one line, for a mistake in the options or a port that is taken.

    ``arguments`` are those of the command line where none are given.
    """
    try:
        command.main(arguments, prog_name="publisher", standalone_mode=False)
    except click.ClickException as error:
        complaint = error.format_message()
    except UserError as error:
        complaint = str(error)
    else:
        return 0
    sys.stderr.write(f"publisher: {complaint}\n")
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
