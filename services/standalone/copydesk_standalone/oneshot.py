"""``copydesk clean`` and ``copydesk classify``: one article in, one out, for people and scripts."""

import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from copydesk_classifier.oneshot import article_from, render_text
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_cleaner.diff import render_cuts, render_diff
from copydesk_cleaner.languages import language_of
from copydesk_cleaner.oneshot import page_from
from copydesk_cleaner.settings import CleanerSettings, operators_rules
from copydesk_cleaner.stage import Cleaner
from copydesk_shared.errors import HandlingError, InputError
from copydesk_shared.identity import canonical_url
from copydesk_shared.message import Message
from copydesk_shared.messages import Article, Page
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
    name = "standard input" if source == "-" else source
    return page_from(_read(source), kind=cast("Kind", kind), url=url, now=datetime.now(UTC), name=name)


def print_text(text: str) -> None:
    if sys.stdout is None:
        raise InputError("standard output is closed")
    sys.stdout.buffer.write((text if text.endswith("\n") else text + "\n").encode("utf-8", "replace"))
    sys.stdout.flush()


def may_colour() -> bool:
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
    colour = may_colour()
    if isinstance(outcome, Drop):
        text, cuts = clean.cuts(page) if style == "diff" else ("", ())
        if cuts:
            print_text(render_cuts(text, cuts, colour=colour))
        raise InputError(f"{source}: no article found in it{': ' + outcome.detail if outcome.detail else ''}")
    article: Article = outcome.message
    renderings = {
        "json": lambda: _json(article),
        "text": lambda: article.text,
        "diff": lambda: render_diff(article, colour=colour),
    }
    print_text(renderings[style]())
    return 0


def named(name: str, read: Callable[[str], Article], content: bytes) -> Article:
    """The article in this content, as ``read`` reads it. Raises :class:`InputError` that begins with the name."""
    try:
        return read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text at byte {error.start}") from None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def handed_in(text: str) -> Article:
    """The article in plain text, or in the JSON of one, in its language. Raises :class:`InputError`."""
    return with_language(article_from(text, datetime.now(UTC)))


def with_language(article: Article) -> Article:
    """The article with the language that its letters tell where it does not say one, as if the cleaner had made it."""
    if article.language is not None:
        return article
    language, confidence = language_of(article.text, None)
    return article.model_copy(update={"language": language, "language_confidence": confidence})


def article_at(source: str) -> Article:
    """The article in a file or, for ``-``, on standard input. Raises :class:`InputError`."""
    return named("standard input" if source == "-" else source, handed_in, _read(source))


def classify_command(source: str, style: str) -> int:
    """Print the article with its tags. Raises :class:`InputError`."""
    from copydesk_classifier.settings import ClassifierSettings

    handed = article_at(source)
    taxonomy = load_taxonomy(load_settings(ClassifierSettings).taxonomy_dir)
    article = classify(handed, taxonomy)
    print_text(_json(article) if style == "json" else render_text(article, colour=may_colour()))
    return 0
