"""``copydesk clean`` and ``copydesk classify``: one article in, one out, for people and scripts."""

import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from copydesk_classifier.oneshot import article_from, render_text
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.diff import render_cuts, render_diff
from copydesk_cleaner.oneshot import page_from
from copydesk_cleaner.settings import CleanerSettings, operators_rules
from copydesk_cleaner.stage import Cleaner
from copydesk_shared.errors import HandlingError, InputError
from copydesk_shared.identity import canonical_url
from copydesk_shared.messages import Article, Message, Page
from copydesk_shared.settings import load_settings
from copydesk_shared.stage import Drop

INPUT_LIMIT = 16 * 1024 * 1024
# Of any scheme: what is no page of the web is told to be none, rather than looked for as a file.
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

Kind = Literal["auto", "html", "text"]


def _read(source: str) -> bytes:
    name = "standard input" if source == "-" else source
    try:
        if source == "-" and sys.stdin is None:
            raise InputError("standard input is closed")
        if source == "-":
            content = sys.stdin.buffer.read(INPUT_LIMIT + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(INPUT_LIMIT + 1)
    except OSError as error:
        raise InputError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise InputError(f"{name!r}: {error}") from None
    if len(content) > INPUT_LIMIT:
        raise InputError(f"{name}: larger than {INPUT_LIMIT // 1024 // 1024} MiB")
    return content


def page_of(source: str, kind: str, url: str | None) -> Page:
    """The page in a file, on standard input or at an address. Raises :class:`InputError`."""
    if ADDRESS.match(source):
        import asyncio

        from copydesk_fetcher.contact import for_a_person
        from copydesk_fetcher.http import fetch_page
        from copydesk_fetcher.settings import FetcherSettings

        try:
            canonical_url(source)
        except ValueError as error:
            raise InputError(str(error)) from None
        return asyncio.run(fetch_page(source, for_a_person(load_settings(FetcherSettings))))
    return page_from(_read(source), kind=cast("Kind", kind), url=url, now=datetime.now(UTC))


def _print(text: str) -> None:
    if sys.stdout is None:
        raise InputError("standard output is closed")
    sys.stdout.buffer.write((text if text.endswith("\n") else text + "\n").encode("utf-8", "replace"))
    sys.stdout.flush()


def _may_colour() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _json(message: Message) -> str:
    return message.model_dump_json(indent=2)


def clean_command(source: str, kind: str, url: str | None, style: str) -> int:
    """Print the article made of a file, standard input or an address.

    Raises :class:`InputError`, also when no article is left; as a diff, what was cut is printed before.
    """
    clean = Cleaner(operators_rules(load_settings(CleanerSettings)))
    page = page_of(source, kind, url)
    try:
        outcome = clean(page)
    except HandlingError as error:
        raise InputError(f"{source}: {error}") from None
    colour = _may_colour()
    if isinstance(outcome, Drop):
        text, cuts = clean.cuts(page) if style == "diff" else ("", ())
        if cuts:
            _print(render_cuts(text, cuts, colour=colour))
        raise InputError(f"{source}: no article found in it{': ' + outcome.detail if outcome.detail else ''}")
    article: Article = outcome.message
    renderings = {
        "json": lambda: _json(article),
        "text": lambda: article.text,
        "diff": lambda: render_diff(article, colour=colour),
    }
    _print(renderings[style]())
    return 0


def _article(name: str, text: str) -> Article:
    try:
        return article_from(text, datetime.now(UTC))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def classify_command(source: str, style: str) -> int:
    """Print the article with its tags. Raises :class:`InputError`."""
    from copydesk_classifier.settings import ClassifierSettings

    taxonomy = load_taxonomy(load_settings(ClassifierSettings).taxonomy_dir)
    name = "standard input" if source == "-" else source
    try:
        text = _read(source).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text at byte {error.start}") from None
    article = classify(_article(name, text), taxonomy)
    _print(_json(article) if style == "json" else render_text(article, colour=_may_colour()))
    return 0
