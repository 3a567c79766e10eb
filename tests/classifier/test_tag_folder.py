"""What belongs to a tag besides its file: gazetteers, further languages, examples; and what is refused of a folder."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_classifier import drafts, engine
from copydesk_classifier.folder import MAX_FILE_BYTES, MAX_FILES, Folder, read_folder
from copydesk_classifier.gazetteers import MAX_PHRASES as MAX_GAZETTEER
from copydesk_classifier.stage import classify
from copydesk_classifier.tag_file import MAX_PHRASES
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy, taxonomy_of
from copydesk_shared.errors import InputError
from tests.classifier.samples import TAG_FILE, article, tags_of

MAKERS = """\
# Makers of ferries.
Quaywright
(Saltmarsh|Mudflat) Yards   # two of them
"""
WITH_MAKERS = TAG_FILE.replace("[ferry|ferries, car ferry]", "[ferry|ferries, '@makers']").replace(
    "a: [boat, vessel]", "a: [boat, vessel, '@makers']"
)
GERMAN = """\
tag: ferry
languages: [de]
phrases:
  - name: boote
    weight: 2
    any: [Fähre|Fähren]
tests:
  positive: [Die Fähre legte ab.]
  negative: [Der Bus fuhr ab.]
"""
BY_EXAMPLES = """\
id: ferry
version: 1
label: Ferries
description: Ferries that carry passengers and cars across a river or to an island.
languages: [en]
threshold: auto
examples:
  - The ferry to the island sailed at noon with two hundred passengers on board.
  - Cars and passengers waited for the ferry across the river.
  - The harbour's two ferries carry commuters to the island every morning.
tests:
  positive: [Passengers waited at the harbour for the ferry that sails to the island.]
  negative: [The central bank left its interest rate where it was on Thursday.]
"""


def _write(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return path


def _refused(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        load_taxonomy(path)
    message = str(refused.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}/")


def _tags(taxonomy: Taxonomy, text: str, language: str | None = "en") -> set[str]:
    return tags_of(classify(article(text, language=language), taxonomy))


def test_a_gazetteer_stands_where_phrases_do(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(_write(tmp_path, ferry__yaml=WITH_MAKERS, makers__gazetteer__txt=MAKERS))
    assert _tags(taxonomy, "Mudflat Yards was sold.") == {"ferry"}
    assert _tags(taxonomy, "A bus was sold.") == set()
    assert _tags(taxonomy, "A Quaywright sank.") == {"ferry"}


def test_the_names_in_a_gazetteer_count_for_the_version_and_its_comments_do_not(tmp_path: Path) -> None:
    def version(makers: str) -> str:
        return load_taxonomy(_write(tmp_path, ferry__yaml=WITH_MAKERS, makers__gazetteer__txt=makers)).version

    first = version(MAKERS)
    assert version(f"\ufeff{MAKERS}\n\n# more\n") == first
    assert version(f"{MAKERS}Gullwing\n") != first


@pytest.mark.parametrize(
    ("makers", "problem"),
    [
        ("Quaywright\nSaltmarsh, Mudflat\n", "makers.gazetteer.txt:2: punctuation inside 'Saltmarsh, Mudflat'"),
        ("(a|b\n", "makers.gazetteer.txt:1: a stray parenthesis"),
        ("Quaywright\n$boats\n", "makers.gazetteer.txt:2: a gazetteer cannot refer to a list or a gazetteer"),
        ("@others\n", "makers.gazetteer.txt:1: a gazetteer cannot refer"),
        ("# nobody\n\n", "makers.gazetteer.txt: no phrases in it"),
        (f"{'(a|b|c|d|e|f|g|h|i|j) (a|b|c|d|e|f|g|h|i|j)' * 1}\n" * (MAX_GAZETTEER // 100 + 1),
         f"makers.gazetteer.txt:{MAX_GAZETTEER // 100 + 1}: more than {MAX_GAZETTEER} phrases"),
    ],
)  # fmt: skip
def test_a_bad_gazetteer_is_refused_with_its_line(tmp_path: Path, makers: str, problem: str) -> None:
    _write(tmp_path, ferry__yaml=WITH_MAKERS, makers__gazetteer__txt=makers)
    assert _refused(tmp_path).startswith(problem)


def test_a_gazetteer_that_there_is_not(tmp_path: Path) -> None:
    message = _refused(_write(tmp_path, ferry__yaml=WITH_MAKERS))
    assert message == "ferry.yaml:10: lists.boats[1]: there is no gazetteer 'makers' (makers.gazetteer.txt)"


def test_the_name_of_a_gazetteer(tmp_path: Path) -> None:
    message = _refused(_write(tmp_path, ferry__yaml=TAG_FILE, Makers__gazetteer__txt=MAKERS))
    assert message.startswith("Makers.gazetteer.txt: the name of a gazetteer is small letters")


def test_each_language_has_its_own_words(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(_write(tmp_path, ferry__yaml=TAG_FILE, ferry__de__yaml=GERMAN))
    assert _tags(taxonomy, "Die Fähre legte ab.", "de") == {"ferry"}
    assert _tags(taxonomy, "Die Fähre legte ab.", "de-AT") == {"ferry"}
    assert _tags(taxonomy, "Die Fähre legte ab.", "en") == set()
    assert _tags(taxonomy, "The ferry left.", "de") == set()
    assert _tags(taxonomy, "The ferry left.", None) == _tags(taxonomy, "Die Fähre legte ab.", None) == {"ferry"}
    classified = classify(article("Le ferry est parti.", language="fr"), taxonomy)
    assert (classified.tags, classified.unsupported_language) == ((), True)
    [tag] = classify(article("Die Fähre legte ab.", language="de"), taxonomy).tags
    assert (tag.label, tag.iptc) == ("Ferries", ("medtop:20000337",))


def test_the_tests_of_a_language_run_with_its_words_alone(tmp_path: Path) -> None:
    english = GERMAN.replace("Die Fähre legte ab.", "The ferry left.")
    message = _refused(_write(tmp_path, ferry__yaml=TAG_FILE, ferry__de__yaml=english))
    assert message.startswith("ferry.de.yaml:8: tests.positive[0]: does not get the tag 'ferry' (score 0, threshold 2)")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("ferry__de__yaml", GERMAN.replace("tag: ferry", "tag: boat"), "ferry.de.yaml:1: tag: the file of 'boat'"),
        ("boat__de__yaml", GERMAN.replace("tag: ferry", "tag: boat"), "boat.de.yaml:1: tag: there is no tag 'boat'"),
        ("ferry__nl__yaml", GERMAN, "ferry.nl.yaml:2: languages: 'nl', which the file is named after, is not among"),
        ("ferry__en__yaml", GERMAN.replace("[de]", "[de, en]"), "ferry.en.yaml:2: languages[1]: 'ferry' has 'en' in"),
        ("ferry__de__yaml", GERMAN.replace("tag: ferry", "tag: ferry\nthreshold: 3"), "ferry.de.yaml:2: threshold"),
        ("ferry__de__yaml", TAG_FILE, "ferry.de.yaml:1: id: there is no such key"),
        ("ferry__de__yaml", GERMAN[: GERMAN.index("phrases")] + GERMAN[GERMAN.index("tests") :],
         "ferry.de.yaml:1: give phrases or rules"),
    ],
)  # fmt: skip
def test_a_language_file_that_does_not_belong_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    assert _refused(_write(tmp_path, ferry__yaml=TAG_FILE, **{name: text})).startswith(problem)


def test_a_tag_may_be_made_of_a_description_and_examples_alone(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(_write(tmp_path, ferry__yaml=BY_EXAMPLES))
    if taxonomy.has_similarity:
        assert _tags(taxonomy, "Commuters on the island wait for the ferry across to the harbour.") == {"ferry"}
    assert _tags(taxonomy, "Shares fell on Monday as oil rose.") == set()


def test_without_similarity_such_a_tag_loads_and_is_never_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_vectors", lambda _tags: None)
    taxonomy = load_taxonomy(_write(tmp_path, ferry__yaml=BY_EXAMPLES))
    assert _tags(taxonomy, "Commuters on the island wait for the ferry across to the harbour.") == set()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Cars and passengers waited for the ferry across the river.",
         "Passengers waited at the harbour for the ferry that sails to the island.",
         "ferry.yaml:9: examples[1]: an example may not be a test as well"),
        ("threshold: auto", "threshold: automatic", "ferry.yaml:6: threshold"),
        ("threshold: auto", "threshold:", "ferry.yaml:6: threshold: give a number or 'auto'"),
        ("threshold: auto", "threshold: on", "ferry.yaml:6: threshold: give a number"),
    ],
)  # fmt: skip
def test_bad_examples_and_thresholds(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in BY_EXAMPLES
    assert _refused(_write(tmp_path, ferry__yaml=BY_EXAMPLES.replace(old, new))).startswith(problem)


def test_more_than_ten_examples(tmp_path: Path) -> None:
    many = "examples:\n" + "".join(f"  - Story {number}.\n" for number in range(11))
    text = BY_EXAMPLES[: BY_EXAMPLES.index("examples:")] + many + BY_EXAMPLES[BY_EXAMPLES.index("tests:") :]
    assert _refused(_write(tmp_path, ferry__yaml=text)).startswith("ferry.yaml:7: examples: ")


def test_nothing_to_look_for(tmp_path: Path) -> None:
    text = BY_EXAMPLES[: BY_EXAMPLES.index("examples:")] + BY_EXAMPLES[BY_EXAMPLES.index("tests:") :]
    assert _refused(_write(tmp_path, ferry__yaml=text)) == "ferry.yaml:1: give phrases or rules, or examples"


def _phrases(lines: Iterable[str]) -> str:
    start, end = TAG_FILE.index("any: [quay"), TAG_FILE.index("rules:")
    return TAG_FILE[:start] + "any:\n" + "".join(f"      - {line}\n" for line in lines) + TAG_FILE[end:]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["(a|b|c|d|e|f|g|h|i|j) (a|b|c|d|e|f|g|h|i|j)"] * (MAX_PHRASES // 100), f"more than {MAX_PHRASES} phrases"),
        (["(a|b) " * 700], "longer than 4000 characters"),
        (["(a|b) " * 600], f"more than {MAX_PHRASES} phrases in one file"),
        (["'@many'"] * 3, f"more than {MAX_PHRASES} phrases in one file, lists and gazetteers included"),
    ],
)
def test_what_would_swallow_memory_is_refused_at_once(tmp_path: Path, lines: list[str], problem: str) -> None:
    many = "\n".join(f"name {number}" for number in range(MAX_GAZETTEER))
    message = _refused(_write(tmp_path, ferry__yaml=_phrases(lines), many__gazetteer__txt=many))
    assert message.startswith("ferry.yaml:")
    assert problem in message
    assert len(message) < 5_000


def test_too_many_phrases_in_all_files_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_PHRASES_IN_ALL", 50)
    assert (
        len(load_taxonomy(_write(tmp_path, a__yaml=TAG_FILE, b__yaml=TAG_FILE.replace("id: ferry", "id: boat"))).tags)
        == 2
    )
    message = _refused(_write(tmp_path, c__yaml=TAG_FILE.replace("id: ferry", "id: ship")))
    assert message == "c.yaml:1: more than 50 phrases with those of the files before it"


def test_files_that_are_too_large_or_too_many_or_none(tmp_path: Path) -> None:
    _write(tmp_path, ferry__yaml=f"{TAG_FILE}#{'x' * MAX_FILE_BYTES}")
    assert _refused(tmp_path) == f"ferry.yaml: larger than {MAX_FILE_BYTES // 1024} KiB"
    (tmp_path / "ferry.yaml").unlink()
    (tmp_path / "pipe.yaml").mkdir()
    assert _refused(tmp_path) == "pipe.yaml: not a file"
    (tmp_path / "pipe.yaml").rmdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    assert _refused(tmp_path) == "pipe.yaml: not a file"
    (tmp_path / "pipe.yaml").unlink()
    _write(tmp_path, ferry__yml=TAG_FILE)
    assert _refused(tmp_path) == "ferry.yml: tag files end in .yaml and gazetteers in .gazetteer.txt"
    (tmp_path / "ferry.yml").rename(tmp_path / "ferry.YAML")
    assert _refused(tmp_path) == "ferry.YAML: tag files end in .yaml and gazetteers in .gazetteer.txt"
    (tmp_path / "ferry.YAML").unlink()
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    assert _refused(tmp_path).endswith(f"more than {MAX_FILES} files")


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "ferry.yaml").symlink_to(tmp_path / "ferry.yaml")
    assert _refused(tmp_path).startswith("ferry.yaml: ")


def test_the_digest_of_a_folder_is_that_of_names_and_contents(tmp_path: Path) -> None:
    first = read_folder(_write(tmp_path, a__yaml="1", b__yaml="2")).digest
    assert read_folder(_write(tmp_path, a__yaml="1", notes__txt="x", __hidden__yaml="y")).digest == first
    assert read_folder(_write(tmp_path, a__yaml="2", b__yaml="1")).digest != first


_BITS = st.sampled_from(["", "\n", "  ", "- ", ": ", "[", "]", "{", "}", "'", '"', "#", "@x", "$x", "(a|", "|", ",", "&a", "*a",
                         "!!int ", "1", "null", "yes", "\x00", "\ud800", "é", "- name: x\n", "tests:\n", "any: "])  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, len(TAG_FILE)), st.integers(0, 12), _BITS), min_size=1, max_size=4))
@settings(max_examples=150)
def test_any_spoilt_file_is_taken_or_refused_in_one_line(spoilings: list[tuple[int, int, str]]) -> None:
    text = TAG_FILE
    for at, length, bit in spoilings:
        text = text[:at] + bit + text[at + length :]
    complaint = "tags/ferry.yaml:1: "
    try:
        taxonomy_of(Folder(Path("tags"), {"ferry.yaml": text.encode("utf-8", "surrogatepass")}))
    except InputError as error:
        complaint = str(error)
    assert complaint.startswith("tags/ferry.yaml:")
    assert "\n" not in complaint
