"""The parsers' names in one place."""

from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import Child, IsHtml, NotAFeed, ParsedEntry, ParsedFeed
from copydesk_fetcher.parsing.worker import FeedParser

__all__ = ["Child", "FeedParser", "IsHtml", "NotAFeed", "ParsedEntry", "ParsedFeed", "parse_feed"]
