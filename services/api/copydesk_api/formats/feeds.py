"""The formats of feeds by their paths."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from copydesk_api.formats.atom import ATOM_TYPE, atom
from copydesk_api.formats.json_feed import JSON_FEED_TYPE, json_feed
from copydesk_api.formats.rss import RSS_TYPE, rss
from copydesk_api.formats.selection import Selection


@dataclass(frozen=True)
class FeedFormat:
    """A media type, and what writes it."""

    media_type: str
    write: Callable[[Selection], bytes]


def _json_feed(selection: Selection) -> bytes:
    return json.dumps(json_feed(selection), ensure_ascii=False).encode()


FORMATS: Mapping[str, FeedFormat] = {
    "/v1/feed.json": FeedFormat(JSON_FEED_TYPE, _json_feed),
    "/v1/feed.atom": FeedFormat(ATOM_TYPE, atom),
    "/v1/feed.rss": FeedFormat(RSS_TYPE, rss),
}
