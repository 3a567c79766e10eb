"""Adding, pausing, resuming and removing feeds."""

from collections.abc import Mapping, Sequence

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError
from copydesk_shared.feed_records import changed, new, taken_away
from copydesk_shared.feeds import FieldError, feed_of
from copydesk_shared.letters.showing import printable
from copydesk_shared.messages import Feed, FeedState
from copydesk_standalone.feeds.registry import WRITER, Registry, read_registry, store
from copydesk_standalone.feeds.running import run
from copydesk_standalone.feeds.spelling import spelt_out
from copydesk_standalone.feeds.table import cut, tell

DONE = {True: "paused", False: "resumed"}
NOT_DONE = {True: "paused already:", False: "polled already:"}
PROBLEM_CHARACTERS = 300
KEYS = {"feed_id": "id"}
OPTIONS = {"id": "--id", "off_site": "--off-site", "url": "URL"}


def _feed(given: Mapping[str, object]) -> Feed:
    """The feed of the options that were given. Raises :class:`InputError` that names the option."""
    try:
        return feed_of({KEYS.get(name, name): value for name, value in given.items() if value is not None})
    except FieldError as error:
        option = OPTIONS.get(error.key, f"--{error.key}")
        raise InputError(f"{option}: {cut(error.problem, PROBLEM_CHARACTERS)}") from None


def refusal(registry: Registry, feed: Feed) -> str | None:
    """Why this feed cannot be added: its URL or its id is taken."""
    for there in registry.at(feed.url):
        return f"{feed.url} is there already, as feed {there.feed.feed_id!r} ({printable(there.feed.name)})"
    if feed.feed_id in registry.feeds:
        return f"the id {feed.feed_id!r} is taken by {printable(registry.feeds[feed.feed_id].feed.url)}"
    return None


def add_command(brokers: Brokers, given: Mapping[str, object]) -> int:
    """Add one feed. Raises :class:`UserError` when it is there already."""
    feed = _feed({**given, "url": spelt_out(str(given["url"]))})

    async def add() -> int:
        registry = await read_registry(brokers, with_states=False)
        why = refusal(registry, feed)
        if why is not None:
            raise InputError(why)
        await store(brokers, [new(feed, WRITER)])
        tell(f"added {_called(feed)}: {feed.url}")
        return 0

    return run(add(), brokers)


def pause_command(brokers: Brokers, wanted: Sequence[str], *, paused: bool) -> int:
    """Pause feeds, or resume them. Raises :class:`UserError` for one that is not there, before any is changed."""

    async def change() -> int:
        registry = await read_registry(brokers)
        found = {known.feed.feed_id: known for known in map(registry.of, wanted)}
        ours = {key for key, known in found.items() if _changes(known.feed, registry.states.get(key), paused=paused)}
        await store(brokers, [changed(found[key], _with(found[key].feed, paused=paused), WRITER) for key in ours])
        for key, known in found.items():
            tell(f"{(DONE if key in ours else NOT_DONE)[paused]} {_called(known.feed)}")
        return 0

    return run(change(), brokers)


def _changes(feed: Feed, state: FeedState | None, *, paused: bool) -> bool:
    """Whether there is something to do. A definition that comes again lifts what disabled the feed."""
    return feed.paused != paused or (not paused and state is not None and state.disabled is not None)


def _with(feed: Feed, *, paused: bool) -> Feed:
    return feed.model_copy(update={"paused": paused})


def _called(feed: Feed) -> str:
    return f"{feed.feed_id} ({feed.name})"


def remove_command(brokers: Brokers, wanted: Sequence[str]) -> int:
    """Remove feeds. Raises :class:`UserError` for one that is not there, before any is removed."""

    async def remove() -> int:
        registry = await read_registry(brokers, with_states=False)
        found = {each.feed.feed_id: each for each in map(registry.of, wanted)}
        await store(brokers, [taken_away(each, WRITER) for each in found.values()])
        for each in found.values():
            tell(f"removed {_called(each.feed)}")
            if each.from_file:
                tell("  it came from a feeds file: it comes back with the next start if it is still in there")
        return 0

    return run(remove(), brokers)
