"""What may change in a schema and what may not."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from copydesk_shared.messages import Article, ClassifiedArticle
from tools.contract import __main__ as command
from tools.contract import schemas
from tools.contract.compatibility import breaks

Schema = dict[str, Any]
Change = Callable[[Schema], object]

TEXT: Schema = {"type": "string"}
OPTIONAL_TEXT: Schema = {"anyOf": [TEXT, {"type": "null"}]}
RELEASED: Schema = {
    "type": "object",
    "properties": {
        "id": TEXT,
        "count": {"type": "integer", "minimum": 0},
        "kind": {"enum": ["a", "b"], "type": "string"},
        "at": {"format": "date-time", "type": "string"},
        "note": OPTIONAL_TEXT,
        "names": {"type": "array", "items": TEXT, "maxItems": 3},
        "part": {"$ref": "#/$defs/Part"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "byName": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Part"}},
        "later": TEXT,
    },
    "required": ["id", "count", "kind", "at", "note", "names", "part", "parts", "byName"],
    "$defs": {"Part": {"type": "object", "properties": {"word": TEXT}, "required": ["word"]}},
}


def _field(name: str, schema: Schema) -> Change:
    return lambda whole: whole["properties"].update({name: schema})


def _part(name: str, value: object) -> Change:
    return lambda whole: whole["$defs"]["Part"].update({name: value})


MUST_BE_CAUGHT: list[tuple[str, Change, str]] = [
    ("a field is gone", lambda whole: (whole["properties"].pop("id"), whole["required"].remove("id")), "$.id: not there"),
    ("an optional field is gone", lambda whole: whole["properties"].pop("later"), "$.later: not there"),
    ("a field is renamed", lambda whole: whole["properties"].update(ident=whole["properties"].pop("id")), "$.id: not there"),
    ("a field need not be there", lambda whole: whole["required"].remove("id"), "$.id: not always there"),
    ("a field may be null", _field("id", OPTIONAL_TEXT), "$.id: null where string was said"),
    ("a field may be null, in short", _field("id", {"type": ["string", "null"]}), "$.id: null where string was said"),
    ("a field has another type", _field("id", {"type": "integer"}), "$.id: integer where string was said"),
    ("a type is wider", _field("count", {"type": "number", "minimum": 0}), "$.count: number where integer was said"),
    ("a type is anything", _field("id", {}), "$.id: anything where string was said"),
    ("a type is narrower", _field("note", TEXT), "records of the released schema: $.note: null where string was said"),
    ("an enumeration gains a value", _field("kind", {"enum": ["a", "b", "c"], "type": "string"}), "$.kind: 'c' beside 'a', 'b'"),
    ("an enumeration loses a value", _field("kind", {"enum": ["a"], "type": "string"}), "$.kind: 'b' beside 'a'"),
    ("an enumeration is a constant", _field("kind", {"const": "a", "type": "string"}), "$.kind: 'b' beside 'a'"),
    ("an enumeration is open", _field("kind", TEXT), "$.kind: any value where only 'a', 'b' were said"),
    ("a bound is looser", _field("count", {"type": "integer", "minimum": -1}), "$.count: minimum is -1 where 0 was said"),
    ("a bound is gone", _field("count", {"type": "integer"}), "$.count: minimum is None where 0 was said"),
    ("a bound is tighter", _field("names", {"type": "array", "items": TEXT, "maxItems": 2}), "records of"),
    ("a format is gone", _field("at", TEXT), "$.at: format is None where date-time was said"),
    ("a format comes", _field("id", {**TEXT, "format": "uri"}), "$.id: format is None where uri was said"),
    ("items change", _field("names", {"type": "array", "items": OPTIONAL_TEXT, "maxItems": 3}), "$.names[]: null where"),
    ("items are anything", _field("names", {"type": "array", "maxItems": 3}), "$.names[]: anything where string was said"),
    ("a part loses a field", _part("properties", {}), "$.parts[].word: not there"),
    ("a part need not say a field", _part("required", []), "$.part.word: not always there"),
    ("a part in a map changes", _part("properties", {"word": OPTIONAL_TEXT}), "$.byName.*.word: null where string was said"),
    ("a map is closed", _field("byName", {"type": "object", "additionalProperties": False}), "$.byName"),
    ("a new field is required", lambda whole: (_field("more", TEXT)(whole), whole["required"].append("more")), "records of the released schema: $.more: not there"),
    ("an old field becomes required", lambda whole: whole["required"].append("later"), "$.later: not always there"),
    ("a keyword without a rule", _field("id", {**TEXT, "contentEncoding": "base64"}), "$.id: no rule covers contentEncoding"),
]  # fmt: skip

MAY_PASS: list[tuple[str, Change]] = [
    ("nothing", lambda _: None),
    ("a new optional field", _field("more", TEXT)),
    ("a new optional field with parts", _field("more", {"type": "array", "items": {"$ref": "#/$defs/Part"}})),
    ("a new optional field of a part", lambda whole: whole["$defs"]["Part"]["properties"].update(more=OPTIONAL_TEXT)),
    ("words", _field("id", {**TEXT, "description": "Who it is.", "title": "Id", "examples": ["x"]})),
    ("the order of fields", lambda whole: whole.update(properties=dict(reversed(whole["properties"].items())))),
    ("the order of values", _field("kind", {"enum": ["b", "a"], "type": "string"})),
    ("another spelling of null", _field("note", {"type": ["null", "string"]})),
    ("a part written in its place", _field("part", {**RELEASED["$defs"]["Part"]})),
]  # fmt: skip


def changed(change: Change) -> Schema:
    current = copy.deepcopy(RELEASED)
    change(current)
    return current


@pytest.mark.parametrize(
    ("change", "line"), [each[1:] for each in MUST_BE_CAUGHT], ids=[each[0] for each in MUST_BE_CAUGHT]
)
def test_it_is_caught(change: Change, line: str) -> None:
    found = breaks(RELEASED, changed(change))
    assert any(line in each for each in found), found


@pytest.mark.parametrize("change", [each[1] for each in MAY_PASS], ids=[each[0] for each in MAY_PASS])
def test_it_may_pass(change: Change) -> None:
    assert breaks(RELEASED, changed(change)) == []


def test_a_schema_that_contains_itself_is_compared() -> None:
    tree: Schema = {
        "$ref": "#/$defs/Tree",
        "$defs": {
            "Tree": {
                "type": "object",
                "properties": {"name": TEXT, "below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
                "required": ["name", "below"],
            }
        },
    }
    other = copy.deepcopy(tree)
    other["$defs"]["Tree"]["properties"]["name"] = OPTIONAL_TEXT
    assert breaks(tree, tree) == []
    assert breaks(tree, other) == ["readers of the released schema: $.name: null where string was said"]


# Schemas and what is written by them, to hold the rules against a validator.

LEAVES: list[Schema] = [
    TEXT,
    {"type": "integer"},
    {"type": "number"},
    {"type": "integer", "minimum": 0},
    {"type": "integer", "minimum": 1, "maximum": 2},
    {"type": "string", "enum": ["a"]},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "const": "b"},
    {"type": "string", "maxLength": 1},
    {"type": "null"},
    {},
]
VALUES = [None, "", "a", "b", "long", -1, 0, 1, 2, 3, 0.5]


def _object(fields: dict[str, tuple[Schema, bool]]) -> Schema:
    properties = {name: schema for name, (schema, _) in fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, (_, must) in fields.items() if must],
    }


def _wider(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
        inner.map(lambda items: {"type": "array", "items": items}),
        inner.map(lambda values: {"type": "object", "additionalProperties": values}),
        st.dictionaries(st.sampled_from("xyz"), st.tuples(inner, st.booleans()), max_size=3).map(_object),
    )


SCHEMAS = st.recursive(st.sampled_from(LEAVES), _wider, max_leaves=4)


@st.composite
def edited(draw: st.DrawFn, schema: Schema) -> Schema:
    """A schema that is near the other one."""
    if draw(st.integers(0, 5)) == 0:
        return draw(SCHEMAS)
    if "anyOf" in schema:
        kept = [draw(edited(each)) for each in schema["anyOf"]]
        return {"anyOf": kept + draw(st.lists(st.sampled_from(LEAVES), max_size=1))}
    if "properties" in schema:
        fields = {
            name: (draw(edited(each)), (name in schema["required"]) is not draw(st.booleans()))
            for name, each in schema["properties"].items()
            if draw(st.integers(0, 5))
        }
        more = draw(
            st.dictionaries(st.sampled_from("xyz"), st.tuples(st.sampled_from(LEAVES), st.booleans()), max_size=1)
        )
        return _object({**more, **fields})
    below = [key for key in ("items", "additionalProperties") if key in schema]
    return {**schema, **{key: draw(edited(schema[key])) for key in below}}


def written(schema: Schema) -> st.SearchStrategy[Any]:
    """What a writer with this schema may write: it says no field that the schema does not name."""
    if "anyOf" in schema:
        return st.one_of([written(each) for each in schema["anyOf"]])
    if schema.get("type") == "array":
        return st.lists(written(schema["items"]), max_size=2)
    if "additionalProperties" in schema:
        return st.dictionaries(st.sampled_from("xyz"), written(schema["additionalProperties"]), max_size=2)
    if schema.get("type") == "object":
        fields = {name: written(each) for name, each in schema["properties"].items()}
        must = {name: each for name, each in fields.items() if name in schema["required"]}
        may = {name: each for name, each in fields.items() if name not in schema["required"]}
        return st.fixed_dictionaries(must, optional=may)
    fitting = [value for value in VALUES if Draft202012Validator(schema).is_valid(value)]
    return st.sampled_from(fitting)


PAIRS = SCHEMAS.flatmap(lambda released: st.tuples(st.just(released), edited(released)))


@settings(max_examples=400, deadline=None)
@given(pair=PAIRS, data=st.data())
def test_what_passes_breaks_nobody(pair: tuple[Schema, Schema], data: st.DataObject) -> None:
    released, current = pair
    if not breaks(released, current):
        assert Draft202012Validator(released).is_valid(data.draw(written(current)))
        assert Draft202012Validator(current).is_valid(data.draw(written(released)))


@given(schema=SCHEMAS)
def test_a_schema_fits_itself(schema: Schema) -> None:
    assert breaks(schema, schema) == []


# The released schemas.


def test_no_reader_of_the_last_release_breaks() -> None:
    assert command.problems() == [], "take it back, or count up schema_version of the model and say so in CHANGELOG.md"


def test_every_message_has_been_released() -> None:
    assert [path for path in command.current() if not (schemas.RELEASED / path).exists()] == []


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(schemas, "RELEASED", tmp_path)
    return tmp_path


def test_a_release_is_held_against_what_comes_after(releases: Path) -> None:
    command.release()
    assert command.problems() == []
    path = releases / "1" / "Article.json"
    released = json.loads(path.read_text())
    released["properties"]["byline"] = TEXT
    path.write_text(json.dumps(released))
    assert command.problems() == ["Article.json readers of the released schema: $.byline: not there"]
    with pytest.raises(ValueError, match="byline"):
        command.release()


def test_a_header_that_goes_is_a_break(releases: Path) -> None:
    command.release()
    path = releases / "1" / "Page.headers.json"
    released = json.loads(path.read_text())
    released["properties"]["ce_sequence"] = TEXT
    path.write_text(json.dumps(released))
    assert command.problems() == ["Page.headers.json readers of the released schema: $.ce_sequence: not there"]


def test_a_message_that_no_topic_carries_any_more_is_a_break(releases: Path) -> None:
    command.release()
    (releases / "1" / "Page.json").rename(releases / "1" / "Scan.json")
    assert command.problems() == ["Scan.json: no topic carries it any more"]


def test_a_field_that_came_after_a_release_is_optional(releases: Path) -> None:
    command.release()
    for name in ("Article", "ClassifiedArticle"):
        path = releases / "1" / f"{name}.json"
        released = json.loads(path.read_text())
        del released["properties"]["simhash"]
        released["required"].remove("simhash")
        path.write_text(json.dumps(released))
    assert "simhash" not in schemas.schema(Article)["required"]
    assert command.problems() == []
    command.release()
    assert "simhash" not in schemas.schema(ClassifiedArticle)["required"], "nor after the next release"


def test_a_new_version_starts_anew(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command.release()
    (releases / "1" / "Article.json").write_text(json.dumps({"type": "array"}))
    assert command.problems()
    monkeypatch.setattr(Article, "schema_version", 2)
    assert schemas.schema(Article)["$id"] == "urn:copydesk:schema:Article:2"
    assert command.problems() == []
    command.release()
    assert (releases / "2" / "Article.json").exists()
    assert (releases / "2" / "ClassifiedArticle.json").exists(), "it has the fields of Article"


def test_the_command_takes_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["publish"]) == 2
    assert capsys.readouterr().err == "python -m tools.contract [release]\n"
