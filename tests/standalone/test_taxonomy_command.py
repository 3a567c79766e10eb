"""``copydesk taxonomy`` as a person uses it."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk_classifier import engine
from copydesk_classifier.folder import read_folder
from copydesk_classifier.new_tag import template
from copydesk_classifier.taxonomy import PACKAGED, load_taxonomy
from copydesk_shared.errors import InputError
from copydesk_standalone.cli import main
from copydesk_standalone.taxonomy.checking import copy_packaged, lint_tags, list_tags, run_tests
from copydesk_standalone.taxonomy.comparing import compare
from copydesk_standalone.taxonomy.explaining import explain_article
from tests.classifier.samples import TAG_FILE, article

STORY = """\
Toy boat sank
The ferry left the quay. A ferry tale was read on board of the ferry.
The vessel sank and its crew swam ashore, and the toy ferry sank as well.
"""
GERMAN = """\
tag: ferry
languages: [de]
phrases:
  - {name: boote, weight: 2, any: [Fähre]}
tests:
  positive: [Die Fähre legte ab.]
  negative: [Der Bus fuhr ab.]
"""


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COPYDESK_CLASSIFIER_TAXONOMY_DIR", raising=False)


@pytest.fixture
def tags(tmp_path: Path) -> Path:
    place = tmp_path / "tags"
    place.mkdir()
    (place / "ferry.yaml").write_text(TAG_FILE, encoding="utf-8")
    return place


Copydesk = Callable[..., tuple[int, str, str]]


@pytest.fixture
def copydesk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Copydesk:
    """The command in this process: exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["copydesk", "taxonomy", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


def _mistake(ended: tuple[int, str, str]) -> str:
    code, out, error = ended
    assert (code, out) == (2, "")
    [line] = error.splitlines()
    return line


def test_the_tags_are_listed(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "ferry.de.yaml").write_text(GERMAN)
    assert list_tags(str(tags), "table") == 0
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["tag", "version", "languages"]
    assert row.split() == ["ferry", "1", "en,de", "10", "1", "4", "2.0", "medtop:20000337", "Ferries"]
    assert last == f"1 tag, classifier {load_taxonomy(tags).version}"
    assert list_tags(str(tags), "json") == 0
    [listed] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (listed["tag"], listed["description"], listed["threshold"]) == ("ferry", "Boats that carry people.", 2.0)


def test_the_folder_is_that_of_the_setting_else_the_packaged_one(
    tags: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYDESK_CLASSIFIER_TAXONOMY_DIR", str(tags))
    list_tags(None, "json")
    assert [json.loads(line)["tag"] for line in capsys.readouterr().out.splitlines()] == ["ferry"]
    monkeypatch.delenv("COPYDESK_CLASSIFIER_TAXONOMY_DIR")
    list_tags(None, "json")
    by_setting = capsys.readouterr().out
    list_tags("packaged", "json")
    assert by_setting == capsys.readouterr().out
    assert {"conflict", "aviation"} <= {json.loads(line)["tag"] for line in by_setting.splitlines()}


def test_all_tests_that_fail_are_told(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests(str(tags)) == 0
    assert capsys.readouterr().out == "1 tag: 2 tests hold\n"
    (tags / "ferry.yaml").write_text(
        TAG_FILE.replace("The ferry left.", "A bus left.").replace("A ferry tale of the toy", "A ferry in")
    )
    assert run_tests(str(tags)) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tags}/ferry.yaml:39: tests.positive[0]: does not get the tag 'ferry' (score 0, ")
    assert second.startswith(f"{tags}/ferry.yaml:41: tests.negative[0]: gets the tag 'ferry' (score ")
    assert last == "1 tag: 2 of 2 tests fail"


def test_one_tag_by_its_file(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "ferry.de.yaml").write_text(GERMAN)
    (tags / "other.yaml").write_text("broken: [")
    assert run_tests(str(tags / "ferry.yaml")) == 0
    assert capsys.readouterr().out == "1 tag: 4 tests hold\n"
    assert run_tests(str(tags / "ferry.de.yaml")) == 0
    with pytest.raises(InputError, match=r"other\.yaml:1: not valid YAML"):
        run_tests(str(tags))
    (tags / "notes.txt").touch()
    with pytest.raises(InputError, match=r"notes\.txt: not a tag file"):
        run_tests(str(tags / "notes.txt"))


def _lint(place: Path, capsys: pytest.CaptureFixture[str], expected: int, *, strict: bool = False) -> list[str]:
    assert lint_tags(str(place), strict=strict) == expected
    return [line.removeprefix(f"{place}/") for line in capsys.readouterr().out.splitlines()]


def test_lint_tells_what_a_file_lacks(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _lint(tags, capsys, 0)
    assert lines == [
        "ferry.yaml:1: examples: 0 of at least 3 that similarity needs (warning)",
        "ferry.yaml:38: tests.positive: 1 of at least 12 that tell whether the file is any good (warning)",
        "ferry.yaml:40: tests.negative: 1 of at least 15 that tell whether the file is any good (warning)",
        "0 errors, 3 warnings",
    ]
    assert _lint(tags, capsys, 1, strict=True) == lines


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("ignore:", "  ships: [ship]\nignore:", "ferry.yaml:11: lists.ships: not used (warning)"),
        ("[quay,", "[quay, Gangway,", "ferry.yaml:19: phrases[1].any[3]: in 'harbour' already: 'gangway' (warning)"),
        ("any: [$boats]", "any: [quay, $boats]", "ferry.yaml:19: phrases[1].any[0]: in 'boats' already: 'quay' (warning)"),
        ("[quay,", "[quay, ferry-tale,", "ferry.yaml:19: phrases[1].any[1]: ignored by this tag: 'ferry tale' (warning)"),
        ("    - The ferry left.", "    - The ferry left.\n    - The ferry left.",
         "ferry.yaml:40: tests.positive[1]: the same test twice (warning)"),
        ("id: ferry", "id: boat", "ferry.yaml:1: id: the file is called ferry.yaml, the tag 'boat' (warning)"),
        ("label: Ferries", "label: FILL IN", "ferry.yaml:3: label: still says 'FILL IN' (warning)"),
    ],
)  # fmt: skip
def test_what_lint_warns_of(tags: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, warning: str) -> None:
    assert old in TAG_FILE
    (tags / "ferry.yaml").write_text(TAG_FILE.replace(old, new, 1))
    assert warning in _lint(tags, capsys, 0)


def test_a_line_of_which_some_has_an_effect_is_no_mistake(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "ferry.yaml").write_text(TAG_FILE.replace("[quay,", "[quay, quay|pier, pier|jetty|ferry tale,"))
    assert not any("phrases" in line for line in _lint(tags, capsys, 0))


def test_lint_tells_all_errors_of_all_files(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "boat.yaml").write_text("broken: [")
    (tags / "boat.de.yaml").write_text(GERMAN.replace("tag: ferry", "tag: boat"))
    (tags / "names.gazetteer.txt").write_text("a, b\n")
    (tags / "more.gazetteer.txt").write_text("Quaywright\n")
    (tags / "ferry.yaml").write_text(
        TAG_FILE.replace("[$boats]", "[$boats, '@names']").replace("A ferry tale of the toy", "A ferry in")
    )
    errors = [line for line in _lint(tags, capsys, 1) if line.endswith("(error)")]
    assert [line.partition(": ")[0] for line in errors] == ["boat.yaml:1", "ferry.yaml:41", "names.gazetteer.txt:1"]


def test_a_gazetteer_that_nobody_uses(tags: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "more.gazetteer.txt").write_text("Quaywright\n")
    told = "more.gazetteer.txt: no tag file here refers to it (warning)"
    assert told in _lint(tags, capsys, 0)
    assert lint_tags(str(tags / "ferry.yaml"), strict=False) == 0
    assert told not in capsys.readouterr().out


@pytest.mark.parametrize("tag", ["ferry-accidents", "null", "123", "2026-01-01", "x" * 64, "fill", "yes", "no-text"])
def test_a_new_tag_loads_as_it_is_and_lint_says_what_is_to_be_filled_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], copydesk: Copydesk, tag: str
) -> None:
    code, out, error = copydesk("new", tag, "--dir", str(tmp_path))
    assert (code, error) == (0, "")
    assert out.startswith(f"{tmp_path / tag}.yaml: fill it in")
    lines = _lint(tmp_path, capsys, 0 if tag != "fill" else 1)
    assert sum("still says 'FILL IN'" in line for line in lines) == 6
    if tag != "fill":
        assert [each.id for each in load_taxonomy(tmp_path).tags] == [tag]


def test_a_new_tag_filled_in_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = template("ferry-accidents", "en")
    text = text.replace("FILL IN: what a story with this tag is about.", "Ferries that sink, burn or run aground.")
    for number in range(3):
        text = text.replace("- FILL IN a", f"- Story {number} of a", 1)
    begin, end = text.index("  positive:"), text.index("  negative:")
    positive = "".join(f"    - Ferry accidents, number {number}.\n" for number in range(12))
    negative = "".join(f"    - A bus, number {number}.\n" for number in range(15))
    (tmp_path / "ferry-accidents.yaml").write_text(f"{text[:begin]}  positive:\n{positive}  negative:\n{negative}")
    assert end > begin
    assert _lint(tmp_path, capsys, 0, strict=True) == ["0 errors, 0 warnings"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["new", "Ferry Boat"], "'Ferry Boat' is not a tag id"),
        (["new", "../ferry"], "'../ferry' is not a tag id"),
        (["new", "ferry", "--language", "english"], "'english' is not a language"),
        (["new", "ferry", "--dir", "/no/such/folder"], "does not exist"),
        (["list", "/no/such/folder"], "not a folder of tag files"),
        (["test", "/"], "no tag files"),
        (["lint", "/no/such/folder"], "not a folder"),
        (["explain", "/no/such/file"], "no such file or directory"),
        (
            ["explain", "--tag", "nope", "--taxonomy", "TAGS", "TAGS/ferry.yaml"],
            "no tag is called 'nope'; there are: ferry",
        ),
        (["diff", "TAGS", "/no/such/folder", "-"], "not a folder of tag files"),
        (["diff", "TAGS", "TAGS", "/no/such/file"], "/no/such/file: no such file or directory"),
        (["diff", "TAGS", "TAGS", "-"], "-: no articles in it"),
        (["diff", "TAGS", "TAGS"], "ARTICLES"),
        (["copy", "TAGS/ferry.yaml"], "cannot be written: "),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tags: Path, copydesk: Copydesk, arguments: list[str], problem: str
) -> None:
    given = [each.replace("TAGS", str(tags)) for each in arguments]
    assert problem in _mistake(copydesk(*given))


def test_new_overwrites_nothing(tags: Path, copydesk: Copydesk) -> None:
    assert "is there already" in _mistake(copydesk("new", "ferry", "--dir", str(tags)))
    assert (tags / "ferry.yaml").read_text() == TAG_FILE


def test_the_packaged_files_can_be_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "a" / "mine"
    assert copy_packaged(place) == 0
    assert str(place) in capsys.readouterr().out
    assert read_folder(place).digest == read_folder(PACKAGED).digest
    with pytest.raises(InputError, match="nothing was copied"):
        copy_packaged(place)


@pytest.fixture
def story(tmp_path: Path) -> str:
    path = tmp_path / "story.json"
    title, *paragraphs = STORY.splitlines()
    path.write_text(article(*paragraphs, title=title).model_dump_json(indent=2))
    return str(path)


def test_explain_tells_what_fired_where_and_what_silenced_it(
    tags: Path, story: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tags / "bus.yaml").write_text(TAG_FILE.replace("ferry", "bus").replace("ferries", "buses").replace("boat", "car"))
    assert explain_article(story, str(tags), (), "text") == 0
    out = capsys.readouterr().out
    shown = [" ".join(line.split()) for line in out.splitlines()]
    assert shown[0].startswith("ferry ")
    assert "gets the tag" in shown[0]
    assert any(line.startswith("+2.40 paragraph 1 boats: The [ferry] left the quay.") for line in shown)
    assert any(line.startswith("+1.20 paragraph 1 harbour: The ferry left the [quay].") for line in shown)
    assert any(line.startswith("-2.00 paragraph 2 toy (veto): ") for line in shown)
    assert any(line.startswith("ignored paragraph 1 ignore: ") and "[ferry tale]" in line for line in shown)
    assert shown[-1] == f"classifier {load_taxonomy(tags).version}"


def test_explain_for_programs(tags: Path, story: str, capsys: pytest.CaptureFixture[str]) -> None:
    explain_article(story, str(tags), ("ferry",), "json")
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["tag"], row["verdict"], row["languages"]) == ("ferry", "tag", ["en"])
    fields = {firing["what"]: firing for firing in row["firings"]}
    assert fields["ignored"]["text"] == "ferry tale"
    text = "\n".join(STORY.splitlines()[1:])
    for firing in row["firings"]:
        source = text if firing["paragraph"] else STORY.splitlines()[0]
        assert source[firing["start"] : firing["end"]] == firing["text"]
    assert {firing["rule"] for firing in row["firings"]} == {"boats", "harbour", "ignore", "sinking", "toy"}


@pytest.mark.parametrize("has_similarity", [True, False])
def test_explain_shows_tags_below_their_threshold_and_names_the_silent_ones(
    tags: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_similarity: bool,
) -> None:
    if not has_similarity:
        monkeypatch.setattr(engine, "_vectors", lambda _tags: None)
    (tags / "tram.yaml").write_text(
        TAG_FILE.replace("ferry", "tram").replace("ferries", "trams").replace("quay", "rail")
    )
    story = tmp_path / "story.txt"
    story.write_text("They met on the quay.\n")
    explain_article(str(story), str(tags), (), "text")
    out = capsys.readouterr().out
    assert out.startswith("ferry  1.20 of 2  a candidate")
    silent = (
        r"\n\nNothing fires \(the similarity in brackets\): tram \(-?0\.\d\d\)\.\n"
        if has_similarity
        else r"\n\nNothing fires: tram\.\n"
    )
    assert re.search(silent, out)


def test_explain_says_that_a_language_has_no_words(
    tags: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    story = tmp_path / "story.json"
    story.write_text(article("Le ferry est parti.", language="fr").model_dump_json())
    explain_article(str(story), str(tags), (), "text")
    assert "No tag has words in the language 'fr'" in capsys.readouterr().out


def test_explain_needs_no_tests_that_hold(tags: Path, story: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tags / "ferry.yaml").write_text(TAG_FILE.replace("The ferry left.", "A bus left."))
    explain_article(story, str(tags), (), "text")
    assert capsys.readouterr().out.startswith("ferry ")
    with pytest.raises(InputError, match="does not get the tag"):
        compare(str(tags), "packaged", story, 20, "text")


def test_explain_takes_vetoed_stories(tags: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("The toy ferry left.\n")
    explain_article(str(story), str(tags), (), "text")
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "vetoed paragraph 1 boats: The toy [ferry] left." in shown
    assert "-2.00 paragraph 1 toy (veto): The [toy] ferry left." in shown


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Tags that know a pier and no gangway, and take more to give the tag."""
    place = tmp_path / "other"
    place.mkdir()
    text = TAG_FILE.replace("ferry|ferries", "ferry|ferries|pier|piers")
    (place / "ferry.yaml").write_text(text.replace("scope: document", "scope: sentence").replace("car ferry", "barge"))
    return place


def _stories(path: Path, *titles: str) -> str:
    lines = [
        article(f"{title}.", title=title).model_copy(update={"article_id": title}).model_dump_json() for title in titles
    ]
    path.write_text("\n".join(lines) + "\n\n")
    return str(path)


def test_diff_tells_what_is_gained_and_lost(
    tags: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tags / "ferry.yaml").write_text(TAG_FILE.replace("[quay,", "[jetty, quay,").replace("weight: 1\n", "weight: 2\n"))
    stories = _stories(tmp_path / "stories.ndjson", "A pier", "A jetty", "A ferry", "A bus")
    assert compare(str(tags), str(other), stories, 20, "text") == 1
    head, gained, lost, last = capsys.readouterr().out.splitlines()
    assert head == "ferry: 1 gained, 1 lost, 1 stay"
    assert gained.startswith("  + A pier  0.00 to ")
    assert lost.startswith("  - A jetty  ")
    assert last.startswith("4 articles, 2 with other tags: ")
    assert compare(str(tags), str(other), stories, 20, "json") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["tag"], row["what"], row["article_id"]) for row in rows] == [
        ("ferry", "gained", "A pier"), ("ferry", "lost", "A jetty"),
    ]  # fmt: skip
    assert compare(str(tags), str(other), stories, 0, "text") == 1
    assert "  + and 1 more" in capsys.readouterr().out.splitlines()


def test_no_difference_is_exit_code_0(tags: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(str(tags), str(tags), _stories(tmp_path / "stories.ndjson", "A ferry"), 20, "text") == 0
    assert capsys.readouterr().out.startswith("1 article, 0 with other tags: ")
