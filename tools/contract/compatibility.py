"""What may change in a schema within a version: only fields that need not be there may come.

Two sides have to keep working. A reader who knows the released schema reads what is written by the current one, and
ignores fields it does not know. A reader who knows the current schema reads the records that were written by the
released one, which stay on the topics. So each schema has to take what the other side writes.

An enumeration may not gain a value: a reader that decodes into closed types, as ours does, would refuse the message.
Keywords that no rule covers count as a break, so that nothing passes unjudged.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated"})
AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
THE_SAME = ("format", "pattern", "multipleOf", "uniqueItems")
JUDGED = frozenset(
    {"$ref", "anyOf", "type", "enum", "const", "items", "properties", "required", "additionalProperties"}
).union(AT_LEAST, AT_MOST, THE_SAME)
ANYTHING: Schema = {}
NOTHING: Schema = {"anyOf": []}
NARROWER_TYPES = {("integer", "number")}


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two schemas, with the definitions that its references point into."""

    root: Schema

    def resolved(self, schema: Schema | bool) -> Schema:
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        if "$ref" in schema:
            return self.resolved(self.root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        return schema

    def branches(self, schema: Schema | bool) -> list[Schema]:
        """The alternatives of a schema, each of one type at most."""
        schema = self.resolved(schema)
        if "anyOf" in schema:
            return [leaf for each in schema["anyOf"] for leaf in self.branches(each)]
        if isinstance(schema.get("type"), list):
            return [{**schema, "type": each} for each in schema["type"]]
        return [schema]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Whether a reader of one schema can take all that is written by another. ``gone`` names a lost field a break."""

    written: _Side
    read: _Side
    gone: bool
    seen: set[tuple[int, int]]

    def breaks(self, written: Schema | bool, read: Schema | bool, where: str) -> Iterator[str]:
        pair = id(self.written.resolved(written)), id(self.read.resolved(read))
        if pair in self.seen:
            return
        self.seen.add(pair)
        readable = self.read.branches(read)
        for branch in self.written.branches(written):
            yield from self._least(branch, readable, where)
        self.seen.discard(pair)

    def _least(self, branch: Schema, readable: list[Schema], where: str) -> list[str]:
        """What stands against the alternative that takes this best: one of its own type says most."""
        if not readable:
            return [f"{where}: not foreseen"]
        alike = [each for each in readable if each.get("type") == branch.get("type")] or readable
        found = [list(self._plain(branch, each, where)) for each in alike]
        found += [list(self._plain(branch, each, where)) for each in readable if each not in alike]
        return min(found, key=len)

    def _plain(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        unjudged = sorted((written.keys() | read.keys()) - JUDGED - ANNOTATIONS)
        if unjudged:
            yield f"{where}: no rule covers {', '.join(unjudged)}"
        for rule in RULES:
            yield from rule(self, written, read, where)

    def types(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        here, there = written.get("type"), read.get("type")
        if there is not None and here != there and (here, there) not in NARROWER_TYPES:
            yield f"{where}: {here or 'anything'} where {there} was said"

    def values(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        here, there = _values(written), _values(read)
        if there is None:
            return
        if here is None:
            yield f"{where}: any value where only {_listed(there)} were said"
        elif more := [value for value in here if value not in there]:
            yield f"{where}: {_listed(more)} beside {_listed(there)}"

    def bounds(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        checks = [(key, _not_below) for key in AT_LEAST] + [(key, _not_above) for key in AT_MOST]
        checks += [(key, _equal) for key in THE_SAME]
        for key, holds in checks:
            if key in read and not holds(written.get(key), read[key]):
                yield f"{where}: {key} is {written.get(key)} where {read[key]} was said"

    def items(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        if "items" in read:
            yield from self.breaks(written.get("items", {}), read["items"], f"{where}[]")

    def fields(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        has, always = written.get("properties", {}), written.get("required", ())
        for name, schema in read.get("properties", {}).items():
            needed = name in read.get("required", ())
            if name in has:
                yield from self.breaks(has[name], schema, f"{where}.{name}")
                if needed and name not in always:
                    yield f"{where}.{name}: not always there"
            elif needed or self.gone:
                yield f"{where}.{name}: not there"

    def others(self, written: Schema, read: Schema, where: str) -> Iterator[str]:
        """Fields without a name in the schema, as in a map."""
        if "additionalProperties" not in read:
            return
        named = {k: v for k, v in written.get("properties", {}).items() if k not in read.get("properties", {})}
        for name, schema in {"*": written.get("additionalProperties", {}), **named}.items():
            yield from self.breaks(schema, read["additionalProperties"], f"{where}.{name}")


Rule = Callable[[_Comparison, Schema, Schema, str], Iterator[str]]
RULES: tuple[Rule, ...] = (
    _Comparison.types,
    _Comparison.values,
    _Comparison.bounds,
    _Comparison.items,
    _Comparison.fields,
    _Comparison.others,
)


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _listed(values: list[Any]) -> str:
    return ", ".join(repr(value) for value in values)


def _not_below(here: float | None, there: float) -> bool:
    return here is not None and here >= there


def _not_above(here: float | None, there: float) -> bool:
    return here is not None and here <= there


def _equal(here: object, there: object) -> bool:
    return here == there


def breaks(released: Schema, current: Schema) -> list[str]:
    """What a change of schema breaks, a line each with its place; empty when both sides keep working."""
    old, new = _Side(released), _Side(current)
    forth = _Comparison(new, old, gone=True, seen=set()).breaks(current, released, "$")
    back = _Comparison(old, new, gone=False, seen=set()).breaks(released, current, "$")
    return [f"readers of the released schema: {each}" for each in forth] + [
        f"records of the released schema: {each}" for each in back
    ]
