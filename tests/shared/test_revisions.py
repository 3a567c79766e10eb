from copydesk_shared.revisions import Revisions
from tests.shared.samples import article, entry


def test_only_an_older_revision_is_superseded() -> None:
    revisions = Revisions()
    seen = [revisions.is_superseded("a", article(1, revision)) for revision in (2, 2, 1, 3, 2)]
    assert seen == [False, False, True, False, True]
    assert not revisions.is_superseded("b", article(2, 1))


def test_the_memory_is_bounded_and_forgets_what_was_seen_longest_ago() -> None:
    revisions = Revisions(most_keys=2)
    for key in ("a", "b", "a", "c"):
        revisions.is_superseded(key, article(1, 5))
    assert revisions.is_superseded("a", article(1, 1))
    assert not revisions.is_superseded("b", article(1, 1))


def test_a_message_without_revision_is_never_superseded() -> None:
    assert not Revisions().is_superseded("a", entry().source)
