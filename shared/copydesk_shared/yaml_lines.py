"""YAML files that people edit: loaded safely, checked against a model, every complaint with its line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.composer import Composer

from copydesk_shared.errors import InputError
from copydesk_shared.plain import in_plain_words, kind_of

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]
TOO_SHORT = "too_short"
UNKNOWN_KEY = "extra_forbidden"


def _node_line(node: yaml.Node, location: Location) -> int:
    """The line, from 1, of the deepest node that the location still reaches."""
    line = node.start_mark.line + 1
    for step in location:
        child = _child(node, step)
        if child is None:
            break
        node, line = child
    return line


def _child(node: yaml.Node, step: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item, item.start_mark.line + 1
    return None


class _Alias(yaml.MarkedYAMLError):
    """An alias, of which a few lines can make a document of any size."""


# Scanned and parsed in C, ten times as fast, where PyYAML was built with it. Nodes are composed in Python even so:
# composed in C, a text of many open brackets ends the process.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Composing: Any = _Safe if issubclass(_Safe, Composer) else type("_Composing", (Composer, _Safe), {})


class _Loader(_Composing):  # type: ignore[misc]
    """The safe loader, for text without aliases."""

    def __init__(self, text: str) -> None:
        _Safe.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise _Alias(problem=f"*{event.anchor}", problem_mark=event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def _parsed(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    """The nodes of the document and what they say."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, None
        _refuse_duplicate_keys(root, name)
        return root, loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_duplicate_keys(node: yaml.Node, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InputError(f"{name}:{key.start_mark.line + 1}: a key must be a word")
            if key.value in seen:
                raise InputError(f"{name}:{key.start_mark.line + 1}: {key.value!r} is given twice")
            seen.add(key.value)
            _refuse_duplicate_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicate_keys(item, name)


def _dotted(location: Location) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.lstrip(".")


def _own(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """All but what comes of another: a list whose entries are wrong is not too short as well.

    Keys that there are not come first: what is missing may be there under a wrong name.
    """
    places = [problem["loc"] for problem in problems]
    own = [
        problem
        for problem in problems
        if problem["type"] != TOO_SHORT
        or not any(place != problem["loc"] and place[: len(problem["loc"])] == problem["loc"] for place in places)
    ]
    return sorted(own, key=lambda problem: problem["type"] != UNKNOWN_KEY)


class Complaints(InputError):
    """All that is wrong with one file; it reads as the first of them."""

    def __init__(self, *all_of_them: InputError) -> None:
        super().__init__(*all_of_them)
        self.all = all_of_them

    def __str__(self) -> str:
        return str(self.all[0])


class YamlDocument:
    """A parsed YAML text that knows the line of each of its values.

    ``name`` is what errors call it, the file's path say. Raises :class:`InputError` for text that is not YAML
    or has aliases: each may stand for nine others, and ten lines for ten million values.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        try:
            self._root, self.data = _parsed(text, name)
        except _Alias as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise InputError(f"{name}:{line}: aliases ({error.problem}) are not taken: write the value again") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            # The parser in C counts the end of the text as a line of its own.
            line = min(mark.line + 1, text.count("\n") + 1) if mark else 1
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise InputError(f"{name}:{line}: not valid YAML: {problem}") from None
        except RecursionError:
            raise InputError(f"{name}:1: nested too deeply") from None
        except ValueError as error:
            raise InputError(f"{name}:1: not valid YAML: {error}") from None
        except (LookupError, AttributeError):
            # what PyYAML makes of "!!bool x", "!!int ''" and "!!timestamp x"
            raise InputError(f"{name}:1: not valid YAML: a value is not of the type that its tag (!!) says") from None

    def line(self, location: Location) -> int:
        """The line, from 1, of the value at this path of keys and indexes (or of the deepest part that exists)."""
        return _node_line(self._root, location) if self._root is not None else 1

    def error(self, location: Location, problem: str) -> InputError:
        """An :class:`InputError` that names the file, the line and the place."""
        place = _dotted(location)
        return InputError(f"{self.name}:{self.line(location)}: {place + ': ' if place else ''}{problem}")

    def validate(self, model: type[Model]) -> Model:
        """The document as this model. Raises :class:`Complaints` for what does not fit."""
        if not isinstance(self.data, Mapping):
            raise self.error((), f"expected a mapping, found {kind_of(self.data)}")
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            problems = _own(error.errors(include_url=False))
        raise Complaints(*(self.error(problem["loc"], in_plain_words(problem)) for problem in problems))


def read_yaml(path: Path) -> YamlDocument:
    """The YAML file at this path. Raises :class:`InputError` when it cannot be read or is not YAML."""
    try:
        return YamlDocument(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from None
