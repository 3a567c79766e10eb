"""Secrets that lie in files, as Kubernetes and Compose mount them: the environment of a process is seen by many."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MOST_BYTES = 1024 * 1024


def read_capped(path: Path) -> bytes:
    """What the file holds. Raises ``ValueError`` that says why it cannot be had; devices and pipes are not opened."""
    try:
        if not path.is_file():
            raise ValueError(f"there is no file {str(path)!r}")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error}") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"{str(path)!r} is larger than {MOST_BYTES} bytes")
    return content


def one_line(path: Path, what: str) -> str:
    """The one line of the file, with or without its end. Raises ``ValueError`` that shows nothing of the line."""
    try:
        text = read_capped(path).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{str(path)!r} is not UTF-8") from None
    if not text or "\n" in text or "\0" in text:
        raise ValueError(f"{str(path)!r} must hold one line: the {what}")
    return text


class FieldError(ValueError):
    """What is wrong with the setting ``field``, found when all were there; the text may be shown, its value may not."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def from_file(field: str, what: str) -> Callable[[Any], Any]:
    """For a ``model_validator(mode="before")``: where ``<field>_file`` is set, its one line is the field's value."""
    file_field = f"{field}_file"

    def read(values: Any) -> Any:
        if not isinstance(values, Mapping) or not values.get(file_field):
            return values
        if values.get(field) is not None:
            raise FieldError(file_field, f"cannot be set together with {field.upper()}")
        try:
            return {**values, field: one_line(Path(str(values[file_field])), what)}
        except ValueError as error:
            raise FieldError(file_field, str(error)) from None

    return read
