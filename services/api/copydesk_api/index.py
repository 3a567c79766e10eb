"""The sink of ``articles.classified``: what the runner feeds and where it starts."""

from collections.abc import Iterable, Mapping, Sequence

from copydesk_api.store import GROUP, Store
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered
from copydesk_shared.topics import CLASSIFIED, Topic


class IndexSink:
    """Rows and source offsets go into one transaction, so the effects of each message are there exactly once."""

    name: str = GROUP
    source: Topic[ClassifiedArticle] = CLASSIFIED

    def __init__(self, store: Store) -> None:
        self._store = store

    def positions(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Where to go on reading. Raises :class:`Retryable`."""
        return self._store.positions(partitions)

    def write(self, changes: Sequence[Delivered[ClassifiedArticle]], next_offsets: Mapping[int, int]) -> None:
        """Blocks until the database has it. Raises :class:`Retryable`; then nothing was written."""
        self._store.write(changes, next_offsets)
