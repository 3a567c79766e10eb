"""``copydesk-api keys`` and ``copydesk keys``: make, list, rotate and remove API keys, with no server and no other key.

What is asked for is on standard output, for people or with ``--json`` for programs. Every mistake is one line.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from copydesk_api import keys
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Key, Made, Scope
from copydesk_api.migrating import Schema
from copydesk_api.store import Store
from copydesk_shared.errors import InputError, Retryable, SettingsError

SPAN = re.compile(r"(\d{1,6})(s|m|h|d)")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
ONCE = "the secret, which is shown this once:"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}")


def _span(value: str) -> timedelta:
    match = SPAN.fullmatch(value)
    if match is None:
        raise argparse.ArgumentTypeError(f"{value[:20]!r} is not a time such as 90s, 15m, 12h or 30d")
    return timedelta(seconds=int(match[1]) * UNIT_SECONDS[match[2]])


def _name(value: str) -> str:
    try:
        return keys.key_name(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description="The API keys in the database of the service.")
    commands = parser.add_subparsers(required=True, dest="command", metavar="create|list|rotate|remove")
    create = commands.add_parser("create", help="make a key and show its secret, this once")
    create.add_argument("--name", required=True, type=_name, help="who is to use it")
    create.add_argument("--scope", choices=[each.value for each in Scope], default=Scope.READ.value,
                        help="what it is for; write may read, admin may do everything (default: read)")  # fmt: skip
    create.add_argument("--expires", type=_span, metavar="SPAN", help="it ends after so long, 90d (default: never)")
    rotate = commands.add_parser("rotate", help="make a new secret for a key and show it, this once")
    rotate.add_argument("--overlap", type=_span, metavar="SPAN", default=timedelta(days=1),
                        help="the secret of before is good for so long still (default: 1d)")  # fmt: skip
    remove = commands.add_parser("remove", help="nobody gets in with it any more")
    for each in (rotate, remove):
        each.add_argument("key_id", metavar="ID", help="as list shows it")
    for each in (create, rotate, commands.add_parser("list", help="show all keys, without their secrets")):
        each.add_argument("--json", action="store_true", help="for programs")
    return parser


def keys_command(arguments: Sequence[str], open_store: Callable[[], Store], prog: str = "copydesk-api keys") -> int:
    """Do what they say, as the command of this name. Returns the exit code; raises :class:`UserError`."""
    given = _parser(prog).parse_args(list(arguments))
    store = open_store()
    try:
        if store.schema() in (Schema.EMPTY, Schema.OLDER):
            raise SettingsError("the database has no tables for keys yet: copydesk-api migrate makes them")
        COMMANDS[given.command](KeyStore(store.engine), given)
    except Retryable as error:
        raise SettingsError(str(error)) from None
    finally:
        store.close()
    return 0


def _create(store: KeyStore, given: argparse.Namespace) -> None:
    expires_at = None if given.expires is None else datetime.now(UTC) + given.expires
    _show_made(store.create(given.name, Scope(given.scope), expires_at), as_json=given.json)


def _list(store: KeyStore, given: argparse.Namespace) -> None:
    found = store.list_keys()
    if given.json:
        for key in found:
            _say(_as_json(key))
        return
    for key in found:
        _say(_line(key))
    if not found:
        sys.stderr.write("there are no keys\n")


def _rotate(store: KeyStore, given: argparse.Namespace) -> None:
    made = store.rotate(given.key_id, given.overlap)
    if made is None:
        raise _missing(given.key_id)
    _show_made(made, as_json=given.json)


def _remove(store: KeyStore, given: argparse.Namespace) -> None:
    if not store.remove(given.key_id):
        raise _missing(given.key_id)
    sys.stderr.write(f"removed {given.key_id}\n")


def _missing(key_id: str) -> InputError:
    return InputError(f"there is no key {key_id[:80]!r}; `keys list` shows those that are there")


def _show_made(made: Made, *, as_json: bool) -> None:
    """The secret alone is on standard output, so that it can be sent on to a file."""
    if as_json:
        _say(_as_json(made.key, token=made.token))
        return
    sys.stderr.write(f"{_line(made.key)}\n{ONCE}\n")
    _say(made.token)


def _line(key: Key) -> str:
    shown = {"ends": key.expires_at, "used": key.last_used_at}
    times = "  ".join(f"{name} {at:%Y-%m-%d %H:%M} UTC" if at else f"{name} never" for name, at in shown.items())
    prefixes = ", ".join(f"copydesk_{each.prefix}" for each in key.secrets) or "no secret"
    return f"{key.key_id}  {key.scope.value:5}  {key.name}  ({prefixes})  {times}"


def _as_json(key: Key, **more: str) -> str:
    return json.dumps({**asdict(key), **more}, default=datetime.isoformat)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


COMMANDS: Mapping[str, Callable[[KeyStore, argparse.Namespace], None]] = {
    "create": _create,
    "list": _list,
    "rotate": _rotate,
    "remove": _remove,
}
