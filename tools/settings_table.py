"""Print the table of settings as it stands in docs/settings.md; a test compares the two."""

import sys
from typing import Any

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from copydesk_shared.settings import ServiceSettings
from copydesk_standalone.settings_command import PROGRAMS

HEAD = """# Settings

Every setting is an environment variable. A variable `COPYDESK_...` that is not a setting, or a value that cannot be
used, stops the service at start with one line and exit code 2. `copydesk settings` prints them all, with what is set in
the shell that asks. Passwords, URLs with passwords and keys belong into files: give the variable that ends in `_FILE`.
Written by `make docs`; do not edit.
"""
SECTIONS: tuple[tuple[str, type[BaseSettings], str], ...] = (
    ("Every service", ServiceSettings, "COPYDESK_<SERVICE>_"),
    ("Fetcher", PROGRAMS["fetcher"], "COPYDESK_FETCHER_"),
    ("Cleaner", PROGRAMS["cleaner"], "COPYDESK_CLEANER_"),
    ("Classifier", PROGRAMS["classifier"], "COPYDESK_CLASSIFIER_"),
    ("API", PROGRAMS["api"], "COPYDESK_API_"),
    ("`copydesk up` and `copydesk demo`", PROGRAMS["standalone"], "COPYDESK_STANDALONE_"),
)
MACHINE_DEPENDENT = {"workers": "one per processor, four at most"}


def _default(name: str, value: Any) -> str:
    if name in MACHINE_DEPENDENT:
        return MACHINE_DEPENDENT[name]
    if value is None or value is PydanticUndefined or value in ((), ""):
        return "none"
    return f"`{value}`"


def _rows(model: type[BaseSettings], prefix: str) -> list[str]:
    common = set(ServiceSettings.model_fields) if model is not ServiceSettings else set()
    return [
        f"| `{prefix}{name.upper()}` "
        f"| {_default(name, field.get_default(call_default_factory=True))} | {field.description} |"
        for name, field in model.model_fields.items()
        if name not in common or not issubclass(model, ServiceSettings)
    ]


def render() -> str:
    """The whole page."""
    parts = [HEAD]
    for heading, model, prefix in SECTIONS:
        parts += [f"## {heading}", "", "| variable | default | what |", "|---|---|---|", *_rows(model, prefix), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
