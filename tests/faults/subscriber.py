"""Somebody who follows the API's change feed through all its restarts, and what the API says at the end."""

import json
from collections import Counter
from typing import Any

from tests.faults.pods import Pod, get


class Subscriber:
    """Polls ``/v1/changes`` from where the last answer ended. ``seen`` counts articles with their revision."""

    def __init__(self, api: Pod) -> None:
        self._api = api
        self._after: dict[str, object] = {}
        self.seen: Counter[tuple[str, int]] = Counter()
        self.urls: dict[str, str] = {}
        self.positions: list[int] = []

    def turn_to(self, api: Pod) -> None:
        """Go on at another replica, or another release."""
        self._api = api

    def poll(self) -> bool:
        """Take the next page of changes; whether there was one."""
        url = self._api.url("api")
        status, body = get(url, "/v1/changes", limit=200, **self._after) if url else (0, b"")
        if status == 0:
            return False
        assert status == 200, (status, body)
        page = json.loads(body)
        for change in page["items"]:
            assert change["kind"] == "article", change
            self.seen[change["article_id"], change["revision"]] += 1
            self.urls[change["article_id"]] = change["article"]["canonical_url"]
            self.positions.append(change["position"])
        self._after = {"after": page["next"]}
        return bool(page["items"])

    def __len__(self) -> int:
        return len(self.urls)

    def lost(self, urls: set[str]) -> set[str]:
        """Which of these were never in the feed."""
        return urls - set(self.urls.values())

    def duplicates(self) -> list[tuple[str, int]]:
        """What came twice without a new revision, and positions that did not rise."""
        again = [what for what, count in self.seen.items() if count > 1]
        return again + [
            ("position", at) for before, at in zip(self.positions, self.positions[1:], strict=False) if at <= before
        ]


def listed(api: Pod) -> list[dict[str, Any]]:
    """Every article of ``/v1/articles``, through all its pages."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, object] = {}
    while True:
        status, body = get(api.url("api"), "/v1/articles", limit=200, **cursor)
        assert status == 200, (status, body)
        page = json.loads(body)
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}
