"""Articles in files, as ``copydesk clean`` and exports write them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from copydesk_classifier.oneshot import article_of_json
from copydesk_shared.errors import InputError
from copydesk_shared.messages import Article
from copydesk_standalone.oneshot import INPUT_LIMIT, handed_in, named, with_language

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
TEXT_SUFFIX = ".txt"
_DECODER = json.JSONDecoder()


def articles_at(place: str) -> Iterator[Article]:
    """The articles in a file, on standard input (``-``) or in a folder of files.

    Raises :class:`InputError` with file and line for what is none, and when there is none at all.
    """
    count = 0
    for name, article in _articles(place):
        count += 1
        if not article.paragraphs and not article.title:
            raise InputError(f"{name}: an article without a title and a text")
        yield article
    if not count:
        raise InputError(f"{place}: no articles in it")


def _articles(place: str) -> Iterator[tuple[str, Article]]:
    path = Path(place)
    try:
        if place == "-":
            yield from _of_json(sys.stdin.buffer, "standard input")
        elif path.is_dir():
            for file in sorted(path.iterdir()):
                yield from _of_file(file)
        elif path.suffix == TEXT_SUFFIX:
            yield from _of_file(path)
        else:
            with path.open("rb") as lines:
                yield from _of_json(lines, place)
    except OSError as error:
        raise InputError(f"{place}: {(error.strerror or str(error)).lower()}") from None


def _of_file(path: Path) -> Iterator[tuple[str, Article]]:
    """Of a folder's files those that hold articles by their name."""
    if path.suffix == TEXT_SUFFIX:
        with path.open("rb") as file:
            yield str(path), named(str(path), handed_in, _limited(file.read(INPUT_LIMIT + 1), str(path)))
    elif path.suffix in JSON_SUFFIXES:
        with path.open("rb") as file:
            yield from _of_json(file, str(path))


def _limited(content: bytes, name: str) -> bytes:
    if len(content) > INPUT_LIMIT:
        raise InputError(f"{name}: larger than {INPUT_LIMIT // 1024 // 1024} MiB")
    return content


def _of_json(file: BinaryIO, name: str) -> Iterator[tuple[str, Article]]:
    """Articles a line each are read one by one; any other way the file is read whole."""
    first = _limited(file.readline(INPUT_LIMIT + 1), f"{name}:1")
    if not _is_whole(first):
        yield from _one_after_another(_limited(first + file.read(INPUT_LIMIT + 1), name), name)
        return
    number, line = 1, first
    while line:
        if line.strip():
            yield f"{name}:{number}", named(f"{name}:{number}", _of_object, line)
        number += 1
        line = _limited(file.readline(INPUT_LIMIT + 1), f"{name}:{number}")


def _of_object(text: str) -> Article:
    return with_language(article_of_json(text))


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _one_after_another(content: bytes, name: str) -> Iterator[tuple[str, Article]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text at byte {error.start}") from None
    at = _next(text, 0)
    while at < len(text):
        where = f"{name}:{text.count(chr(10), 0, at) + 1}"
        try:
            found, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise InputError(f"{name}:{error.lineno}: not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}") from None
        except RecursionError:
            raise InputError(f"{where}: nested too deeply") from None
        if not isinstance(found, dict):
            raise InputError(f"{where}: not the JSON of an article")
        yield where, named(where, _of_object, text[at:end].encode("utf-8", "surrogatepass"))
        at = _next(text, end)


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
