"""What is kept of the patterns is what they say, and what is not kept is read."""

import pytest

from copydesk_cleaner.rulebook import readings as module
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.readings import read, reading_of

PATTERNS = sorted({(pattern, rule.ignores_case) for rule in shipped().rules() for pattern in rule.patterns})


def test_what_is_kept_is_what_our_patterns_say() -> None:
    kept = module._kept()
    if not kept:
        pytest.skip("readings.json was written by another version of Python")
    names = {module._name(pattern, ignore_case=ignores): (pattern, ignores) for pattern, ignores in PATTERNS}
    assert kept.keys() == names.keys(), "make docs writes it anew"
    for name, (pattern, ignores) in names.items():
        assert kept[name] == read(pattern, ignore_case=ignores), f"make docs writes it anew: {pattern}"


def test_a_pattern_of_somebody_else_is_read() -> None:
    found = reading_of(r"(?:Quay|Pier) notes: \w{3}", ignore_case=False)
    assert found.beginnings == {"quay", "pier"}
    assert found.words == {" notes: "}
    assert (found.least, found.most) == (15, 15)


def test_another_version_of_python_reads_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_python", lambda: "3.99")
    module._kept.cache_clear()
    try:
        assert not module._kept()
        pattern, ignores = PATTERNS[0]
        assert reading_of(pattern, ignore_case=ignores) == read(pattern, ignore_case=ignores)
    finally:
        module._kept.cache_clear()
