"""The ``copydesk replay`` command: its options. The work is in the module beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from copydesk_standalone.settings import settings_of

EARLIEST = "earliest"


# Earlier than any record.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Start(click.ParamType[datetime]):
    """A time, how long ago, or the beginning."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See :func:`copydesk_shared.letters.selection.parse_moment`."""
        from copydesk_shared.letters.selection import parse_moment

        if value == EARLIEST:
            return BEGINNING
        try:
            return parse_moment(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(f"{error}, nor {EARLIEST!r}", param, ctx)


@click.command()
@click.argument("stage", type=click.Choice(["classifier", "classifier-shadow"]))
@click.option(
    "--from", "start", type=Start(), required=True, metavar="TIME",
    help="From then on: 7d, 2h, 2026-11-22T15:30Z (UTC), or earliest: all that the topic holds.",
)  # fmt: skip
@click.option(
    "--bootstrap-servers", metavar="HOST:PORT,...", help="This Apache Kafka, not the data of the embedded broker."
)
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where `copydesk up` keeps data.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def replay(stage: str, start: datetime, bootstrap_servers: str | None, data_dir: Path | None, dry_run: bool) -> int:
    """Let the classifier tag articles again, once it is started: with other tags than before, history is re-tagged.

    The consumer group of the stage is set back in the topic of cleaned articles; records older than the topic's
    retention are gone. Stop the classifier first: a group that has members is refused. What it has not read yet is
    never passed over.

    Without Kafka brokers named, by option or environment, the data dir is that of `copydesk up`, which must not run.

    Exit code: 0 done, 2 with one line when it cannot be done.
    """
    from copydesk_standalone.replay.rewinding import replay_stage

    settings = settings_of(bootstrap_servers=bootstrap_servers, data_dir=data_dir)
    return replay_stage(settings, stage, None if start == BEGINNING else start, dry_run=dry_run)
