"""``copydesk taxonomy list``, ``test``, ``lint`` and ``copy``."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from copydesk_classifier.drafts import drafts_of, joined
from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.folder import read_folder
from copydesk_classifier.lint import findings
from copydesk_classifier.own_tests import failures
from copydesk_classifier.tag_file import LexiconPart
from copydesk_classifier.taxonomy import PACKAGED, taxonomy_of
from copydesk_classifier.weights import load_fitted
from copydesk_shared.errors import InputError
from copydesk_standalone.taxonomy.places import folder_of, is_one_tag

EXIT_FAILED = 1
COLUMNS = ("tag", "version", "languages", "phrases", "rules", "tests", "threshold", "iptc", "label")


def list_tags(place: str | None, style: str) -> int:
    """Print the tags. Raises :class:`UserError`."""
    taxonomy = taxonomy_of(folder_of(place), is_tried=False)
    rows = list(_rows(taxonomy))
    if style == "json":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return 0
    cells = [{**row, "languages": ",".join(row["languages"]), "iptc": ",".join(row["iptc"])} for row in rows]
    _print_table([COLUMNS, *([str(row[column]) for column in COLUMNS] for row in cells)])
    click.echo(f"{counted(len(rows), 'tag')}, classifier {taxonomy.version}")
    return 0


def _rows(taxonomy: Taxonomy) -> Iterator[dict[str, Any]]:
    for tag in taxonomy.tags:
        yield {
            "tag": tag.id, "version": tag.file.version,
            "languages": [language for part in tag.lexica for language in part.languages],
            "phrases": sum(_phrases(part) for part in tag.lexica), "rules": sum(len(part.rules) for part in tag.lexica),
            "tests": sum(_tests(part) for part in tag.lexica), "threshold": taxonomy.threshold(tag),
            "iptc": list(tag.file.iptc), "label": tag.file.label, "description": tag.file.description,
        }  # fmt: skip


def _phrases(part: LexiconPart) -> int:
    return len({phrase for group in part.phrases for phrase in part.expand(group.any)})


def _tests(part: LexiconPart) -> int:
    return len(part.tests.positive) + len(part.tests.negative)


def _print_table(table: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def run_tests(place: str | None) -> int:
    """Run the tests in tag files; the exit code is 1 when one fails. Raises :class:`UserError` for a bad file."""
    folder = folder_of(place)
    drafts = drafts_of(folder)
    tags = joined(drafts)
    failed = list(failures(Taxonomy(tags, load_fitted(folder)), drafts))
    for failure in failed:
        click.echo(str(failure.complaint))
    total = sum(_tests(draft.part) for draft in drafts)
    result = f"{len(failed)} of {counted(total, 'test')} fail" if failed else f"{counted(total, 'test')} hold"
    click.echo(f"{counted(len(tags), 'tag')}: {result}")
    return EXIT_FAILED if failed else 0


def lint_tags(place: str | None, *, strict: bool) -> int:
    """Print what there is to say of tag files. Raises :class:`UserError` when they cannot be read."""
    folder = folder_of(place)
    errors = warnings = 0
    for finding in findings(folder, whole=not is_one_tag(place)):
        click.echo(f"{finding.text} ({'error' if finding.is_error else 'warning'})")
        errors, warnings = errors + finding.is_error, warnings + (not finding.is_error)
    click.echo(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}")
    return EXIT_FAILED if errors or (strict and warnings) else 0


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def copy_packaged(folder: Path) -> int:
    """Copy the packaged files to a folder, made if need be. Raises :class:`InputError`; then none is copied."""
    names = sorted(read_folder(PACKAGED).files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if taken := [name for name in names if (folder / name).exists()]:
            raise InputError(f"{folder / taken[0]}: is there already and stays as it is; nothing was copied")
        for name in names:
            shutil.copyfile(PACKAGED / name, folder / name)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    click.echo(f"{folder}: {counted(len(names), 'file')}; use them with COPYDESK_CLASSIFIER_TAXONOMY_DIR={folder}")
    return 0
