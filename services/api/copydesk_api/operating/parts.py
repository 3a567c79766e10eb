"""What the pages and calls about operating know."""

from dataclasses import dataclass, field

from copydesk_api.operating.dead_letters import DeadLetters
from copydesk_api.operating.feed_table import Feeds
from copydesk_api.operating.outlet import Outlet
from copydesk_api.operating.pipeline import Pipeline


@dataclass
class Operating:
    """What is followed while the service runs, of which nothing is known at first; and dead letters, with brokers."""

    feeds: Feeds = field(default_factory=Feeds)
    outlet: Outlet = field(default_factory=Outlet)
    pipeline: Pipeline = field(default_factory=Pipeline)
    letters: DeadLetters | None = None
