"""Another taxonomy while the classifier runs: a folder of tag files is looked at again and again.

What counts is the content, whichever way it changed: files edited in place, or a mounted ConfigMap, whose files are
links through ``..data``, which is swapped. A change counts when two looks in a row find the same, so that nobody's
half-written file is loaded.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.folder import Folder, read_folder
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_shared.errors import InputError
from copydesk_shared.renewals import Renewals, mended, refused
from copydesk_shared.service import Service
from copydesk_shared.stage import Stage

Found_co = TypeVar("Found_co", covariant=True)


class Watcher:
    """Looks at a folder for tags other than those in use, which were loaded from ``folder``."""

    def __init__(self, folder: Folder, version: str) -> None:
        self._path = folder.path
        self.version = version
        self._settled = self._seen = folder.digest
        self._is_refused = False

    def look(self) -> Taxonomy | None:
        """The tags that are to be used from now on, if they are others, loaded and tried on their tests.

        Raises :class:`InputError`, once for each state of the folder, when they cannot be used. Takes as long as
        loading does.
        """
        try:
            folder = read_folder(self._path)
        except InputError as error:
            if self._is_news(f"unreadable: {error}"):
                self._is_refused = True
                raise
            return None
        if not self._is_news(folder.digest):
            return None
        was_refused, self._is_refused = self._is_refused, True
        taxonomy = taxonomy_of(folder)
        self._is_refused = False
        if taxonomy.version == self.version:
            if was_refused:
                mended(self.version)
            return None
        self.version = taxonomy.version
        return taxonomy

    def _is_news(self, state: str) -> bool:
        """Whether the folder was in this state at the look before too, and nothing was made of it yet."""
        has_stayed = state == self._seen
        self._seen = state
        if not has_stayed or state == self._settled:
            return False
        self._settled = state
        return True


class Looks(Protocol[Found_co]):
    """A watcher: ``look`` gives what is to be used from now on, if that is something else, as :class:`Watcher` does."""

    @property
    def version(self) -> str:
        """Of what is in use."""

    def look(self) -> Found_co | None:
        """Raises :class:`InputError` for what cannot be used."""


def renewals_of(watcher: Looks[Found_co], stage_of: Callable[[Found_co], Stage[Any, Any]], seconds: float) -> Renewals:
    """The stage with other tags whenever the watcher finds some; it is asked so often."""

    async def renewals(service: Service) -> AsyncIterator[Stage[Any, Any]]:
        while not service.stopping.is_set():
            await service.pause(seconds)
            version = watcher.version
            try:
                found = await asyncio.to_thread(watcher.look)
            except InputError as error:
                refused(service.name, version, str(error))
                continue
            if found is not None:
                yield stage_of(found)

    return renewals
