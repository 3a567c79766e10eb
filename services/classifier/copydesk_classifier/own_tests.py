"""The tests in tag files: texts that must and must not get the tag by what their file says."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from copydesk_classifier.drafts import Draft
from copydesk_classifier.engine import EMBEDDED_LANGUAGE, TagScore, Taxonomy
from copydesk_shared.errors import InputError

SHOWN_CHARACTERS = 200


class Failure(NamedTuple):
    """A test that does not hold, as one line with file and line."""

    draft: Draft
    complaint: InputError


def failures(taxonomy: Taxonomy, drafts: Iterable[Draft]) -> Iterator[Failure]:
    """The tests of these files that fail, in their order. Each file is tried with its own lexicon alone.

    All are tried on the taxonomy that they are part of, since it finds the phrases of one file as that file's own
    would. Similarity, where it is installed, helps no text to a tag that has phrases, but a text that must not get the
    tag must not get it by similarity either; files without phrases are tried by similarity alone. Trained heads have no
    part in it: a test holds or fails by what stands in the file.
    """
    for draft in drafts:
        if not draft.part.has_lexicon and not taxonomy.has_similarity:
            continue
        for kind, expected in (("positive", True), ("negative", False)):
            for index, text in enumerate(getattr(draft.part.tests, kind)):
                scored = _scored(taxonomy, draft, text, is_positive=expected)
                if (scored.score >= scored.threshold) is not expected:
                    verb = "does not get" if expected else "gets"
                    numbers = f"score {scored.score:g}, threshold {scored.threshold:g}"
                    problem = f"{verb} the tag {draft.tag!r} ({numbers}): {_shown(text)}"
                    yield Failure(draft, draft.document.error(("tests", kind, index), problem))


def _scored(taxonomy: Taxonomy, draft: Draft, text: str, *, is_positive: bool) -> TagScore:
    scored = taxonomy.score_alone(draft.tag, draft.part.languages, text)
    if is_positive or EMBEDDED_LANGUAGE not in draft.part.languages or not scored.is_near:
        return scored
    return taxonomy.score_alone(draft.tag, draft.part.languages, text, with_similarity=True)


def _shown(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARACTERS else f"{flat[:SHOWN_CHARACTERS]}…"
