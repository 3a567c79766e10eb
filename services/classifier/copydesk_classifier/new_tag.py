"""A tag file to begin with: it loads as it is, and lint tells what is to be filled in."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from copydesk_classifier.folder import TAG_SUFFIX
from copydesk_classifier.language_codes import mistake_in
from copydesk_classifier.tag_file import Language, Name
from copydesk_shared.errors import InputError

_TEMPLATE = """\
# A tag: what it is, what speaks for it and against it, and texts that must and must not get it.
#   copydesk taxonomy test {tag}.yaml        do the tests hold?
#   copydesk taxonomy lint {tag}.yaml        what is left to fill in?
#   copydesk taxonomy explain --taxonomy . STORY.txt        which phrases fire in a story, and why?
id: {id}
version: 1
label: {label}
# What the tag is and what it is not, in a sentence or two. It is compared with the texts, so write it in their words.
description: >-
  FILL IN: what a story with this tag is about.
# The nearest IPTC Media Topics, by code: https://cv.iptc.org/newscodes/mediatopic/
iptc: []
languages: [{language}]
# The score from which a story gets the tag; a phrase of weight 2 in the first 60 words is enough for 2.0.
threshold: 2.0
# The gate: one phrase or rule of this weight, or so many different ones. Without it the story is a candidate only.
core: {{weight: 1.9, distinct: 3}}

# Phrases inside which nothing counts, as `heart attack` hides `attack`.
ignore: []

# Phrases are exact: no endings are cut or added. `ferry|ferries` stands for two, `(car|night) ferry` for two of two
# words. Case and hyphens make no difference. Lists of names can be a file, NAME.gazetteer.txt, called @NAME here.
phrases:
  # Enough by itself.
  - name: sure
    weight: 2
    any:
      - {words}
  # Counts together with others.
  # - name: hint
  #   weight: 0.8
  #   any:
  #     - a word that such stories often have

# Two things near each other in one sentence, at most so many words apart.
# rules:
#   - name: near
#     weight: 2
#     a: [one thing | one things]
#     b: [happens | happened]
#     window: 8

# What speaks against the tag: it takes its weight from what stands in the same sentence.
# vetoes:
#   - name: figure-of-speech
#     weight: 3
#     scope: sentence
#     any: [so to speak]

# Three to ten typical beginnings of stories, in your own words, for similarity.
examples:
  - FILL IN a sentence or two as such a story begins. This one is the first.
  - FILL IN a second one.
  - FILL IN a third one.

# They run whenever the file is loaded: at least 12 texts that get the tag and 15 that do not, among them the nearest
# neighbours that you can think of: other meanings of the words, figures of speech, other topics with the same words.
tests:
  positive:
    - FILL IN a text that gets the tag, say one about {phrase}.
  negative:
    - FILL IN
"""
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)


def _valid(adapter: TypeAdapter[str], value: str, problem: str) -> None:
    try:
        adapter.validate_python(value)
    except ValidationError:
        raise InputError(problem) from None


def template(tag: str, language: str) -> str:
    """The text of a new tag file. Raises :class:`InputError` for an id or language that is none."""
    _valid(_NAME, tag, f"{tag!r} is not a tag id: small letters, digits and hyphens, at most 64, as in ferry-accidents")
    mistake = mistake_in(language.lower())
    _valid(_LANGUAGE, language, mistake or f"{language!r} is not a language: two or three small letters, as in en")
    words = tag.replace("-", " ")
    label = words[:1].upper() + words[1:]
    return _TEMPLATE.format(
        tag=tag, phrase=words, id=_scalar(tag), label=_scalar(label), language=_scalar(language), words=_scalar(words)
    )


def _scalar(text: str) -> str:
    """The text as YAML, which takes some words for numbers, dates or truth values."""
    return text if yaml.safe_load(text) == text else f"'{text}'"


def write_new(tag: str, folder: Path, language: str) -> Path:
    """Write the file of a new tag; returns its path. Raises :class:`InputError`, also where there is one already."""
    path = folder / f"{tag}{TAG_SUFFIX}"
    text = template(tag, language)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: is there already and stays as it is") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    return path
