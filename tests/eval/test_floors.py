"""Cleaner and classifier against their floors: the project's own documents always, developer data where it is there."""

import pytest

from tests.cleaner.pages import ROOT
from tests.eval import figures, floors, gold
from tests.eval.measure import Figures, gone, lines_of, page_tallies, shingle_f1

FLOORS = floors.load(floors.HERE)


def check(section: str, reached: Figures) -> None:
    """Each figure has a floor that it reaches, each floor a figure."""
    names = [name for name in FLOORS if name.partition(".")[0] == section]
    assert set(names) <= {f"{section}.{name}" for name in reached}
    complaints = [floors.complaint(f"{section}.{name}", value, FLOORS) for name, value in reached.items()]
    assert [line for line in complaints if line] == []


@pytest.mark.parametrize("section", figures.OWN)
def test_own_documents(section: str) -> None:
    check(section, figures.OWN[section]())


@pytest.mark.seed
@pytest.mark.parametrize("section", figures.DEVELOPER_DATA)
def test_developer_data(section: str) -> None:
    data = figures.data_of(section)
    if not data.exists():
        pytest.skip(f"{section}: needs {data.relative_to(ROOT.parent)}")
    check(section, figures.DEVELOPER_DATA[section]())


def test_there_are_enough_documents() -> None:
    assert len(gold.pages()) >= 32
    assert len(gold.texts()) >= 43
    assert {of.language for of in gold.pages().values()} >= {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk"}


@pytest.mark.parametrize("name", gold.pages())
def test_the_gold_of_a_page_does_not_contradict_itself(name: str) -> None:
    of = gold.pages()[name]
    assert set(of.keep) <= set(of.body)
    assert {*of.captions, *of.related} <= set(of.junk)
    assert not set(lines_of(of.body)) & set(lines_of(of.junk))


def test_every_floor_has_figures() -> None:
    assert {name.partition(".")[0] for name in FLOORS} == figures.OWN.keys() | figures.DEVELOPER_DATA.keys()


def test_the_measures_see_what_is_wrong() -> None:
    of = gold.pages()["wire"]
    article = figures.article("wire")
    worse = article.model_copy(
        update={"paragraphs": (*article.paragraphs[1:], of.junk[-2]), "title": "", "images": (), "language": "de"}
    )
    tallies = page_tallies(of, worse)
    assert {name for name, tally in tallies.items() if not all(tally)} >= {
        "junk_gone",
        "keep_kept",
        "lines_intact",
        "documents_exact",
        "title",
        "language",
        "captions",
    }


@pytest.mark.parametrize(
    ("junk", "lines", "expected"),
    [
        ("Share", ["Share"], False),
        ("Share", ["Share prices fell."], True),
        ("Sign up for our morning letter", ["It rained. Sign up for our morning letter"], False),
        ("- Quay Town | 27", ["Quay Town 27"], False),
    ],
)
def test_gone(junk: str, lines: list[str], *, expected: bool) -> None:
    assert gone(junk, lines) is expected


def test_shingle_f1() -> None:
    assert shingle_f1([("a b c d e", "a b c d e")]) == 1
    assert shingle_f1([("a b c d e f g", "a b c d e")]) == pytest.approx(2 * 1 * 0.5 / 1.5)
