"""``copydesk rules``: the cleaner's rules listed, tested and explained."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from copydesk_cleaner.rulebook import Book, Source, book_with, shipped
from copydesk_cleaner.rulebook.files import folder_sources, read_source, shipped_path
from copydesk_cleaner.rulebook.schema import LeadEntry
from copydesk_shared.errors import HandlingError, InputError
from copydesk_shared.settings import load_settings

EXIT_FAILED = 1
SHOWN = 70
COLUMNS = ("id", "kind", "scope", "languages", "family", "provenance")
LEAD_KIND = "related-link"


def _setting() -> tuple[Source, ...]:
    """The operator's files, parsed but not tried."""
    from copydesk_cleaner.settings import CleanerSettings

    folder = load_settings(CleanerSettings).rules
    return folder_sources(folder) if folder is not None else ()


def list_rules(family: str | None, language: str | None, style: str) -> int:
    """Print the rules. Raises :class:`UserError`, also for a family or language that no rule has."""
    book = book_with(_setting())
    if family is not None and family not in book.families:
        raise InputError(f"no family is called {family!r}; there are: {', '.join(book.families)}")
    spoken = {name for row in _rows(book, book.families) for name in row["languages"]}
    if language is not None and language not in spoken:
        raise InputError(f"no rule has the language {language!r}; there are: {', '.join(sorted(spoken))}")
    rows = [row for row in _rows(book, [family] if family else book.families) if _speaks(row, language)]
    if not rows:
        raise InputError(f"no rule has the language {language!r}" + (f" in the family {family}" if family else ""))
    if style == "json":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return 0
    _print_table([{**row, "languages": ",".join(row["languages"])} for row in rows])
    return 0


def _speaks(row: dict[str, Any], language: str | None) -> bool:
    return language is None or bool({language, "any"} & set(row["languages"]))


def _rows(book: Book, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for file in book.files:
        if file.entry.family in names:
            for rule in book.rules(file.entry.family):
                yield {
                    "id": rule.id, "kind": rule.kind, "scope": rule.scope, "languages": list(rule.languages),
                    "family": rule.family, "provenance": rule.provenance, "about": rule.about,
                    "patterns": list(rule.patterns), "hit": [hit.text for hit in rule.hit],
                    "keep": [keep.text for keep in rule.keep], "file": file.source.name,
                }  # fmt: skip
            yield from (_lead_row(file.entry.family, file.source.name, lead) for lead in file.entry.leads)


def _lead_row(family: str, name: str, lead: LeadEntry) -> dict[str, Any]:
    about = "words before the headline of another story" + ("" if lead.sure else ", where the rest looks like one")
    return {
        "id": lead.words, "kind": LEAD_KIND, "scope": "lead", "languages": [lead.language], "family": family,
        "provenance": "", "about": about, "patterns": [], "hit": [hit.text for hit in lead.hit],
        "keep": [keep.text for keep in lead.keep], "file": name,
    }  # fmt: skip


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    table = [COLUMNS, *([str(row[column]) for column in COLUMNS] for row in rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(COLUMNS))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def test_rules(place: Path | None) -> int:
    """Run the examples of all rules, or of those of a file or folder.

    Prints each example that fails; the exit code is 1 when one does. Raises :class:`InputError` with file and line for
    a file that cannot be used.
    """
    from copydesk_cleaner.rulebook.check import check_patterns, failures

    book, names = _asked_for(place)
    check_patterns(book, names)
    failed = list(failures(book, names))
    for failure in failed:
        click.echo(str(failure))
    rules, leads = len(book.rules(*names)), sum(len(book.file(name).entry.leads) for name in names)
    total = sum(book.file(name).examples for name in names)
    result = f"{len(failed)} of {_counted(total, 'example')} fail" if failed else f"{_counted(total, 'example')} hold"
    click.echo(f"{_counted(rules, 'rule')}, {_counted(leads, 'lead')}: {result}")
    return EXIT_FAILED if failed else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _asked_for(place: Path | None) -> tuple[Book, Sequence[str]]:
    """The book that holds what is asked for, and the families to test."""
    if place is None:
        book = book_with(_setting())
        return book, book.families
    found = folder_sources(place) if place.is_dir() else (read_source(place),)
    ours = [source.stem for source in found if _is_ours(source)]
    if ours:
        return shipped(), ours
    return book_with(found), [source.stem for source in found]


def _is_ours(source: Source) -> bool:
    return Path(source.name).resolve() == shipped_path(source.stem).resolve()


def explain_rules(source: str, kind: str, url: str | None, style: str) -> int:
    """Print which rules fire on a page or text, in order. Raises :class:`UserError`."""
    from copydesk_cleaner.rulebook.explain import as_rows, explain
    from copydesk_standalone.oneshot import page_of

    try:
        firings = explain(page_of(source, kind, url), book_with(_setting()))
    except HandlingError as error:
        raise InputError(f"{source}: {error}") from None
    if style == "json":
        for row in as_rows(firings):
            click.echo(json.dumps(row, ensure_ascii=False))
        return 0
    for number, firing in enumerate(firings, 1):
        where = f"line {firing.line}, {firing.start}-{firing.end}"
        click.echo(f"{number:>3}  {firing.rule}  {firing.kind}  {where}  {_shown(firing.text)}")
        click.echo(f"     {firing.place}: {firing.why}")
    if not firings:
        click.echo("no rule fires")
    return 0


def _shown(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…")
