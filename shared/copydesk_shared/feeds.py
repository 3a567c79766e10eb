"""What a feed may be set to, whoever defines it: a file, a command or a call."""

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from copydesk_shared.identity import canonical_url, registrable_domain, short_digest
from copydesk_shared.messages import Feed
from copydesk_shared.urls import plain_url

SHORTEST_INTERVAL_SECONDS = 1
LONGEST_INTERVAL_SECONDS = 7 * 24 * 3600
DEFAULT_INTERVAL_SECONDS = 900
UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"([0-9]{1,9})\s?([smhd]?)", re.ASCII)
FEED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
NAME_CHARACTERS = 200


class FieldError(ValueError):
    """A value of a feed that cannot be used: under which key, and what is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem


def parse_duration(value: object) -> int:
    """Seconds of ``30s``, ``15m``, ``2h``, ``1d`` or a plain number. Raises ``ValueError`` that says what is wrong."""
    match = DURATION.fullmatch(str(value).strip()) if isinstance(value, int | str) and value is not True else None
    if match is None or value is False:
        raise ValueError(f"{value!r} is not a duration such as 30s, 15m, 2h or 900")
    seconds = int(match[1]) * UNIT_SECONDS[match[2]]
    if not SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS:
        raise ValueError(f"{value!r} is not between {SHORTEST_INTERVAL_SECONDS}s and 7d")
    return seconds


def _feed_url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a URL")  # noqa: TRY004 - one kind of complaint for the whole table
    if "@" in urlsplit(value).netloc:
        raise ValueError("a URL with a user name or password in it is not taken: it would be published in a topic")
    return plain_url(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_CHARACTERS:
        raise ValueError(f"{str(value)[:50]!r} is not a name of 1 to {NAME_CHARACTERS} characters")
    return " ".join(value.split())


def _id(value: object) -> str:
    if not isinstance(value, str) or not FEED_ID.fullmatch(value):
        raise ValueError(f"{str(value)[:80]!r} is not an id: letters, digits, '.', '_' and '-', 64 characters at most")
    return value


def _choice(field: str) -> Callable[[object], str]:
    choices = get_args(Feed.model_fields[field].annotation)

    def check(value: object) -> str:
        if value not in choices:
            raise ValueError(f"{str(value)[:50]!r} is none of {', '.join(choices)}")
        return str(value)

    return check


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{str(value)[:50]!r} is neither true nor false")  # noqa: TRY004 - as above
    return value


FIELDS: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "url": ("url", _feed_url),
    "name": ("name", _name),
    "interval": ("interval_seconds", parse_duration),
    "content": ("content", _choice("content")),
    "id": ("feed_id", _id),
    "kind": ("kind", _choice("kind")),
    "off_site": ("off_site", _choice("off_site")),
    "websub": ("websub", _flag),
    "paused": ("paused", _flag),
}


def feed_of(told: Mapping[str, object]) -> Feed:
    """The feed of these values, by the keys of a ``feeds.yaml``; ``url`` has to be there.

    Only what was told counts as set in it. Without an interval it adapts. Raises :class:`FieldError`.
    """
    given: dict[str, Any] = {}
    for key, value in told.items():
        field, check = FIELDS[key]
        try:
            given[field] = check(value)
        except ValueError as error:
            raise FieldError(key, str(error)) from None
    given.setdefault("feed_id", short_digest(canonical_url(given["url"])))
    given.setdefault("name", registrable_domain(given["url"]))
    return Feed(adapts="interval_seconds" not in given, **given)
