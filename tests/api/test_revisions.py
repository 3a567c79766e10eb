"""The history of an article over REST and as a page: what each revision changed, in pages, and when there is none."""

from typing import Any

import httpx
import pytest

from copydesk_api.cursors import encode_position
from copydesk_api.revisions import RevisionList
from copydesk_api.store import Store
from copydesk_api.web import diffs
from tests.api.samples import article
from tests.api.test_pages import get, words
from tests.api.test_rest import assert_problem, follow

URL = "/v1/articles/a/revisions"


@pytest.fixture
def revised(store: Store) -> Store:
    store.write([("a", article("a", 1, "Two officials said so.\nThe sea was calm."))], {})
    store.write([("a", article("a", 2, "Three officials said so.\nThe sea was calm.\nThe port is shut."))], {})
    retag = article(
        "a", 2, "Three officials said so.\nThe sea was calm.\nThe port is shut.", ("aviation",), classifier_version="2"
    )
    store.write([("a", retag)], {})
    return store


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    RevisionList.model_validate_json(answer.content)
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.usefixtures("revised")
def test_each_revision_with_what_it_changed(client: httpx.Client) -> None:
    newest, second, first = items(client.get(URL))
    assert [each["revision"] for each in (newest, second, first)] == [2, 2, 1]
    assert newest["position"] > second["position"] > first["position"]
    assert (newest["diff"], newest["tags_added"], newest["tags_removed"]) == ([], ["aviation"], ["conflict"])
    assert [each["pieces"] for each in second["diff"]] == [
        [
            {"op": "removed", "text": "Two"},
            {"op": "added", "text": "Three"},
            {"op": "same", "text": " officials said so."},
        ],
        [{"op": "added", "text": "The port is shut."}],
    ]
    assert [second["diff"][1][name] for name in ("field", "before_start", "before_end", "after_start", "after_end")] == [
        "text", 2, 2, 2, 3,
    ]  # fmt: skip
    assert first["diff"] is None
    assert "article" not in first


@pytest.mark.usefixtures("revised")
def test_the_whole_articles_when_asked_for(client: httpx.Client) -> None:
    found = items(client.get(URL, params={"full": "true"}))
    assert [each["article"]["paragraphs"][0] for each in found] == [
        "Three officials said so.", "Three officials said so.", "Two officials said so.",
    ]  # fmt: skip


@pytest.mark.usefixtures("revised")
def test_pages_tell_the_same_as_one(client: httpx.Client, revised: Store) -> None:
    whole = items(client.get(URL))
    pages = list(follow(client, f"{URL}?limit=1"))
    assert [each for page in pages for each in page["items"]] == whole
    second = client.get(URL, params={"limit": 2, "cursor": pages[0]["next"]})
    revised.write([("a", article("a", 3, "Corrected."))], {})
    assert client.get(URL, params={"limit": 2, "cursor": pages[0]["next"]}).json() == second.json()


@pytest.mark.usefixtures("revised")
def test_what_cannot_be_answered(client: httpx.Client, revised: Store) -> None:
    revised.write([("b", article("b")), ("gone", article("gone")), ("gone", None)], {})
    cursor = client.get(f"{URL}?limit=1").json()["next"]
    assert_problem(client.get("/v1/articles/nope/revisions"), 404, "'nope'")
    assert_problem(client.get("/v1/articles/gone/revisions"), 410, "removed")
    assert_problem(client.get("/v1/articles/b/revisions", params={"cursor": cursor}), 400, "another article")
    assert_problem(client.get(URL, params={"cursor": encode_position(1, revised.feed())}), 400, "/v1/changes")
    assert_problem(client.get(URL, params={"limit": 51}), 400, "limit")
    assert_problem(client.get(URL, params={"curser": "x"}), 400, "did you mean 'cursor'?")
    assert len(items(client.get("/v1/articles/b/revisions"))) == 1


@pytest.mark.usefixtures("revised")
def test_the_page_marks_what_came_and_went(client: httpx.Client) -> None:
    page = get(client, "/articles/a/revisions")
    assert words(page, "ins") == ["Aviation", "Three", "The port is shut."]
    assert words(page, "del") == ["Conflict", "Two"]
    assert "/articles/a/revisions" in get(client, "/articles/a").links()
    assert words(get(client, "/articles/gone/revisions", 404), "h1") == ["Not Found"]


def test_an_article_without_a_history(client: httpx.Client, store: Store) -> None:
    store.write([("a", article("a"))], {})
    assert "/articles/a/revisions" not in get(client, "/articles/a").links()
    assert any("first revision" in text for text in words(get(client, "/articles/a/revisions"), "p"))


def test_a_page_shows_so_much_and_no_more(client: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "MOST_CHARACTERS", 50)
    store.write([("a", article("a", 1, f"{'same ' * 1000}<b>old</b>"))], {})
    store.write([("a", article("a", 2, f"{'same ' * 1000}<b>new</b>\n{'x ' * 500}"))], {})
    page = get(client, "/articles/a/revisions")
    assert not page.all("b")
    assert sum(map(len, page.texts["section"])) < 200
    assert any("more than is shown" in text for text in words(page, "p"))
