"""Which rules fire on a page, in order, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.extract import extract
from copydesk_cleaner.related import READ_MORE, bare, leads_pattern
from copydesk_cleaner.rulebook.book import Book, Rule
from copydesk_cleaner.rulebook.files import RuleFile
from copydesk_cleaner.rulebook.patterns import compiled
from copydesk_cleaner.rules import families
from copydesk_cleaner.stage import context_of, story_of
from copydesk_cleaner.story import Cut, Story
from copydesk_shared.messages import Page
from copydesk_shared.yaml_lines import Location


@dataclass(frozen=True)
class Firing:
    """One cut. ``start`` and ``end`` count characters of the extracted text, ``line`` its lines from 1.

    ``place`` is file:line of what fired: a pattern, a lead, or the entry of a rule that a function does; ``why`` is it.
    """

    rule: str
    kind: str
    family: str
    line: int
    start: int
    end: int
    text: str
    place: str
    why: str


def explain(page: Page, book: Book) -> list[Firing]:
    """The cuts in the order in which they were made. Raises :class:`Poison` for a page that is too large."""
    extracted = extract(page)
    title = extracted.metadata.title or page.entry_title
    story = story_of(extracted, context_of(extracted, title, page), families(book))
    return list(_firings(story, book))


def _firings(story: Story, book: Book) -> Iterator[Firing]:
    rules = {rule.id: rule for rule in book.rules()}
    for finding in story.findings:
        for cut in finding.cuts:
            text = story.text[cut.start : cut.end]
            family, place, why = _reason(rules.get(cut.rule), cut, text, book)
            line = story.text.count("\n", 0, cut.start) + 1
            yield Firing(cut.rule, cut.kind, family, line, cut.start, cut.end, text, place, why)


def _reason(rule: Rule | None, cut: Cut, text: str, book: Book) -> tuple[str, str, str]:
    """Family, place and what fired."""
    lead = _lead(text, book) if cut.rule == READ_MORE else None
    if lead is not None:
        return lead[0].entry.family, lead[0].place(lead[1]), lead[2]
    if rule is None:
        return "", "", f"the function that does {cut.rule}"
    file, index = rule.place
    if rule.pattern is None:
        return rule.family, file.place(("rules", index)), rule.about
    number = _pattern(rule, text)
    return rule.family, file.place(("rules", index, "patterns", number)), file.entry.rules[index].patterns[number]


def _pattern(rule: Rule, text: str) -> int:
    """Which pattern of a rule it was; the patterns of an end see less of the line here, so the first is the answer."""
    matches = (compiled(pattern, ignore_case=rule.ignores_case).search(text) for pattern in rule.patterns)
    return next((number for number, match in enumerate(matches) if match is not None and match[0] == text), 0)


def _lead(text: str, book: Book) -> tuple[RuleFile, Location, str] | None:
    match = leads_pattern(book.leads).fullmatch(text)
    if match is None:
        return None
    words = bare(match["lead"])
    for file in book.files:
        for index, lead in enumerate(file.entry.leads):
            if bare(lead.words) == words:
                sure = "sure" if lead.sure else "before what looks like a headline"
                return file, ("leads", index), f"the lead {lead.words!r} ({lead.language}, {sure})"
    return None


def as_rows(firings: Sequence[Firing]) -> list[dict[str, object]]:
    """The firings for tools; keys are added in later versions, never changed or taken away."""
    return [{"order": number, **vars(firing)} for number, firing in enumerate(firings, 1)]
