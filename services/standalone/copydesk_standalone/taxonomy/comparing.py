"""``copydesk taxonomy diff``."""

import json
from collections import Counter, defaultdict
from typing import NamedTuple

import click

from copydesk_classifier.differences import Difference, tags_and_differences
from copydesk_classifier.oneshot import Style, one_line
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_shared.messages import Article
from copydesk_standalone.oneshot import may_colour
from copydesk_standalone.taxonomy.articles import articles_at
from copydesk_standalone.taxonomy.checking import counted
from copydesk_standalone.taxonomy.places import folder_of

EXIT_DIFFERENT = 1
SHOWN = 90


class Case(NamedTuple):
    """A difference and the article that it is about."""

    difference: Difference
    article_id: str
    title: str


def compare(old: str, new: str, place: str, limit: int, style: str) -> int:
    """Print what articles gain and lose; the exit code is 1 when any does. Raises :class:`UserError`."""
    before, after = taxonomy_of(folder_of(old)), taxonomy_of(folder_of(new))
    cases: defaultdict[str, list[Case]] = defaultdict(list)
    stay: Counter[str] = Counter()
    count = 0
    for article in articles_at(place):
        count += 1
        kept, differences = tags_and_differences(article, before, after)
        stay.update(kept)
        for each in differences:
            cases[each.tag].append(Case(each, article.article_id, title_of(article)))
    if style == "json":
        print_json(cases)
    else:
        print_text(cases, stay, limit)
        changed = len({case.article_id for each in cases.values() for case in each})
        click.echo(f"{counted(count, 'article')}, {changed} with other tags: {before.version} to {after.version}")
    return EXIT_DIFFERENT if cases else 0


def title_of(article: Article) -> str:
    """Its title, or how its text begins."""
    return one_line(article.title or article.text[: SHOWN + 1])


def print_json(cases: dict[str, list[Case]]) -> None:
    """A line of JSON for each case."""
    for tag in sorted(cases):
        for difference, article_id, title in cases[tag]:
            what = "gained" if difference.is_gained else "lost"
            row = {"tag": tag, "what": what, "was": difference.was, "now": difference.now}
            click.echo(json.dumps({**row, "article_id": article_id, "title": title}, ensure_ascii=False))


def print_text(cases: dict[str, list[Case]], stay: Counter[str], limit: int) -> None:
    """Each tag with up to ``limit`` titles of either kind; ``stay`` counts the articles that keep it."""
    style = Style(colour=may_colour())
    for tag in sorted(cases):
        gained = [case for case in cases[tag] if case.difference.is_gained]
        lost = [case for case in cases[tag] if not case.difference.is_gained]
        click.echo(f"{style.strong(tag)}: {len(gained)} gained, {len(lost)} lost, {stay[tag]} stay")
        for sign, some in (("+", gained), ("-", lost)):
            for difference, _, title in some[:limit]:
                shown = title if len(title) <= SHOWN else f"{title[:SHOWN]}…"
                click.echo(f"  {sign} {shown}  {style.faint(f'{difference.was:.2f} to {difference.now:.2f}')}")
            if len(some) > limit:
                click.echo(f"  {sign} and {len(some) - limit} more")
