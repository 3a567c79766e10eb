"""The rules about revisions, against the plainest possible model of them."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.planning import MAX_REVISION, Change, Kind, Known, Plan, Tagging, fingerprint, plan
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered
from tests.api.samples import START, article

Message = Delivered[ClassifiedArticle]


def known_after(known: dict[str, Known], planned: Plan) -> dict[str, Known]:
    """What the store holds once the plan is carried out."""
    after = dict(known)
    for change in planned.changes:
        final = planned.final[change.article_id]
        revision = max(change.revision, after[change.article_id].revision if change.article_id in after else 0)
        print_ = fingerprint(final) if final else ""
        after[change.article_id] = Known(revision, print_, gone=final is None, tagging=change.tagging)
    for article_id, revision in planned.noted.items():
        after[article_id] = replace(after[article_id], revision=revision, tagging=planned.tagged[article_id])
    return after


def at(minutes: int, article_id: str, message: ClassifiedArticle | None) -> Message:
    return Delivered(article_id, message, START + timedelta(minutes=minutes))


def messages() -> st.SearchStrategy[list[Message]]:
    ids = st.sampled_from(["a", "b"])
    articles = st.builds(
        lambda article_id, revision, text, tags, version: (
            article_id, article(article_id, revision, text, tags, classifier_version=version)
        ),
        ids, st.integers(1, 4), st.sampled_from(["one", "two"]), st.sampled_from([(), ("conflict",)]),
        st.sampled_from(["1", "2"]),
    )  # fmt: skip
    either = articles | st.tuples(ids, st.none())
    return st.lists(st.builds(lambda minutes, each: at(minutes, *each), st.integers(0, 3), either), max_size=12)


@given(messages())
def test_a_batch_that_comes_again_changes_nothing(batch: list[Message]) -> None:
    batch.sort(key=lambda each: each.message is None)  # what comes after a tombstone is the store's business
    known = known_after({}, plan({}, batch))
    again = plan(known, batch)
    assert (again.changes, again.final, again.noted) == ([], {}, {})


@given(messages(), st.integers(0, 12))
def test_cutting_a_stream_into_batches_makes_no_difference(batch: list[Message], place: int) -> None:
    whole = plan({}, batch)
    first = plan({}, batch[:place])
    second = plan(known_after({}, first), batch[place:])
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


OLD, NEW = article("a", tags=()), article("a", tags=("aviation",), classifier_version="2")


def test_one_revision_by_another_version_of_the_classifier_is_a_retag() -> None:
    planned = plan({}, [at(0, "a", OLD), at(1, "a", NEW)])
    assert kinds(planned) == [("a", 1, "article"), ("a", 1, "retag")]
    assert planned.final == {"a": NEW}


def test_what_was_written_earlier_does_not_come_back() -> None:
    late = [at(1, "a", NEW), at(0, "a", OLD), at(1, "a", NEW)]
    assert kinds(plan({}, late)) == [("a", 1, "article")]


def test_a_version_that_comes_again_is_no_retag_and_its_later_time_is_noted() -> None:
    planned = plan({}, [at(0, "a", OLD), at(2, "a", OLD.model_copy(update={"content_hash": "other"}))])
    assert kinds(planned) == [("a", 1, "article")]
    known = known_after({}, planned)
    assert known["a"].tagging == Tagging(START + timedelta(minutes=2), "1")
    assert kinds(plan(known, [at(1, "a", NEW)])) == []
    assert kinds(plan(known, [at(3, "a", NEW)])) == [("a", 1, "retag")]


def test_versions_that_take_turns_end_with_the_last_in_any_order() -> None:
    """A rolling update: two versions of the classifier, and records of both come twice."""
    stream = [at(0, "a", OLD), at(1, "a", NEW), at(2, "a", OLD), at(3, "a", NEW)]
    for order in permutations([*stream, stream[1]]):
        planned = plan({}, order)
        assert planned.final == {"a": NEW}
        assert kinds(plan(known_after({}, planned), stream)) == []


@given(messages())
def test_without_tombstones_the_order_of_arrival_decides_nothing(batch: list[Message]) -> None:
    """The greatest of (revision, time, version) is what is stored; one version gives a revision the same tags."""
    first: dict[tuple[str, int, str], ClassifiedArticle] = {}
    stream = [
        each._replace(
            message=first.setdefault((each.key, each.message.revision, each.message.classifier_version), each.message)
        )
        for each in batch
        if each.message is not None
    ]
    there, back = plan({}, stream), plan({}, reversed(stream))
    for article_id in there.final:
        one, other = there.final[article_id], back.final[article_id]
        assert one is not None
        assert other is not None
        assert fingerprint(one) == fingerprint(other)
    assert {key: (state.revision, state.tagging) for key, state in known_after({}, there).items()} == {
        key: (state.revision, state.tagging) for key, state in known_after({}, back).items()
    }


def test_two_of_the_same_moment_are_told_apart_by_their_versions() -> None:
    assert plan({}, [at(0, "a", NEW), at(0, "a", OLD)]).final == plan({}, [at(0, "a", OLD), at(0, "a", NEW)]).final


def test_a_retag_brings_nothing_back_that_is_gone() -> None:
    assert kinds(plan({}, [at(0, "a", OLD), at(1, "a", None), at(2, "a", NEW)]))[-1] == ("a", 1, "tombstone")


def test_of_articles_of_the_first_release_no_time_is_known() -> None:
    known = {"a": Known(1, fingerprint(OLD))}
    again = plan(known, [at(0, "a", OLD)])
    assert (again.changes, again.tagged) == ([], {"a": Tagging(START, "1")})
    assert kinds(plan(known, [at(0, "a", NEW)])) == [("a", 1, "retag")]


def test_what_was_noted_before_a_change_is_not_noted_after_it() -> None:
    batch = [at(0, "a", article("a")), at(1, "a", article("a", 2)), at(2, "a", article("a", 3, "more"))]
    assert plan({}, batch).noted == {}


def test_after_a_tombstone_only_a_higher_revision_brings_the_article_back() -> None:
    batch = [("a", article("a", 2)), ("a", None), ("a", article("a", 2)), ("a", None), ("a", article("a", 3))]
    assert kinds(plan({}, batch)) == [("a", 2, "article"), ("a", 2, "tombstone"), ("a", 3, "article")]


def test_a_tombstone_of_something_unknown_is_ignored() -> None:
    assert plan({}, [("a", None)]) == Plan()


def test_a_revision_beyond_what_a_database_holds_is_held_back() -> None:
    assert plan({}, [("a", article("a", 10**30))]).changes[0].revision == MAX_REVISION
