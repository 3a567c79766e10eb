"""Which revision of an article was emitted last: an older one must not come after it."""

MOST_KEYS = 100_000


class Revisions:
    """The newest revision of each of the latest keys.

    A record that waited in a retry tier may be overtaken by a later revision of its article. Readers ignore it then,
    but compaction keeps the last record of a key, whatever its revision.
    """

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._newest: dict[bytes | None, int] = {}
        self._most_keys = most_keys

    def is_superseded(self, key: bytes | None, revision: int) -> bool:
        """Whether a later revision was seen; if not, this one is the newest from here on."""
        newest = self._newest.pop(key, revision)
        self._newest[key] = max(newest, revision)
        if len(self._newest) > self._most_keys:
            del self._newest[next(iter(self._newest))]
        return revision < newest
