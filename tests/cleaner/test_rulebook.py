"""Rule files: ours hold, bad ones are refused with file and line, and the patterns cannot explode."""

import pickle
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.rulebook import Rule, Source, book_with, digest, shipped
from copydesk_cleaner.rulebook.book import make_book
from copydesk_cleaner.rulebook.check import check_patterns, failures
from copydesk_cleaner.rulebook.engine import edge_family, line_family
from copydesk_cleaner.rulebook.files import folder_sources, parse, shipped_sources
from copydesk_cleaner.rulebook.operators import checked_folder
from copydesk_cleaner.rulebook.patterns import PatternError, check
from copydesk_cleaner.stage import STAGE, Cleaner, stage_with
from copydesk_cleaner.story import Context, Family, Story
from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_shared.errors import InputError
from copydesk_shared.stage import Emit
from tests.cleaner.pages import text_page

RULES = shipped().rules()
PATTERN_RULES = tuple(rule for rule in RULES if rule.pattern is not None)

GOOD = """\
family: mine
about: What our own pages print.
fragments:
  letters: '[A-Z]+'
rules:
  - id: mine.quay-letter
    kind: promotion
    scope: line
    languages: [en]
    provenance: The letter of the quay, 2026
    patterns:
      - 'Quay letter {{letters}}: write to us'
    hit: 'Quay letter A: write to us'
    keep: The quay letter was read to the members.
"""


def source(text: str, stem: str = "mine") -> Source:
    return Source(f"{stem}.yaml", stem, text)


def refused(text: str, stem: str = "mine") -> str:
    """The complaint about a file, at whichever step it comes."""
    try:
        book = book_with((source(text, stem),))
        check_patterns(book, [stem])
    except InputError as error:
        return str(error)
    return "; ".join(map(str, failures(book, [stem])))


def with_pattern(pattern: str) -> str:
    return GOOD.replace("'Quay letter {{letters}}: write to us'", f"'{pattern}'")


@cache
def broken() -> dict[str, list[str]]:
    found = defaultdict(list)
    for failure in failures(shipped(), shipped().families):
        found[failure.rule].append(str(failure))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_examples_of_a_rule_hold(rule: Rule) -> None:
    assert broken().get(rule.id, []) == []


def test_no_pattern_of_ours_is_dangerous() -> None:
    check_patterns(shipped(), shipped().families)


def test_our_files_read_with_lines_are_those_read_quickly() -> None:
    slowly = make_book(map(parse, shipped_sources()))
    assert [file.entry for file in slowly.files] == [file.entry for file in shipped().files]


def test_the_file_of_these_tests_is_good() -> None:
    assert refused(GOOD) == ""


def test_a_good_file_runs_after_ours_and_is_named_in_the_version() -> None:
    files = (source(GOOD),)
    handle = pickle.loads(pickle.dumps(stage_with(files).handle))  # noqa: S301 - our own bytes
    outcome = handle(
        text_page("The board met on Friday to hear the crews.\nQuay letter B: write to us\nIt ended late.")
    )
    assert isinstance(outcome, Emit)
    assert [removal.rule for removal in outcome.message.removals] == ["mine.quay-letter"]
    assert outcome.message.cleaner_version == f"{CLEANER_VERSION}+rules.{digest(files)}" == stage_with(files).version


def test_without_files_the_stage_is_the_usual_one() -> None:
    assert stage_with(()) is STAGE
    assert Cleaner(()).version == CLEANER_VERSION


def test_the_digest_is_of_what_the_files_say() -> None:
    one = digest((source(GOOD),))
    assert one == digest((Source("elsewhere/mine.yaml", "mine", GOOD),))
    assert len({one, digest((source(GOOD + "\n"),)), digest((source(GOOD, "yours"),)), digest(())}) == 4


def test_words_that_a_rule_names_hide_no_pattern_that_has_words_of_its_own() -> None:
    assert refused(GOOD.replace("    patterns:", "    needs: [timetable]\n    patterns:")) == ""


def test_what_draws_the_eye_to_a_prompt_hides_it_not() -> None:
    book = book_with((source(GOOD.replace("'Quay letter A: write", "'>> Quay letter A: write")),))
    assert list(failures(book, ["mine"])) == []


FUNCTION = GOOD.replace("scope: line", "scope: code\n    about: A letter of the quay.").replace(
    "    patterns:\n      - 'Quay letter {{letters}}: write to us'\n", ""
)


def test_a_rule_of_scope_code_is_refused_in_a_file_that_is_not_ours() -> None:
    assert refused(FUNCTION) == (
        "mine.yaml:8: rules[0].scope: scope code is for rules that the cleaner itself does: "
        "here it is line, start or end, with patterns"
    )


def test_one_language_needs_no_list() -> None:
    (rule,) = book_with((source(GOOD.replace("languages: [en]", "languages: en")),)).rules("mine")
    assert rule.languages == ("en",)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("    keep:", "    kept: 1\n    keep:"), "mine.yaml:14: rules[0].kept: there is no such key"),
        (("    keep: The quay letter was read to the members.\n", ""), "mine.yaml:6: rules[0].keep: is missing"),
        (("    hit: 'Quay letter A: write to us'", "    hit: []"), "mine.yaml:13: rules[0].hit: "),
        (("    languages: [en]", "    languages: [English]"), "mine.yaml:9: rules[0].languages[0]: "),
        (("    provenance: The letter of the quay, 2026\n", ""), "mine.yaml:6: rules[0].provenance: is missing"),
        (("[A-Z]+", "[A-Z"), "mine.yaml:12: rules[0].patterns[0]: not a regular expression: "),
        (("{{letters}}", "{{leters}}"), "mine.yaml:12: rules[0].patterns[0]: no fragment or vocabulary is called 'l"),
        (
            ("{{letters}}", "{{ letters }}"),
            "mine.yaml:12: rules[0].patterns[0]: no fragment or vocabulary is called ' l",
        ),
        (("languages: [en]", "languages: English"), "mine.yaml:9: rules[0].languages"),
        (("'[A-Z]+'", "'[A-Z]{{x}}'"), "mine.yaml:4: fragments.letters: no fragment or vocabulary is called 'x'"),
        (("'Quay letter {{letters}}: ", "'(?P<titel>Q)uay letter {{letters}}: "), "mine.yaml:12: rules[0].patterns[0]"),
        (("mine.quay-letter", "promotion.app"), "mine.yaml:6: rules[0].id: 'rule promotion.app' is already in promo"),
        (("kind: promotion", "kind: junk"), "mine.yaml:7: rules[0].kind: "),
        (("family: mine", "family: yours"), "mine.yaml:1: family: is 'yours', but the file is called mine.yaml"),
        (("scope: line", "scope: code"), "mine.yaml:6: rules[0]: a rule of scope code is done by a function"),
        (("rules:", "rules: ["), "mine.yaml:"),
        (
            ("    hit: 'Quay letter A: write to us'", "    hit: Write to us"),
            "mine.yaml:13: mine.quay-letter: hit is not cut: 'Write to us'",
        ),
        (
            ("    keep: The quay letter was read to the members.", "    keep: 'Quay letter B: write to us'"),
            "mine.yaml:14: mine.quay-letter: keep is cut: mine.quay-letter takes 'Quay letter B: write to us",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_line(change: tuple[str, str], complaint: str) -> None:
    assert change[0] in GOOD
    assert refused(GOOD.replace(*change)).startswith(complaint)


def test_a_hit_that_another_rule_cuts_is_told() -> None:
    text = GOOD.replace("Quay letter A: write to us", "Advertisement")
    assert refused(text) == (
        "mine.yaml:13: mine.quay-letter: hit is not cut: 'Advertisement', or by another rule: boilerplate.advertisement"
    )


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(?:Quay letter A: write to us)?", "matches the empty string"),
        ("|Quay letter A: write to us", "matches the empty string"),
        ("(?:[A-Za-z: ]+)+!?", "a repetition without end stands inside another"),
        ("Quay (?:\\w+:? ?)*us", "a repetition without end stands inside another"),
        ("(?:Quay|(?:letter|\\w+ ?){1,900}) letter A: write to us", "a repetition without end stands inside another"),
        ("(?:\\w+:? ?){1,40}us", "takes too long on a line such as "),
        ("(?:\\w|\\w\\w){1,60}us|Quay letter A: write to us", "takes too long on a line such as "),
    ],
)
def test_a_dangerous_pattern_is_refused(pattern: str, complaint: str) -> None:
    message = refused(with_pattern(pattern))
    assert complaint in message
    assert message.startswith(("mine.yaml:12: rules[0].patterns[0]: ", "mine.yaml:11: rules[0].patterns: "))


@pytest.mark.parametrize("pattern", ["a+b+", "(?:a{1,9}b){1,9}", "x(?:ab)*", "(?>a+)b", "(?=a+)b"])
def test_a_harmless_pattern_is_not(pattern: str) -> None:
    check(pattern, ignore_case=False)


@given(st.from_regex(r"\A[a-c(|)+*?]{1,12}\Z"))
def test_any_pattern_is_fit_for_use_or_refused_in_one_line(pattern: str) -> None:
    try:
        book = book_with((source(with_pattern(pattern)),))
        check(book.rules("mine")[0].patterns[0], ignore_case=False)
    except (InputError, PatternError) as error:
        complaint = str(error)
    else:
        complaint = "none"
        assert re.fullmatch(pattern, "") is None
    assert len(complaint.splitlines()) == 1


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        text = GOOD.replace("family: mine", f"family: {name}").replace("mine.", f"{name}.")
        (tmp_path / f"{name}.yaml").write_text(text.replace("Quay", name.upper()), encoding="utf-8")
    assert [each.stem for each in checked_folder(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("mine.yml", GOOD.encode(), "mine.yml: the name of a rule file ends in .yaml"),
        ("mine.yaml", b"\xff\xfe", "mine.yaml: not UTF-8 at byte 0"),
        ("mine.yaml", b"#" * (1024 * 1024 + 1), "mine.yaml: larger than 1024 KiB"),
        ("readme.txt", b"", "holds no rule file (*.yaml)"),
    ],
)
def test_a_folder_with_a_bad_file_is_refused(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        folder_sources(tmp_path)
    assert str(caught.value).endswith(complaint)


def test_our_own_rules_name_no_words_that_they_need() -> None:
    """What their patterns need is read off them; a word too many would hide a rule from lines that it matches."""
    assert [rule.id for rule in PATTERN_RULES if rule.needs] == []


@cache
def pattern_families() -> tuple[Family, Family]:
    """Both families of all these rules, made once: what they need is worked out then."""
    return line_family(PATTERN_RULES), edge_family(PATTERN_RULES)


@given(st.lists(st.sampled_from([example.text for rule in PATTERN_RULES for example in (*rule.hit, *rule.keep)])))
def test_the_pre_tests_hide_nothing(lines: list[str]) -> None:
    """A family finds on each line what its rules find there one by one."""
    in_lines, at_edges = pattern_families()
    story = Story.of("\n".join(line.replace("\n", " ") for line in lines))
    alone = {
        (unit.start, next(rule.id for rule in PATTERN_RULES if rule.scope == "line" and rule.match(unit.text)))
        for unit in story.units
        if any(rule.scope == "line" and rule.match(unit.text) for rule in PATTERN_RULES) and len(unit.text) <= 600
    }
    found = {(finding.cuts[0].start, finding.cuts[0].rule) for finding in in_lines(story.units, Context())}
    assert found == alone
    ends = list(at_edges(story.units, Context()))
    assert all(finding.cuts[0].rule in {rule.id for rule in PATTERN_RULES} for finding in ends)
