"""Feeds from files and into files: OPML and ``feeds.yaml``."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from copydesk_fetcher.feeds_file import parse_feeds
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError
from copydesk_shared.feed_records import new
from copydesk_shared.letters.showing import printable
from copydesk_shared.messages import Feed
from copydesk_shared.opml import export_opml, for_a_file, import_opml
from copydesk_standalone.feeds.changing import refusal
from copydesk_standalone.feeds.registry import WRITER, Registry, read_registry, store
from copydesk_standalone.feeds.running import run
from copydesk_standalone.feeds.table import tell
from copydesk_standalone.letters.output import warn, write

LARGEST_FILE_BYTES = 16 * 1024 * 1024


def _read(file: Path) -> tuple[str, bytes]:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        if str(file) == "-":
            if sys.stdin is None:
                raise InputError("standard input is closed")
            content = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise InputError(f"{name}: larger than {LARGEST_FILE_BYTES // 1024 // 1024} MiB")
    return name, content


def _feeds(name: str, content: bytes) -> Sequence[Feed]:
    """The feeds of a file, OPML when it looks like XML. What is wrong with single ones goes to standard error."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        imported = import_opml(content, name)
        for warning in imported.warnings:
            warn(f"{name}: {printable(warning)}")
        return imported.feeds
    try:
        return parse_feeds(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text at byte {error.start}") from None


def _new(registry: Registry, feeds: Iterable[Feed]) -> tuple[list[Feed], list[str]]:
    added: list[Feed] = []
    passed: list[str] = []
    for feed in feeds:
        why = refusal(registry, feed)
        if why is None:
            added.append(feed)
        else:
            passed.append(why)
    return added, passed


def import_command(brokers: Brokers, file: Path, *, dry_run: bool) -> int:
    """Add the feeds of a file that are not there yet. Raises :class:`UserError`."""
    name, content = _read(file)
    found = _feeds(name, content)
    if not found:
        raise InputError(f"{name}: no feeds in it")

    async def bring_in() -> int:
        added, passed = _new(await read_registry(brokers, with_states=False), found)
        if not dry_run:
            await store(brokers, [new(feed, WRITER) for feed in added])
        for feed in added:
            tell(f"{'would add' if dry_run else 'added'} {feed.feed_id} ({feed.name}): {feed.url}")
        for why in passed:
            tell(f"passed over: {why}")
        tell(f"{len(added)} {'to add' if dry_run else 'added'}, {len(passed)} passed over")
        return 0

    return run(bring_in(), brokers)


def _as_yaml(feeds: Sequence[Feed]) -> str:
    """The feeds as a ``feeds.yaml``: what is as it would be anyway is left out."""
    listed = []
    for feed in feeds:
        said = {"url": feed.url, "name": feed.name, "id": feed.feed_id}
        if not feed.adapts:
            said["interval"] = f"{feed.interval_seconds}s"
        usual = Feed.model_fields
        for field in ("content", "kind", "off_site", "websub", "paused"):
            if getattr(feed, field) != usual[field].default:
                said[field] = getattr(feed, field)
        listed.append(said)
    return yaml.safe_dump({"feeds": listed}, allow_unicode=True, sort_keys=False)


def export_command(brokers: Brokers, style: str) -> int:
    """Write all feeds as OPML or YAML."""

    async def write_all() -> int:
        registry = await read_registry(brokers, with_states=False)
        feeds = [for_a_file(feed) for feed in registry.by_name()]
        write((export_opml(feeds) if style == "opml" else _as_yaml(feeds)).encode())
        return 0

    return run(write_all(), brokers)
