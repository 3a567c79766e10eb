"""The ``copydesk feeds`` and ``copydesk hosts`` commands: their options. The work is in the modules beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from copydesk_shared.messages import Feed
from copydesk_standalone.settings import settings_of

Command = Callable[..., Any]

_place = click.option(
    "--bootstrap-servers", metavar="HOST:PORT,...", help="The brokers.  [default: those of `copydesk up`]"
)
_style = click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="A table, or a line of JSON for each.",
)  # fmt: skip
_wanted = click.argument("feed", nargs=-1, required=True, metavar="ID|URL...")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")


def _choices(field: str) -> click.Choice[str]:
    return click.Choice(get_args(Feed.model_fields[field].annotation))


def _brokers(servers: str | None) -> Any:
    from copydesk_standalone.topics_command import brokers_of

    return brokers_of(settings_of(bootstrap_servers=servers))


class InOrder(click.Group):
    """Shows the commands in the order a newcomer needs them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder)
def feeds() -> None:
    """See and change which feeds are polled.

    Changes count within seconds, while everything runs.

    Exit code: 0, or 2 with one line that says what is wrong; `check` has its own.
    """


@feeds.command()
@click.argument("url")
@click.option("--id", "feed_id", metavar="ID", help="A name for commands and metrics.  [default: made of the URL]")
@click.option("--name", help="The publisher's name for people.  [default: the domain]")
@click.option("--interval", metavar="DURATION", help="Poll this often: 15m, 2h.  [default: as often as it has news]")
@click.option("--content", type=_choices("content"), help="Where the text is taken from.  [default: auto]")
@click.option("--kind", type=_choices("kind"), help="What the URL leads to.  [default: auto]")
@click.option("--off-site", type=_choices("off_site"), help="What becomes of links to other sites.  [default: drop]")
@click.option("--no-websub", "websub", is_flag=True, flag_value=False, default=None, help="Subscribe to no hub.")
@_place
def add(url: str, bootstrap_servers: str | None, **given: Any) -> int:
    """Poll a feed, a sitemap or a site from now on.

    A site is asked for its feeds. See what would come of it with `copydesk feeds check URL`.
    """
    from copydesk_standalone.feeds.changing import add_command

    return add_command(_brokers(bootstrap_servers), {"url": url, **given})


@feeds.command("list")
@click.option("--failing", is_flag=True, help="Only those that fail, are disabled or have a warning.")
@click.option("--urls", is_flag=True, help="With their URLs.")
@_style
@_place
def list_(bootstrap_servers: str | None, style: str, failing: bool, urls: bool) -> int:
    """List the feeds and how they go.

    An interval with ~ adapts to how often the feed has news. States: new (not polled yet), ok, warning (read, with
    faults), failing (polls in a row that failed), disabled (given up: `resume` tries again), paused.
    """
    from copydesk_standalone.feeds.listing import list_command

    return list_command(_brokers(bootstrap_servers), style, failing=failing, urls=urls)


@feeds.command()
@_wanted
@_style
@_place
def show(feed: tuple[str, ...], bootstrap_servers: str | None, style: str) -> int:
    """Show all that is known of feeds.

    A feed is named by its id or its URL, also by the one it had before it moved.
    """
    from copydesk_standalone.feeds.listing import show_command

    return show_command(_brokers(bootstrap_servers), feed, style)


@feeds.command()
@_wanted
@_place
def pause(feed: tuple[str, ...], bootstrap_servers: str | None) -> int:
    """Poll feeds no more until they are resumed.

    What was fetched stays, and what is known of them too.
    """
    from copydesk_standalone.feeds.changing import pause_command

    return pause_command(_brokers(bootstrap_servers), feed, paused=True)


@feeds.command()
@_wanted
@_place
def resume(feed: tuple[str, ...], bootstrap_servers: str | None) -> int:
    """Poll feeds again, now.

    Those that were paused, and those that were disabled because they were gone or failed for long.
    """
    from copydesk_standalone.feeds.changing import pause_command

    return pause_command(_brokers(bootstrap_servers), feed, paused=False)


@feeds.command()
@_wanted
@_place
def remove(feed: tuple[str, ...], bootstrap_servers: str | None) -> int:
    """Poll feeds no more and forget them.

    What was fetched stays. A feed of a feeds file comes back at the next start unless it is taken out there.
    """
    from copydesk_standalone.feeds.changing import remove_command

    return remove_command(_brokers(bootstrap_servers), feed)


@feeds.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@_dry_run
@_place
def import_(file: Path, bootstrap_servers: str | None, dry_run: bool) -> int:
    """Add the feeds of an OPML file or a feeds.yaml.

    FILE may be - for standard input. Feeds that are there already stay as they are, and what cannot be taken from an
    OPML file is named, a line each; a feeds.yaml with a mistake is refused as a whole.
    """
    from copydesk_standalone.feeds.exchange import import_command

    return import_command(_brokers(bootstrap_servers), file, dry_run=dry_run)


@feeds.command()
@click.option("--format", "style", type=click.Choice(["opml", "yaml"]), default="opml", show_default=True)
@_place
def export(bootstrap_servers: str | None, style: str) -> int:
    """Write all feeds to standard output.

    OPML has names and URLs for other feed readers, yaml has all that `copydesk feeds import` and --feeds understand.
    """
    from copydesk_standalone.feeds.exchange import export_command

    return export_command(_brokers(bootstrap_servers), style)


@feeds.command()
@click.argument("url")
@click.option("--entries", type=click.IntRange(0, 1000), default=5, show_default=True, help="Show so many entries.")
@_style
def check(url: str, entries: int, style: str) -> int:
    """Say what would become of a URL, and why not.

    Asks for it as the fetcher would, needs no brokers and changes nothing.

    Exit code: 0 it could be polled or fetched, 1 it could not, 2 the URL or a setting cannot be used.
    """
    from copydesk_standalone.feeds.checking import check_command

    return check_command(url, entries, style)


@click.group(cls=InOrder)
def hosts() -> None:
    """See how the publishers' hosts are treated."""


@hosts.command("list")
@click.option("--held", is_flag=True, help="Only those that asked to be left alone.")
@_style
@_place
def hosts_list(bootstrap_servers: str | None, style: str, held: bool) -> int:
    """List the hosts, the longest queue first.

    A host is a registrable domain. For each: articles that wait, the delay between two requests, how long it is left
    alone because it asked for that, its last status, the last request, requests so far, and what is wrong.
    """
    from copydesk_standalone.feeds.listing import hosts_command

    return hosts_command(_brokers(bootstrap_servers), style, held=held)
