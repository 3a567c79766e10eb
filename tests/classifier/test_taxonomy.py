"""Loading: what is refused, with which line, and what the version depends on."""

import pickle
import re
from pathlib import Path

import pytest

from copydesk_classifier.folder import read_folder
from copydesk_classifier.lint import findings
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import ENGINE_VERSION, PACKAGED, Taxonomy, load_taxonomy
from copydesk_shared.errors import InputError
from tests.classifier.samples import TAG_FILE, article, folder

OTHER = TAG_FILE.replace("id: ferry", "id: boat")


def test_the_packaged_tags() -> None:
    taxonomy = load_taxonomy(None)
    assert {"aviation", "conflict", "prisoner-exchange"} <= {tag.id for tag in taxonomy.tags}
    for tag in taxonomy.tags:
        assert len(tag.file.tests.positive) >= 12
        assert len(tag.file.tests.negative) >= 15


def test_lint_has_nothing_to_say_of_the_packaged_tags() -> None:
    assert [finding.text for finding in findings(read_folder(PACKAGED))] == []


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("threshold: 2.0", "threshold: 0", 7, "threshold: must be more than 0"),
        ("threshold: 2.0", "threshold: .inf", 7, "threshold: must be"),
        ("threshold: 2.0", "treshold: 2.0", 7, "treshold: there is no such key"),
        ("version: 1", "version: 1\ncolour: red", 3, "colour: there is no such key"),
        (
            "id: ferry",
            "id: Ferry Boat",
            1,
            "id: 'Ferry Boat': write small letters and digits, with single hyphens between",
        ),
        ("medtop:20000337", "medtop:337", 5, "iptc[0]: 'medtop:337': write medtop: and eight digits"),
        ("languages: [en]", "languages: []", 6, "languages: must have at least 1 entry"),
        (
            "languages: [en]",
            "languages: [english]",
            6,
            "languages[0]: 'english': write a code of two or three small letters",
        ),
        ("languages: [en]", "languages: [en, xx]", 6, "languages[1]: no language has the code 'xx'; 'xh' is near"),
        ("languages: [en]", "languages: [ua]", 6, "languages[0]: no language has the code 'ua'; 'uk' is near"),
        ("languages: [en]", "languages: [q9]", 6, "languages[0]: 'q9': write a code"),
        ("languages: [en]", "languages: [eng]", 6, "languages[0]: 'eng' is written 'en'"),
        ("languages: [en]", "languages: [no]", 6, "languages[0]: 'no' needs quotation marks here"),
        ("distinct: 3", "distinct: 0", 8, "core.distinct: must be at least 1"),
        ("weight: 1\n", "weight: -1\n", 18, "phrases[1].weight: must be more than 0"),
        ("    window: 3", "    window: 0", 25, "rules[0].window: must be at least 1"),
        ("[quay,", "[quay, '',", 19, "phrases[1].any[1]: an empty alternative in ''"),
        ("gangway]", "'...']", 19, "phrases[1].any[2]: no words in '...'"),
        ("any: [$boats]", "any: []", 16, "phrases[0].any"),
        ("any: [$boats]", "any: [$ships]", 16, "phrases[0].any[0]: there is no list 'ships'"),
        ("a: [boat, vessel]", "a: [boat, $vessels]", 23, "rules[0].a[1]: there is no list 'vessels'"),
        ("need: [passengers, crew]", "need: [$crew]", 27, "rules[0].need[0]: there is no list 'crew'"),
        ("car ferry]", "$boats]", 10, "lists.boats[1]: a list cannot refer to a list"),
        ("- name: harbour", "- name: boats", 17, "phrases[1].name: 'boats' is given twice"),
        ("- name: sinking", "- name: toy", 29, "vetoes[0].name: 'toy' is given twice"),
        ("scope: sentence", "scope: word", 31, "vetoes[0].scope: must be 'sentence' or 'document'"),
        ("    any: [toy]", "    any: []", 29, "vetoes[0]: give either 'any'"),
        ("label: Ferries", "label: ' '", 3, "label: must have at least 1 character"),
        ("version: 1", "version: 1\nversion: 2", 3, "'version' is given twice"),
        ("description: Boats", "description: 'Boats", 4, "not valid YAML"),
        ("  positive:\n    - The ferry left.", "  positive: []", 38, "tests.positive"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    assert old in TAG_FILE
    with pytest.raises(InputError) as refused:
        load_taxonomy(folder(tmp_path, TAG_FILE.replace(old, new, 1)))
    message = str(refused.value)
    assert problem in message
    assert "\n" not in message
    found = re.match(rf"{re.escape(str(tmp_path / 'a.yaml'))}:(\d+): ", message)
    assert found, message
    # A parser may notice an open quote at the end of the text only.
    assert int(found[1]) >= line if "YAML" in problem else int(found[1]) == line, message


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {
                "threshold: 2.0": "threshold: 0",
                "languages: [en]": "languages: [xx]",
                "scope: sentence": "scope: word",
            },
            ["6: languages[0]: ", "7: threshold: ", "31: vetoes[0].scope: "],
        ),
        (
            {
                "any: [$boats]": "any: [$ships]",
                "need: [passengers, crew]": "need: [$crew]",
                "- name: sinking": "- name: toy",
            },
            ["16: phrases[0].any[0]: ", "27: rules[0].need[0]: ", "29: vetoes[0].name: "],
        ),
    ],
)
def test_lint_tells_all_that_is_wrong_with_a_file(tmp_path: Path, changes: dict[str, str], lines: list[str]) -> None:
    text = TAG_FILE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    errors = [finding.text for finding in findings(read_folder(folder(tmp_path, text))) if finding.is_error]
    assert len(errors) == len(lines)
    for error, line in zip(errors, lines, strict=True):
        assert error.startswith(f"{tmp_path}/a.yaml:{line}")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "ferry", "[", "\x00"])
def test_what_is_no_tag_file_at_all_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"a\.yaml"):
        load_taxonomy(folder(tmp_path, text))


def test_a_file_whose_own_tests_fail_is_refused_with_the_text(tmp_path: Path) -> None:
    missed = TAG_FILE.replace("- The ferry left.", "- The ferry left.\n    - The bus left.")
    with pytest.raises(
        InputError, match=r"a\.yaml:40: tests\.positive\[1\]: does not get the tag 'ferry' .*The bus left"
    ):
        load_taxonomy(folder(tmp_path, missed))
    wrong = TAG_FILE.replace("- A ferry tale of the toy town.", "- A ferry in the harbour.")
    with pytest.raises(InputError, match=r"tests\.negative\[0\]: gets the tag 'ferry' \(score 2\.4, threshold 2\)"):
        load_taxonomy(folder(tmp_path, wrong))


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.yaml:1: id: 'ferry' is already the id of .*a\.yaml"):
        load_taxonomy(folder(tmp_path, TAG_FILE, TAG_FILE))


def test_a_folder_that_is_none_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tag files"):
        load_taxonomy(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_taxonomy(tmp_path / "missing")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"id: \xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_taxonomy(tmp_path)


def _version(path: Path, *texts: str) -> str:
    path.mkdir()
    return load_taxonomy(folder(path, *texts)).version


def test_the_version_follows_the_meaning_not_the_layout(tmp_path: Path) -> None:
    first = _version(tmp_path / "1", TAG_FILE)
    assert re.fullmatch(rf"{re.escape(ENGINE_VERSION)}\+[0-9a-f]{{12}}(\.[0-9a-f]{{12}}){{2}}", first)
    commented = "# a comment\n" + TAG_FILE.replace("[quay,", "[ quay,").replace("The ferry left", "A ferry left")
    assert _version(tmp_path / "2", commented) == first
    assert _version(tmp_path / "3", TAG_FILE.replace("threshold: 2.0", "threshold: 2.1")) != first
    assert _version(tmp_path / "4", TAG_FILE.replace("gangway", "pier")) != first
    assert _version(tmp_path / "5", TAG_FILE, OTHER) == _version(tmp_path / "6", OTHER, TAG_FILE)


def test_the_order_of_the_tags_changes_nothing(packaged: Taxonomy) -> None:
    turned = Taxonomy(packaged.tags[::-1], packaged.fitted)
    story = article("Rebels shot down a military transport plane; 40 prisoners were exchanged.", "Talks failed.")
    assert turned.version == packaged.version
    assert classify(story, turned).model_dump_json() == classify(story, packaged).model_dump_json()


def test_a_taxonomy_pickles(packaged: Taxonomy) -> None:
    copied: Taxonomy = pickle.loads(pickle.dumps(packaged))  # noqa: S301 - our own bytes
    assert copied.version == packaged.version
    story = article("Rebels shot down a military transport plane over the town.")
    assert classify(story, copied) == classify(story, packaged)
