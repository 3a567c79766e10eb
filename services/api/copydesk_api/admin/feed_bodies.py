"""What is sent and answered about feeds."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from copydesk_api.admin.router import Body
from copydesk_api.operating.feed_table import Polled
from copydesk_api.parameters import DEFAULT_LIMIT, Parameters
from copydesk_api.values import CursorText, Visible, WebUrl, without_fraction
from copydesk_shared.feed_records import Known
from copydesk_shared.feeds import (
    DURATION,
    FEED_ID,
    LONGEST_INTERVAL_SECONDS,
    NAME_CHARACTERS,
    SHORTEST_INTERVAL_SECONDS,
)

MAX_FEEDS = 1000
CALLS = ("export", "import")  # /v1/feeds/export is no feed
_LIMITS = {"minimum": SHORTEST_INTERVAL_SECONDS, "maximum": LONGEST_INTERVAL_SECONDS}
_DURATION = {"pattern": f"^{DURATION.pattern}$"}
# What they are is told by shared.feeds, for files and commands as well; here it is told of.
Interval = Annotated[
    Annotated[StrictInt, Field(json_schema_extra=_LIMITS)]
    | Annotated[StrictStr, Field(json_schema_extra=_DURATION)]
    | None,
    BeforeValidator(without_fraction),
    Field(description="Time between two polls: 15m, or 900 seconds. Left out: it adapts to how often there is news."),
]


def _free(value: str) -> str:
    if value in CALLS:
        raise ValueError(f"{' and '.join(CALLS)} are calls, not ids")
    return value


class FeedChange(Body):
    """What is to be another one; what is left out stays."""

    name: Annotated[Visible, Field(max_length=NAME_CHARACTERS)] | None = Field(
        default=None, description="A name for people."
    )
    interval: Interval = None
    content: Literal["auto", "page", "feed"] | None = Field(default=None, description="Where texts are taken from.")
    kind: Literal["auto", "feed", "sitemap", "site"] | None = Field(default=None, description="What the URL leads to.")
    off_site: Literal["drop", "follow"] | None = Field(
        default=None, description="What becomes of links to other registrable domains."
    )
    websub: StrictBool | None = Field(default=None, description="Whether to subscribe to its hub.")
    paused: StrictBool | None = Field(default=None, description="Not polled until it is resumed.")

    def told(self) -> dict[str, Any]:
        """What was given, by the keys of a ``feeds.yaml``."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class NewFeed(FeedChange):
    """A feed that is wanted. Without a name it has that of its domain."""

    url: WebUrl = Field(description="An http or https URL of a feed, a sitemap or a site.")
    id: Annotated[str, Field(json_schema_extra={"pattern": f"^{FEED_ID.pattern}$"}), AfterValidator(_free)] | None = (
        Field(default=None, description="An id of one's own, instead of a digest of the URL.")
    )


class FeedState(BaseModel):
    """How polling goes."""

    last_poll_at: AwareDatetime | None
    last_success_at: AwareDatetime | None
    next_poll_at: AwareDatetime | None
    interval_seconds: float | None = Field(description="As it is now, for a feed whose interval adapts.")
    entries_seen: int
    failures: int = Field(description="Polls that failed since the last one that did not.")
    failing_since: AwareDatetime | None
    last_error: str | None
    disabled: str | None = Field(description="Why it is not polled any more; resuming it tries again.")
    warning: str | None


class FeedItem(BaseModel):
    """A feed as it is defined, and how polling it goes."""

    feed_id: str
    url: str
    moved_from: str | None = Field(description="Where it was, before a permanent redirect moved it.")
    name: str
    interval_seconds: int
    adapts: bool = Field(description="Whether the interval follows how often there is news.")
    content: Literal["auto", "page", "feed"]
    kind: Literal["auto", "feed", "sitemap", "site"]
    off_site: Literal["drop", "follow"]
    websub: bool
    paused: bool
    from_file: bool = Field(description="Whether a feeds file brought it; it comes back with the file.")
    state: FeedState | None = Field(description="Nothing before the first poll.")


class FeedList(BaseModel):
    """A page of feeds, by id; ``next`` is ``null`` on the last one."""

    items: list[FeedItem]
    next: str | None = Field(description="The cursor of the next page.")


class ImportedFeeds(BaseModel):
    """What became of the feeds of a file."""

    added: list[FeedItem] = Field(description="In the order of the file; with dry_run those that would be added.")
    passed_over: list[str] = Field(description="Why each of the others was not added: it is there already.")
    warnings: list[str] = Field(description="What of the file cannot be used, a line each.")


class FeedsParameters(Parameters):
    """A page of the feeds."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_FEEDS, description="How many feeds at most.")] = DEFAULT_LIMIT
    failing: Annotated[bool, Field(description="Only those that fail, are disabled or have a warning.")] = False


class ImportParameters(Parameters):
    """How a file is brought in."""

    dry_run: Annotated[bool, Field(description="Only say what would be added.")] = False


def is_failing(polled: Polled | None) -> bool:
    """Whether a person should look at the feed."""
    return polled is not None and bool(polled.failures or polled.disabled or polled.warning)


def feed_item(known: Known, polled: Polled | None) -> FeedItem:
    """The feed as the calls show it."""
    state = None if polled is None else FeedState.model_validate(polled, from_attributes=True)
    told: Mapping[str, Any] = known.feed.model_dump()
    return FeedItem(**told, from_file=known.from_file, state=state)
