"""The rules about revisions, against the plainest possible model of them."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.planning import MAX_REVISION, Change, Kind, Known, Plan, fingerprint, plan
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article

Message = tuple[str, ClassifiedArticle | None]


def known_after(known: dict[str, Known], planned: Plan) -> dict[str, Known]:
    """What the store holds once the plan is carried out."""
    after = dict(known)
    for change in planned.changes:
        final = planned.final[change.article_id]
        revision = max(change.revision, after[change.article_id].revision if change.article_id in after else 0)
        after[change.article_id] = Known(revision, fingerprint(final) if final else "", gone=final is None)
    for article_id, revision in planned.noted.items():
        state = after[article_id]
        after[article_id] = Known(max(revision, state.revision), state.fingerprint, state.gone)
    return after


def messages() -> st.SearchStrategy[list[Message]]:
    ids = st.sampled_from(["a", "b"])
    articles = st.builds(
        lambda article_id, revision, text, tags: (article_id, article(article_id, revision, text, tags)),
        ids, st.integers(1, 4), st.sampled_from(["one", "two"]), st.sampled_from([(), ("conflict",)]),
    )  # fmt: skip
    return st.lists(articles | st.tuples(ids, st.none()), max_size=12)


@given(messages())
def test_a_batch_that_comes_again_changes_nothing(batch: list[Message]) -> None:
    batch.sort(key=lambda message: message[1] is None)  # what comes after a tombstone is the store's business
    known = known_after({}, plan({}, batch))
    again = plan(known, batch)
    assert (again.changes, again.final, again.noted) == ([], {}, {})


@given(messages(), st.integers(0, 12))
def test_cutting_a_stream_into_batches_makes_no_difference(batch: list[Message], at: int) -> None:
    whole = plan({}, batch)
    first = plan({}, batch[:at])
    second = plan(known_after({}, first), batch[at:])
    assert first.changes + second.changes == whole.changes
    assert {**first.final, **second.final} == whole.final


@given(messages())
def test_what_is_stored_is_the_last_change(batch: list[Message]) -> None:
    planned = plan({}, batch)
    last = {change.article_id: change for change in planned.changes}
    assert last.keys() == planned.final.keys()
    for article_id, change in last.items():
        final = planned.final[article_id]
        assert (final is None) == (change.kind is Kind.TOMBSTONE)
        if final is not None:
            assert final.revision == change.revision


def kinds(planned: Plan) -> list[tuple[str, int, str]]:
    return [(change.article_id, change.revision, change.kind.value) for change in planned.changes]


def test_an_older_revision_that_arrives_late_is_ignored() -> None:
    assert kinds(plan({}, [("a", article("a", 3)), ("a", article("a", 2, "older"))])) == [("a", 3, "article")]


def test_a_higher_revision_with_the_same_content_is_only_noted() -> None:
    planned = plan({}, [("a", article("a", 1)), ("a", article("a", 2))])
    assert planned.changes == [Change("a", 1, Kind.ARTICLE)]
    assert planned.noted == {"a": 2}
    assert planned.final["a"] == article("a", 1)


def test_other_tags_or_another_classifier_are_a_change() -> None:
    batch = [
        ("a", article("a", 1)),
        ("a", article("a", 2, tags=("aviation",))),
        ("a", article("a", 3, tags=("aviation",), classifier_version="2")),
    ]
    assert [change.revision for change in plan({}, batch).changes] == [1, 2, 3]


def test_after_a_tombstone_only_a_higher_revision_brings_the_article_back() -> None:
    batch = [("a", article("a", 2)), ("a", None), ("a", article("a", 2)), ("a", None), ("a", article("a", 3))]
    assert kinds(plan({}, batch)) == [("a", 2, "article"), ("a", 2, "tombstone"), ("a", 3, "article")]


def test_a_tombstone_of_something_unknown_is_ignored() -> None:
    assert plan({}, [("a", None)]) == Plan()


def test_a_revision_beyond_what_a_database_holds_is_held_back() -> None:
    assert plan({}, [("a", article("a", 10**30))]).changes[0].revision == MAX_REVISION
