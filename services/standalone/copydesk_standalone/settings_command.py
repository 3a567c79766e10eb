"""``copydesk settings``: every setting that there is, with what it is by the environment of this very command."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click
from pydantic_settings import BaseSettings

from copydesk_api.settings import ApiSettings
from copydesk_classifier.settings import ClassifierSettings
from copydesk_cleaner.settings import CleanerSettings
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.settings import is_secret, load_settings, refuse_unknown, variable_of
from copydesk_standalone.settings import StandaloneSettings

PROGRAMS: Mapping[str, type[BaseSettings]] = {
    "fetcher": FetcherSettings,
    "cleaner": CleanerSettings,
    "classifier": ClassifierSettings,
    "api": ApiSettings,
    "standalone": StandaloneSettings,
}
FORMAT_VERSION = 1
NOT_SHOWN = "(not shown)"


@dataclass(frozen=True, slots=True)
class Row:
    """A setting: what it is when nothing is said, and what is said here; a secret is not shown."""

    variable: str
    default: str
    given: str | None
    what: str


def rows(model: type[BaseSettings]) -> Iterator[Row]:
    """The settings of a program, in the order of their declaration."""
    for name, field in model.model_fields.items():
        variable = variable_of(model, name)
        default = as_said(field.get_default(call_default_factory=True))
        given = os.environ.get(variable)
        yield Row(variable, default, NOT_SHOWN if given and is_secret(field) else given, field.description or "")


def as_said(value: Any) -> str:
    """A default as the variable would be written; empty for none."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, (tuple, list, frozenset)) else str(value)


def show(program: str | None, style: str) -> int:
    """Print them. Raises :class:`SettingsError` after that for what a program would refuse, as it would say it."""
    chosen = {name: PROGRAMS[name] for name in ([program] if program else PROGRAMS)}
    if style == "json":
        found = {name: [asdict(row) for row in rows(model)] for name, model in chosen.items()}
        click.echo(json.dumps({"format_version": FORMAT_VERSION, "programs": found}, indent=2))
    else:
        for name, model in chosen.items():
            click.echo(f"{name}:")
            for row in rows(model):
                click.echo(f"  {row.variable}={_value(row)}\n      {row.what}")
    variables = {variable_of(model, name) for model in PROGRAMS.values() for name in model.model_fields}
    for model in chosen.values():
        refuse_unknown(model, variables)
        load_settings(model)
    return 0


def _value(row: Row) -> str:
    if row.given is None:
        return row.default
    return f"{row.given}   (set here; without it {row.default or 'none'})"
