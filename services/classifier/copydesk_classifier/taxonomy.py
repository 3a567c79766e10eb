"""The taxonomy: a folder of tag files, checked, compiled and tried on their own tests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copydesk_classifier.drafts import drafts_of, joined
from copydesk_classifier.engine import ENGINE_VERSION, Taxonomy
from copydesk_classifier.folder import Folder, read_folder
from copydesk_classifier.own_tests import failures
from copydesk_classifier.weights import load_fitted

PACKAGED = Path(__file__).parent / "taxonomy"

__all__ = ["ENGINE_VERSION", "PACKAGED", "Taxonomy", "load_taxonomy", "taxonomy_of"]


def taxonomy_of(folder: Folder, *, is_tried: bool = True) -> Taxonomy:
    """The tags of these files. See :func:`load_taxonomy`; their tests are left out unless ``is_tried``."""
    with _uncollected():
        drafts = drafts_of(folder)
        taxonomy = Taxonomy(joined(drafts), load_fitted(folder))
        for failure in failures(taxonomy, drafts) if is_tried else ():
            raise failure.complaint
        return taxonomy


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing of what loading makes is garbage; looking for it again and again takes as long as all the rest."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_taxonomy(folder: Path | None = None) -> Taxonomy:
    """The tags of the files in a folder; ``None`` is the one that comes with the package.

    Each file's own tests run. Raises :class:`copydesk_shared.errors.InputError`, one line with file and line, for the
    first thing that is wrong.
    """
    return taxonomy_of(read_folder(PACKAGED if folder is None else folder))
