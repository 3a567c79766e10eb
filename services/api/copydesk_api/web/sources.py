"""The pages of the sources."""

from datetime import UTC, datetime

from copydesk_api.operating.freshness import SourceHealth, SourcePage, State, is_failing
from copydesk_api.web import plots
from copydesk_api.web.pages import render

SOURCES_SHOWN = 100
MEANINGS = {
    State.OK: "articles come as they did",
    State.LATE: "no article for longer than usual",
    State.SILENT: "no article for a week",
    State.FAILING: "none of its feeds can be polled",
    State.PAUSED: "all of its feeds are paused",
}


def sources_page(page: SourcePage, cursor: str | None, *, first: bool) -> str:
    """The page at ``/sources``."""
    return render(
        "sources.html",
        page=page,
        meanings=MEANINGS,
        first=first,
        next_href=f"/sources?cursor={cursor}" if cursor else None,
    )


def source_page(health: SourceHealth) -> str:
    """The page of one source."""
    days = [(f"{day:%d %b}", count) for day, count in health.days]
    return render(
        "source.html",
        health=health,
        source=health.source,
        meaning=MEANINGS[health.source.state],
        is_failing=is_failing,
        bars=plots.bars(days),
        width=plots.WIDTH,
        height=plots.HEIGHT,
        now=datetime.now(UTC),
    )
