from copydesk_shared.revisions import Revisions


def test_only_an_older_revision_is_superseded() -> None:
    revisions = Revisions()
    seen = [revisions.is_superseded(b"a", revision) for revision in (2, 2, 1, 3, 2)]
    assert seen == [False, False, True, False, True]
    assert not revisions.is_superseded(b"b", 1)


def test_the_memory_is_bounded_and_forgets_what_was_seen_longest_ago() -> None:
    revisions = Revisions(most_keys=2)
    for key in (b"a", b"b", b"a", b"c"):
        revisions.is_superseded(key, 5)
    assert revisions.is_superseded(b"a", 1)
    assert not revisions.is_superseded(b"b", 1)
