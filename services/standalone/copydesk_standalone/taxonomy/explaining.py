"""``copydesk taxonomy explain``."""

import json
from collections.abc import Sequence

from copydesk_classifier.explain import explain, render, rows
from copydesk_classifier.taxonomy import taxonomy_of
from copydesk_shared.errors import InputError
from copydesk_standalone.oneshot import article_at, may_colour, print_text
from copydesk_standalone.taxonomy.places import folder_of


def explain_article(source: str, place: str | None, only: Sequence[str], style: str) -> int:
    """Print what fires in an article. Raises :class:`UserError`, also for a tag that there is not.

    The tests in the files are not run: why one of them fails is what people want explained.
    """
    article = article_at(source)
    taxonomy = taxonomy_of(folder_of(place), is_tried=False)
    known = [tag.id for tag in taxonomy.tags]
    for tag in only:
        if tag not in known:
            raise InputError(f"no tag is called {tag!r}; there are: {', '.join(known)}")
    wanted = only or known
    explanations = [each for each in explain(article, taxonomy) if each.tag.source.id in wanted]
    if style == "json":
        for row in rows(article, explanations):
            print_text(json.dumps(row, ensure_ascii=False))
    else:
        print_text(render(article, explanations, taxonomy, colour=may_colour()))
    return 0
