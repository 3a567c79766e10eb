import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, field_validator

from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import Complaints, YamlDocument, read_yaml


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    size: int = 1

    @field_validator("name")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 5:
            raise ValueError("longer than 5 characters")
        return value


class Items(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Item]


GOOD = "items:\n  - name: a\n    size: 2\n  - name: b\n"
BOMB = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefghijk")
)


def test_a_good_document() -> None:
    assert YamlDocument(GOOD, "f.yaml").validate(Items) == Items(items=[Item(name="a", size=2), Item(name="b")])
    anchored = YamlDocument("items: &all [{name: '&*b'}]", "f.yaml")
    assert anchored.validate(Items) == Items(items=[Item(name="&*b")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("items:\n  - name: a\n    size: x\n", "f.yaml:3: items[0].size: must be a whole number"),
        ("items:\n  - size: 1\n", "f.yaml:2: items[0].name: is missing"),
        ("items:\n\n  - name: a\n    color: red\n", "f.yaml:4: items[0].color: there is no such key"),
        ("items:\n  - name: abcdefgh\n", "f.yaml:2: items[0].name: longer than 5 characters"),
        ("- a\n", "f.yaml:1: expected a mapping, found a list"),
        ("", "f.yaml:1: expected a mapping, found nothing"),
        ("items: [\n", "f.yaml:2: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: 'a' is given twice"),
        ("items: &a [*a]\n", "f.yaml:1: aliases (*a) are not taken: write the value again"),
        ("a: &a {b: 1}\nitems:\n  <<: *a\n", "f.yaml:3: aliases (*a) are not taken"),
        (BOMB, "f.yaml:2: aliases (*a) are not taken"),
        ("? [a]\n: 1\n", "f.yaml:1: a key must be a word"),
        ("[" * 200_000, "f.yaml:1: nested too deeply"),
        ("- " * 200_000, "f.yaml:1: nested too deeply"),
        ("items: !!python/object:os.system x\n", "f.yaml:1: not valid YAML"),
    ],
)
def test_a_complaint_names_file_line_and_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        YamlDocument(text, "f.yaml").validate(Items)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_all_complaints_of_one_document() -> None:
    with pytest.raises(Complaints) as caught:
        YamlDocument("items:\n  - size: x\n  - name: abcdefgh\ncolor: red\n", "f.yaml").validate(Items)
    assert [str(error) for error in caught.value.all] == [
        "f.yaml:4: color: there is no such key",
        "f.yaml:2: items[0].name: is missing",
        "f.yaml:2: items[0].size: must be a whole number",
        "f.yaml:3: items[1].name: longer than 5 characters",
    ]
    assert str(caught.value) == str(caught.value.all[0])
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert list(map(str, copied.all)) == list(map(str, caught.value.all))


def test_of_a_misspelt_key_the_spelling_is_told_first() -> None:
    with pytest.raises(Complaints, match=r"^f\.yaml:1: itens: there is no such key$"):
        YamlDocument("itens:\n  - name: a\n", "f.yaml").validate(Items)


@given(st.text())
def test_any_text_is_a_document_or_an_input_error(text: str) -> None:
    try:
        YamlDocument(text, "f.yaml").validate(Items)
    except InputError as error:
        assert str(error).startswith("f.yaml:")  # noqa: PT017 - most texts are refused, some are not


@pytest.mark.parametrize(
    "value", ["!!int ''", "!!bool x", "!!timestamp x", "!!float ''", "!!int x", "!!timestamp 2020-99-99"]
)
def test_a_value_that_is_not_of_the_type_it_says(value: str) -> None:
    with pytest.raises(InputError, match=r"^f:1: not valid YAML: "):
        YamlDocument(f"a: {value}", "f")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        read_yaml(tmp_path / "latin.yaml")
