"""Rule files of an operator: read, and checked as ours are by the tests."""

from pathlib import Path

from copydesk_cleaner.rulebook.book import book_with
from copydesk_cleaner.rulebook.check import check_patterns, failures
from copydesk_cleaner.rulebook.files import Source, folder_sources
from copydesk_shared.errors import InputError


def checked_folder(folder: Path) -> tuple[Source, ...]:
    """The rule files of a folder, ready for use after our own.

    Raises :class:`InputError` with file and line for the first thing that is wrong, an example that fails included.
    """
    extra = folder_sources(folder)
    book = book_with(extra)
    names = [source.stem for source in extra]
    check_patterns(book, names)
    for failure in failures(book, names):
        raise InputError(str(failure))
    return extra
