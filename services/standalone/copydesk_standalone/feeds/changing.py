"""Adding, pausing, resuming and removing feeds."""

from collections.abc import Mapping, Sequence

from copydesk_fetcher.feeds_file import FieldError, feed_of
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError
from copydesk_shared.messages import Feed
from copydesk_standalone.feeds.registry import Registry, put, read_registry, store, taken_away
from copydesk_standalone.letters.output import run, say

KEYS = {"feed_id": "id"}
OPTIONS = {"id": "--id", "off_site": "--off-site", "url": "URL"}


def _feed(given: Mapping[str, object]) -> Feed:
    """The feed of the options that were given. Raises :class:`InputError` that names the option."""
    try:
        return feed_of({KEYS.get(name, name): value for name, value in given.items() if value is not None})
    except FieldError as error:
        raise InputError(f"{OPTIONS.get(error.key, f'--{error.key}')}: {error.problem}") from None


def refusal(registry: Registry, feed: Feed) -> str | None:
    """Why this feed cannot be added: its URL or its id is taken."""
    there = registry.at(feed.url)
    if there is not None:
        return f"{feed.url} is polled already, as feed {there.feed.feed_id!r} ({there.feed.name})"
    if feed.feed_id in registry.feeds:
        return f"the id {feed.feed_id!r} is taken by {registry.feeds[feed.feed_id].feed.url}"
    return None


def add_command(brokers: Brokers, given: Mapping[str, object]) -> int:
    """Add one feed. Raises :class:`UserError` when it is there already."""
    feed = _feed(given)

    async def add() -> int:
        registry = await read_registry(brokers, with_states=False)
        why = refusal(registry, feed)
        if why is not None:
            raise InputError(why)
        await store(brokers, [put(feed)])
        say(f"added {feed.feed_id} ({feed.name}): {feed.url}")
        return 0

    return run(add(), brokers)


def pause_command(brokers: Brokers, wanted: Sequence[str], *, paused: bool) -> int:
    """Pause feeds, or resume them. Raises :class:`UserError` for one that is not there, before any is changed."""

    async def change() -> int:
        registry = await read_registry(brokers)
        found = {each.feed.feed_id: each.feed for each in map(registry.of, wanted)}
        changed = []
        for feed in found.values():
            disabled = state.disabled if (state := registry.states.get(feed.feed_id)) else None
            if feed.paused == paused and (paused or not disabled):
                say(f"{feed.feed_id} ({feed.name}) is {'paused' if paused else 'polled'} already")
            else:
                changed.append(feed.model_copy(update={"paused": paused}))
        await store(brokers, [put(feed) for feed in changed])
        for feed in changed:
            say(f"{'paused' if paused else 'resumed'} {feed.feed_id} ({feed.name})")
        return 0

    return run(change(), brokers)


def remove_command(brokers: Brokers, wanted: Sequence[str]) -> int:
    """Remove feeds. Raises :class:`UserError` for one that is not there, before any is removed."""

    async def remove() -> int:
        registry = await read_registry(brokers, with_states=False)
        found = {each.feed.feed_id: each for each in map(registry.of, wanted)}
        await store(brokers, [taken_away(each) for each in found.values()])
        for each in found.values():
            say(f"removed {each.feed.feed_id} ({each.feed.name})")
            if each.from_file:
                say("  it came from a feeds file: it comes back with the next start if it is still in there")
        return 0

    return run(remove(), brokers)
