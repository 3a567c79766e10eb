"""What changed between two revisions: it can be applied, it is short, and hostile sizes cost little."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copydesk_api import differences as module
from copydesk_api.differences import Piece, differences, pieces
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article

WORDS = st.lists(st.sampled_from(["the ", "gull ", "sea", "\n", ", ", "é", "漢", "字", "e\u0301", "  "]), max_size=40)


def side(shown: Sequence[Piece], leave_out: str) -> str:
    return "".join(each.text for each in shown if each.op != leave_out)


def short(shown: Sequence[Piece]) -> str:
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[each.op].format(each.text) for each in shown)


def of_text(text: str, title: str = "T") -> ClassifiedArticle:
    return article("a", text=text, title=title)


@given(WORDS.map("".join), WORDS.map("".join))
@example("a" * 10, "")
def test_both_sides_can_be_read_from_it(before: str, after: str) -> None:
    shown = pieces(before, after)
    assert (side(shown, "added"), side(shown, "removed")) == (before, after)
    assert all(each.text for each in shown)


@given(WORDS.map("".join), WORDS.map("".join))
def test_it_turns_the_earlier_paragraphs_into_the_later(before: str, after: str) -> None:
    found = differences(of_text(before), of_text(after))
    paragraphs = before.split("\n")
    for each in reversed(found):
        assert each.field == "text"
        assert side(each.pieces, "added") == "\n".join(before.split("\n")[slice(*each.before)])
        replaced = side(each.pieces, "removed").split("\n") if each.after.start < each.after.end else []
        assert replaced == after.split("\n")[slice(*each.after)]
        paragraphs[slice(*each.before)] = replaced
    assert paragraphs == after.split("\n")
    assert bool(found) == (before != after)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Two officials said so.", "Three officials said so.", "[-Two-][+Three+] officials said so."),
        ("It sank off Ostwick.", "It sank slowly off Ostwick.", "It sank [+slowly +]off Ostwick."),
        ("A b c d e", "A b c d e", "A b c d e"),
        ("The old mayor left the hall", "A young clerk saw the sea", "[-The old mayor left-][+A young clerk saw+] the [-hall-][+sea+]"),
        ("同じ町で", "同じ村で", "同じ[-町-][+村+]で"),
        ("", "New.", "[+New.+]"),
    ],
)  # fmt: skip
def test_what_people_see(before: str, after: str, expected: str) -> None:
    assert short(pieces(before, after)) == expected


def test_paragraphs_that_stayed_are_not_told() -> None:
    found = differences(of_text("one\ntwo is here\nthree", "Old"), of_text("one\ntwo was here\nthree\nfour", "New"))
    assert [(each.field, *each.before, *each.after, short(each.pieces)) for each in found] == [
        ("title", 0, 1, 0, 1, "[-Old-][+New+]"),
        ("text", 1, 2, 1, 2, "two [-is-][+was+] here"),
        ("text", 3, 3, 3, 4, "[+four+]"),
    ]
    assert differences(of_text("same"), of_text("same")) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a b " * 500_000, "b a " * 500_000),
        ("a\n" * 500_000, "\nb" * 500_000),
        ("x" * 4_000_000, "x" * 4_000_001),
        ("漢" * 150_000, "字" * 150_000),
        ("ab " * 60_000, "a b" * 60_000),
    ],
)
@pytest.mark.timeout(60)  # a fraction of a second is what it takes; without bounds it were hours
def test_hostile_sizes_cost_little(before: str, after: str) -> None:
    assert side(differences(of_text(before), of_text(after))[0].pieces, "added")


def test_beyond_the_bound_it_is_told_as_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 10)
    found = differences(of_text("a b c d e"), of_text("a x c y e"))
    assert short(found[0].pieces) == "a [-b c d-][+x c y+] e"
