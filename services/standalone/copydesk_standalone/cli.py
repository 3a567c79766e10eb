"""The ``copydesk`` command."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, get_args

import click

from copydesk_shared.errors import AlreadyToldError, UserError
from copydesk_shared.service import EXIT_INTERRUPTED, EXIT_USER_ERROR
from copydesk_standalone.capacity.command import capacity
from copydesk_standalone.feeds.command import feeds, hosts
from copydesk_standalone.letters.command import dead_letters
from copydesk_standalone.replay.command import replay
from copydesk_standalone.settings import FsyncPolicy, settings_of
from copydesk_standalone.taxonomy.command import taxonomy

Command = Callable[..., Any]
PORT = click.IntRange(1, 65535)


class HelpfulGroup(click.Group):
    """Shows the commands in the order a newcomer needs them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


def _run_options(command: Command) -> Command:
    """The options that ``up`` and ``demo`` share."""
    options = [
        click.option("--data-dir", type=click.Path(file_okay=False), help="Where data is kept."),
        click.option("--api-port", type=PORT, help="Port of the REST feed and the web page.  [default: 8080]"),
        click.option("--kafka-port", type=PORT, help="Port of the embedded broker.  [default: 9092]"),
        click.option(
            "--bootstrap-servers", metavar="HOST:PORT,...", help="Use this Apache Kafka, not the embedded broker."
        ),
        click.option("--database-url", metavar="URL", help="Use this database, not SQLite in the data dir."),
        click.option(
            "--fsync",
            type=click.Choice(get_args(FsyncPolicy)),
            help="When the embedded broker forces its disk.  [default: never]",
        ),
        click.option("--verbose", is_flag=True, default=None, help="Show what the services log."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=HelpfulGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("copydesk"), prog_name="copydesk")
def copydesk() -> None:
    """Turn news feeds into a clean, tagged, replayable stream of articles."""


@copydesk.command()
@click.option("--feeds", type=click.Path(path_type=Path, dir_okay=False), help="The feeds to poll, a YAML file.")
@_run_options
def up(**given: object) -> int:
    """Run everything on this machine, with an embedded broker."""
    from copydesk_standalone.commands import run_up

    return run_up(settings_of(**given))


@copydesk.command()
@click.option(
    "--every", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, metavar="SECONDS",
    help="A new article appears this often.",
)  # fmt: skip
@_run_options
def demo(every: float, **given: object) -> int:
    """The same with a sample publisher on this machine: articles arrive, are cleaned and tagged. No internet needed."""
    from copydesk_standalone.commands import run_demo

    return run_demo(settings_of(**given), keep_data=given["data_dir"] is not None, every_seconds=every)


@copydesk.command()
@click.argument("source", default="-", metavar="[FILE|-|URL]")
@click.option("--type", "kind", type=click.Choice(["auto", "html", "text"]), default="auto", show_default=True)
@click.option("--url", help="The address the content came from.")
@click.option(
    "--format", "style", type=click.Choice(["json", "text", "diff"]), default="json", show_default=True,
    help="The article as JSON, its text, or what was cut.",
)  # fmt: skip
def clean(source: str, kind: str, url: str | None, style: str) -> int:
    """Clean one page or text and print the article."""
    from copydesk_standalone import oneshot

    return oneshot.clean_command(source, kind, url, style)


@copydesk.command()
@click.argument("source", default="-", metavar="[FILE|-]")
@click.option("--format", "style", type=click.Choice(["json", "text"]), default="json", show_default=True)
def classify(source: str, style: str) -> int:
    """Tag one article: plain text, or the JSON of `copydesk clean`."""
    from copydesk_standalone import oneshot

    return oneshot.classify_command(source, style)


@copydesk.group(cls=HelpfulGroup)
def rules() -> None:
    """See, test and explain the rules by which pages are cleaned."""


_as_table = click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="For people, or a line of JSON for each.",
)  # fmt: skip


@rules.command("list")
@click.option("--family", metavar="NAME", help="Only the rules of this file.")
@click.option("--language", metavar="CODE", help="Only the rules for this language: en, de, ...")
@_as_table
def rules_list(family: str | None, language: str | None, style: str) -> int:
    """Show the rules, those of COPYDESK_CLEANER_RULES included."""
    from copydesk_standalone import rules_command

    return rules_command.list_rules(family, language, style)


@rules.command("test")
@click.argument("place", required=False, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]")
def rules_test(place: Path | None) -> int:
    """Run the examples of all rules, or of those in a file or folder: each hit is cut, each keep loses nothing.

    Exit code: 0 all hold, 1 some fail, 2 a file cannot be used.
    """
    from copydesk_standalone import rules_command

    return rules_command.test_rules(place)


@rules.command("explain")
@click.argument("source", default="-", metavar="[FILE|-|URL]")
@click.option("--type", "kind", type=click.Choice(["auto", "html", "text"]), default="auto", show_default=True)
@click.option("--url", help="The address the content came from.")
@_as_table
def rules_explain(source: str, kind: str, url: str | None, style: str) -> int:
    """Show which rules fire on a page or text, in order, and why."""
    from copydesk_standalone import rules_command

    return rules_command.explain_rules(source, kind, url, style)


copydesk.add_command(taxonomy)


@copydesk.group(cls=HelpfulGroup)
def topics() -> None:
    """Create, compare and show the topics that Copydesk declares."""


_bootstrap_servers = click.option(
    "--bootstrap-servers", metavar="HOST:PORT,...",
    help="The brokers.  [default: the embedded broker, 127.0.0.1 and the Kafka port]",
)  # fmt: skip
_replication_factor = click.option(
    "--replication-factor", "copies", type=click.IntRange(1, 32_767), metavar="N",
    help="Copies of each partition.  [default: 3, or as many as there are brokers]",
)  # fmt: skip
_report_format = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)  # fmt: skip


@topics.command("apply")
@_bootstrap_servers
@_replication_factor
@click.option("--grow-partitions", is_flag=True, help="Also raise partition counts: keys move to other partitions.")
@click.option(
    "--all-configs", is_flag=True,
    help="Also undo what was set on purpose or keeps more: a shorter retention deletes records.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def topics_apply(
    bootstrap_servers: str | None, copies: int | None, grow_partitions: bool, all_configs: bool, dry_run: bool
) -> int:
    """Create the topics that are missing and mend those that differ.

    Always changed: what stops services (a cleanup policy that loses records, a limit too small for the largest
    message, a retry topic that keeps records for less than two days or to a size), and a retention that is a shorter
    default of the brokers. Left as it is: what an operator set on the topic and stops nothing, and what keeps more
    than declared, unless --all-configs. Partitions are added with --grow-partitions only. Settings other than those
    that it judges are never touched; nothing is deleted and no partition is taken away.

    Exit code: 0 services can start, 1 something is left that stops them, 2 the brokers cannot be used.
    """
    from copydesk_shared.topic_check import Option
    from copydesk_standalone.topics_command import apply, brokers_of

    given = {Option.GROW_PARTITIONS: grow_partitions, Option.ALL_CONFIGS: all_configs}
    options = {option for option, wanted in given.items() if wanted}
    return apply(brokers_of(settings_of(bootstrap_servers=bootstrap_servers)), copies, options, dry_run=dry_run)


@topics.command("diff")
@_bootstrap_servers
@_replication_factor
@_report_format
def topics_diff(bootstrap_servers: str | None, copies: int | None, style: str) -> int:
    """Show how the topics differ from what is declared, and what apply would do.

    A line that starts with BREAKING is one that services refuse to start with; one that starts with more tells of
    partitions that were added, which is no difference.

    Exit code: 0 no differences, 1 differences, 2 the brokers cannot be used.
    """
    from copydesk_standalone.topics_command import brokers_of, diff

    return diff(brokers_of(settings_of(bootstrap_servers=bootstrap_servers)), copies, style)


@topics.command("describe")
@_bootstrap_servers
@_replication_factor
@_report_format
@click.option("--declared", is_flag=True, help="Only what is declared; asks no broker.")
def topics_describe(bootstrap_servers: str | None, copies: int | None, style: str, declared: bool) -> int:
    """Show what is declared next to what the brokers have."""
    from copydesk_standalone.topics_command import brokers_of, describe, describe_declared

    if declared:
        return describe_declared(style)
    return describe(brokers_of(settings_of(bootstrap_servers=bootstrap_servers)), copies, style)


copydesk.add_command(replay)


@copydesk.group(cls=HelpfulGroup)
def index() -> None:
    """Look after the index that the REST feed is served from."""


@index.command("rebuild")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where data is kept.")
@click.option("--database-url", metavar="URL", help="This database, not SQLite in the data dir.")
@_bootstrap_servers
@click.option("--afresh", is_flag=True, help="Do not go on with a rebuild that was stopped.")
def index_rebuild(afresh: bool, **given: object) -> int:
    """Make the index anew from the topic, while the old one is served and written to.

    The new one takes its place in one step, once it has all that the old one has read. Stopped half way, the same
    command goes on where it stopped. Pollers of /v1/changes are told to begin again, as positions have changed.
    """
    from copydesk_standalone.index_command import rebuild

    return rebuild(settings_of(**given), afresh=afresh)


@copydesk.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where data is kept.")
@click.option("--database-url", metavar="URL", help="This database, not SQLite in the data dir.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def keys(arguments: tuple[str, ...], **given: object) -> int:
    """Make, list, rotate and remove API keys: `copydesk keys --help`."""
    from copydesk_standalone.keys_command import keys_of

    return keys_of(settings_of(**given), arguments)


copydesk.add_command(feeds)
copydesk.add_command(hosts)
copydesk.add_command(dead_letters)
copydesk.add_command(capacity)


@copydesk.command()
@click.argument("program", required=False, type=click.Choice(["fetcher", "cleaner", "classifier", "api", "standalone"]))
@_report_format
def settings(program: str | None, style: str) -> int:
    """Show the settings, of all programs or of one, with what they are by the variables of this shell.

    Secrets are not shown. Exit code: 0, or 2 after one line when a program would refuse what is set.
    """
    from copydesk_standalone.settings_command import show

    return show(program, style)


def _one_line(error: click.ClickException) -> str:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "copydesk"
    text = " ".join(error.format_message().split())
    return f"copydesk: error: {text} (see: {command} --help)"


def main() -> NoReturn:
    """Run the command; a person's mistake is one line on standard error and exit code 2."""
    try:
        code = copydesk.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 0
    except click.ClickException as error:
        click.echo(_one_line(error), err=True)
        code = EXIT_USER_ERROR
    except AlreadyToldError:
        code = EXIT_USER_ERROR
    except UserError as error:
        click.echo(f"copydesk: error: {error}", err=True)
        code = EXIT_USER_ERROR
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone: do not complain a second time at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        click.echo(f"copydesk: error: standard output: {(error.strerror or str(error)).lower()}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = EXIT_USER_ERROR
    sys.exit(code)
