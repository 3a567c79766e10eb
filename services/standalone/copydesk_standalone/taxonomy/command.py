"""The ``copydesk taxonomy`` commands: their options. The work is in the modules beside it."""

from pathlib import Path

import click

from copydesk_standalone.feeds.command import InOrder

_as_table = click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="A table, or a line of JSON for each.",
)  # fmt: skip
_as_text = click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For people, or lines of JSON.",
)  # fmt: skip
_place = click.argument("place", required=False, metavar="[FOLDER|FILE]")


@click.group(cls=InOrder)
def taxonomy() -> None:
    """See, check, begin, explain and compare the tags.

    A FOLDER holds tag files; `packaged` is the one that comes with Copydesk. Without one it is that of
    COPYDESK_CLASSIFIER_TAXONOMY_DIR, or else the packaged one. A FILE is one of its tags.

    Exit code: 0, or 2 with one line that says what is wrong; `lint`, `test`, `diff` and `shadow` have a 1 of their own.
    """


@taxonomy.command("list")
@_place
@_as_table
def list_(place: str | None, style: str) -> int:
    """List the tags: version, languages, phrases, tests, threshold and IPTC codes."""
    from copydesk_standalone.taxonomy.checking import list_tags

    return list_tags(place, style)


@taxonomy.command()
@_place
def test(place: str | None) -> int:
    """Run the tests in the tag files; each one that fails is a line with its file and line.

    Exit code: 0 all hold, 1 some fail, 2 a file cannot be used.
    """
    from copydesk_standalone.taxonomy.checking import run_tests

    return run_tests(place)


@taxonomy.command()
@_place
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def lint(place: str | None, strict: bool) -> int:
    """Tell everything that is wrong with tag files, and what they lack.

    An error keeps the classifier from taking the folder; a warning does not.

    Exit code: 0 no errors (with --strict: nothing at all), 1 some, 2 the folder cannot be read.
    """
    from copydesk_standalone.taxonomy.checking import lint_tags

    return lint_tags(place, strict=strict)


@taxonomy.command()
@click.argument("tag")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
              show_default=True, help="Where to write it.")  # fmt: skip
@click.option("--language", default="en", show_default=True, help="The language of its phrases.")
def new(tag: str, folder: Path, language: str) -> int:
    """Write the file of a new tag, TAG.yaml, with comments on what to fill in. It overwrites nothing."""
    from copydesk_classifier.new_tag import write_new

    path = write_new(tag, folder, language)
    click.echo(f"{path}: fill it in, then: copydesk taxonomy lint {path}")
    return 0


@taxonomy.command()
@click.argument("folder", type=click.Path(path_type=Path))
def copy(folder: Path) -> int:
    """Copy the packaged tag files to a folder of your own, to change them and add to them. It overwrites nothing."""
    from copydesk_standalone.taxonomy.checking import copy_packaged

    return copy_packaged(folder)


@taxonomy.command()
@click.argument("source", default="-", metavar="[FILE|-]")
@click.option("--taxonomy", "place", metavar="FOLDER|FILE", help="The tags to use.")
@click.option("--tag", "only", multiple=True, metavar="TAG", help="Only this tag. Can be given again.")
@_as_text
def explain(source: str, place: str | None, only: tuple[str, ...], style: str) -> int:
    """Show what fires in an article, where, and what silenced it: plain text, or the JSON of `copydesk clean`.

    Every tag of which a phrase or rule fires is shown, those below their threshold too.
    """
    from copydesk_standalone.taxonomy.explaining import explain_article

    return explain_article(source, place, only, style)


@taxonomy.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("articles", metavar="ARTICLES")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Titles shown of each kind.")
@_as_text
def diff(old: str, new: str, articles: str, limit: int, style: str) -> int:
    """Tell which tags articles gain and lose by NEW in place of OLD: two folders, or `packaged` for one of them.

    ARTICLES is a file with the JSON of articles one after another (as `copydesk clean` prints them, or a line each),
    `-` for standard input, or a folder of such files (.json, .jsonl, .ndjson) and plain texts (.txt).

    Exit code: 0 no difference, 1 differences, 2 something cannot be used.
    """
    from copydesk_standalone.taxonomy.comparing import compare

    return compare(old, new, articles, limit, style)


@taxonomy.command()
@click.option(
    "--bootstrap-servers", metavar="HOST:PORT,...", help="The brokers.  [default: those of `copydesk up`]"
)  # fmt: skip
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Titles shown of each kind.")
@_as_text
def shadow(bootstrap_servers: str | None, limit: int, style: str) -> int:
    """Tell which tags the taxonomy on trial (COPYDESK_CLASSIFIER_SHADOW_TAXONOMY) gives and takes away.

    Articles count for which the newest candidate and the live tags are in Kafka, each with its own topic.

    Exit code: 0 no difference, 1 differences, 2 nothing is on trial, or the brokers cannot be used.
    """
    from copydesk_standalone.settings import settings_of
    from copydesk_standalone.taxonomy.shadowing import compare_shadow

    return compare_shadow(settings_of(bootstrap_servers=bootstrap_servers).brokers, limit, style)


@taxonomy.command()
@click.argument("tag")
@click.argument("labelled", metavar="FILE.jsonl", type=click.Path(path_type=Path))
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True,
              help="Your folder of tag files; TAG.head.json is written there.")  # fmt: skip
def train(tag: str, labelled: Path, folder: Path) -> int:
    """Train a head for a tag on labelled texts: a linear model that adds to the score of its words.

    Each line of the file is JSON with `text`, `tags` (all that the text should get) and if you like `title` and
    `language`; at least 20 texts with the tag and 20 without. Where the tag's file says `threshold: auto`, the
    threshold is fitted too, and written to weights.json.
    """
    from copydesk_standalone.taxonomy.learning import train_head

    return train_head(tag, labelled, folder)


@taxonomy.command("eval")
@click.argument("labelled", metavar="FILE.jsonl", type=click.Path(path_type=Path))
@click.option("--taxonomy", "place", metavar="FOLDER|FILE", help="The tags to use.")
@click.option("--tag", "only", multiple=True, metavar="TAG", help="Only this tag. Can be given again.")
@click.option("--calibrate", is_flag=True, help="Fit probabilities to these texts: writes calibration.json.")
@_as_text
def evaluate_tags(labelled: Path, place: str | None, only: tuple[str, ...], calibrate: bool, style: str) -> int:
    """Tell how well tags do on labelled texts (see `train`): precision, recall, F1, average precision, Brier score.

    Without --tag those that any text of the file is labelled with.
    """
    from copydesk_standalone.taxonomy.learning import evaluate

    return evaluate(labelled, place, only, style, calibrate=calibrate)
