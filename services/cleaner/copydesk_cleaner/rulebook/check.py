"""What makes a rule file fit for use besides its form: patterns that cannot explode, and examples that hold."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.related import READ_MORE
from copydesk_cleaner.rulebook import trial
from copydesk_cleaner.rulebook.book import Book, Rule
from copydesk_cleaner.rulebook.files import RuleFile
from copydesk_cleaner.rulebook.patterns import PatternError, check
from copydesk_cleaner.rulebook.schema import Example
from copydesk_cleaner.rules import families, tidy
from copydesk_cleaner.story import Context, Family, settle
from copydesk_cleaner.text import normalise
from copydesk_shared.errors import InputError
from copydesk_shared.lines import line_digest
from copydesk_shared.messages import Removal
from copydesk_shared.yaml_lines import Location

TRIAL_SECONDS = 120
SHOWN = 80
BEFORE = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
AFTER = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."


@dataclass(frozen=True)
class Failure:
    """An example that does not hold: ``place`` is file:line."""

    place: str
    rule: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.problem}"


def check_patterns(book: Book, names: Sequence[str]) -> None:
    """Raises :class:`InputError` with file and line for a pattern of these families that is dangerous."""
    rules = [rule for rule in book.rules(*names) if rule.pattern is not None]
    for rule in rules:
        _check_form(rule)
    for rule, line in zip(rules, _tried(rules), strict=True):
        if line is not None:
            raise _error(rule, f"takes too long on a line such as {_shown(line)}: bound what may repeat")


def _check_form(rule: Rule) -> None:
    for number, pattern in enumerate(rule.patterns):
        try:
            check(pattern, ignore_case=rule.ignores_case)
        except PatternError as error:
            raise _error(rule, str(error), number) from None


def _error(rule: Rule, problem: str, *number: int) -> InputError:
    file, index = rule.place
    return file.error(("rules", index, "patterns", *number), problem)


def _tried(rules: Sequence[Rule]) -> list[str | None]:
    """For each rule the line that is too slow, found in a process of its own."""
    asked = [
        [rule.pattern.pattern, int(rule.pattern.flags & re.IGNORECASE), rule.scope, [hit.text for hit in rule.hit]]
        for rule in rules
        if rule.pattern is not None
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-I", trial.__file__],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"the patterns took longer than {TRIAL_SECONDS} s to try") from None
    found: list[str | None] = json.loads(done.stdout)
    return found


def failures(book: Book, names: Sequence[str]) -> Iterator[Failure]:
    """The examples of these families that do not hold when the whole cleaner runs over them with this book."""
    steps = families(book)
    for rule in book.rules(*names):
        file, index = rule.place
        yield from _run(rule, file, ("rules", index), steps)
    for file in book.files:
        if file.entry.family in names:
            for index, lead in enumerate(file.entry.leads):
                yield from _run(_Subject(READ_MORE, lead.hit, lead.keep), file, ("leads", index), steps)


@dataclass(frozen=True)
class _Subject:
    """A lead, seen as a rule."""

    id: str
    hit: tuple[Example, ...]
    keep: tuple[Example, ...]
    scope: str = "line"
    kind: str = "related-link"


def _run(rule: Rule | _Subject, file: RuleFile, at: Location, steps: Sequence[Family]) -> Iterator[Failure]:
    for number, hit in enumerate(rule.hit):
        problem = _hit_problem(rule, hit, _removals(hit, rule.scope, steps))
        if problem:
            yield Failure(file.place((*at, "hit", number)), rule.id, problem)
    for number, keep in enumerate(rule.keep):
        for removal in _removals(keep, rule.scope, steps)[:1]:
            problem = f"keep is cut: {removal.rule} takes {_shown(removal.text)}"
            yield Failure(file.place((*at, "keep", number)), rule.id, problem)


def _removals(example: Example, scope: str, steps: Sequence[Family]) -> tuple[Removal, ...]:
    """What goes of the example: of a whole text for scope code, of a line between two others for any other scope."""
    text = normalise(example.text if scope == "code" else f"{BEFORE}\n{example.text}\n{AFTER}")
    context = Context(
        titles=example.titles,
        known_titles=example.known_titles,
        host_lines=frozenset(map(line_digest, example.host_lines)),
        captions=example.captions,
        alternatives=example.alternatives,
        links=frozenset(example.links),
        headings=frozenset(example.headings),
        authors=example.authors,
        keywords=example.keywords,
    )
    return settle(text, tidy(text, context, steps).cuts()).removals


def _hit_problem(rule: Rule | _Subject, hit: Example, removals: Sequence[Removal]) -> str:
    """What is wrong with what went of a hit; empty when nothing is."""
    mine = [removal for removal in removals if removal.rule == rule.id]
    if not mine:
        others = ", ".join(dict.fromkeys(removal.rule for removal in removals))
        return f"hit is not cut: {_shown(hit.text)}" + (f", or by another rule: {others}" if others else "")
    if rule.kind not in {removal.kind for removal in mine}:
        return f"hit is cut as {mine[0].kind}, not as {rule.kind}: {_shown(hit.text)}"
    cut = [removal.text.strip() for removal in mine]
    wanted = [normalise(part) for part in hit.cut] or ([normalise(hit.text)] if rule.scope == "line" else cut)
    if cut != wanted:
        return f"of the hit {_shown(' … '.join(cut))} is cut, not {_shown(' … '.join(wanted))}"
    return ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")
