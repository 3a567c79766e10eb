"""The articles that ``copydesk taxonomy`` commands take."""

from pathlib import Path

import pytest

from copydesk_shared.errors import InputError
from copydesk_standalone.taxonomy.articles import articles_at
from tests.classifier.samples import article


def test_articles_come_in_any_of_these_ways(tmp_path: Path) -> None:
    one, two = (article(text).model_copy(update={"article_id": text}) for text in ("One.", "Two."))
    place = tmp_path / "stories"
    place.mkdir()
    (place / "a.ndjson").write_text(f"{one.model_dump_json()}\n\n{two.model_dump_json()}")
    (place / "b.json").write_text(f"{one.model_dump_json(indent=2)}\n")
    (place / "c.json").write_text(f"\ufeff{one.model_dump_json(indent=2)}{two.model_dump_json(indent=2)}")
    (place / "d.txt").write_text("Three.\nFour.\n")
    (place / "e.html").write_text("<p>not an article</p>")
    found = [each.text for each in articles_at(str(place))]
    assert found == ["One.", "Two.", "One.", "One.", "Two.", "Three.\nFour."]
    assert [each.text for each in articles_at(str(place / "d.txt"))] == ["Three.\nFour."]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("GOOD\n{broken\n", r"s\.ndjson:2: "),
        ("GOOD\n[1]\n", r"s\.ndjson:2: "),
        ("{\n  broken", r"s\.ndjson:2: not valid JSON: "),
        ('{"article_id": 5}\n', r"s\.ndjson:1: not the JSON of an article: "),
        ("[\n" * 100_000, r"s\.ndjson:1: nested too deeply"),
        ("[1,\n2]", r"s\.ndjson:1: not the JSON of an article"),
        ("", r"s\.ndjson: no articles in it"),
        ("\n \n", r"s\.ndjson: no articles in it"),
    ],
)
def test_articles_that_are_none(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "s.ndjson"
    path.write_text(content.replace("GOOD", article("One.").model_dump_json()))
    with pytest.raises(InputError, match=problem) as refused:
        list(articles_at(str(path)))
    assert "\n" not in str(refused.value)
