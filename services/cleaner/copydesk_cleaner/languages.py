"""The language of a text: what its letters say beside what the page says."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# From here on a text is told whatever the share is, and may overrule what the page says.
LONG = 200
# Below, measured on 3,500 sentences of those pages: of those with a share of .8 one in a thousand was told wrong, none
# of which was shorter than 80 characters; told were 52 % of those of 20 to 39 characters, 84 % to 59, 93 % to 79, 98 %
# from 100; of those in Chinese, Japanese and Korean 95 %, already from 10.
SURE_OF_SHORT = 0.8
MIN_LETTERS = 20
MAX_CHARACTERS = 1_000
# Measured on 167 news pages in 20 languages: every text is told with at least this, but for one that is told with .9.
SURE = 0.95

LETTER = re.compile(r"[^\W\d_]")
# Han, Kana and Hangul, of which each counts for two: a word has one or two of them.
DENSE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
CHINESE = frozenset({"zh", "yue", "wuu"})
TAG = re.compile(r"[a-z]{2,3}(?=$|[-_])")
# Languages that letters alone tell apart badly: what the page says counts.
ALIKE: Sequence[frozenset[str]] = tuple(
    frozenset(group.split())
    for group in (
        "no nb nn da",
        "hr bs sr sh",
        "id ms jv su",
        "es gl an ext ast",
        "pt gl",
        "zh yue wuu",
        "ar ary arz",
        "fa prs tg",
        "zu xh nr ss",
        "st nso tn",
        "af nl",
        "cs sk",
        "en pcm",
        "it vec lij",
    )
)
OLD_CODES = {"iw": "he", "in": "id", "ji": "yi", "nb": "no", "cmn": "zh", "fil": "tl"}


# No feature of its model is longer, so the state after a byte depends on so many last ones.
FEATURE_BYTES = 6


class Identifier(LanguageIdentifier):  # type: ignore[misc]
    """py3langid's, whose walk over the bytes takes a step for all of them at once: the same answers, sooner."""

    __slots__ = ("_features", "_moves", "_rows")

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self._moves = np.asarray(self.tk_nextmove)
        self._rows = np.asarray(self._rowbase, dtype=np.int32)
        self._features = np.asarray(self.tk_output, dtype=np.int32)

    def _raw_score(self, text: bytes) -> Any:
        letters = np.frombuffer(text, dtype=np.uint8)
        states = np.zeros(len(letters), dtype=np.intp)
        for before in range(min(FEATURE_BYTES, len(letters)) - 1, -1, -1):
            # The bytes that have so many before them; the others have not begun.
            states[before:] = self._moves[self._rows[states[before:]] + letters[: len(letters) - before]]
        found = self._features[states]
        features, first, counts = np.unique(found[found >= 0], return_index=True, return_counts=True)
        if not len(features):
            return super()._raw_score(text)
        order = np.argsort(first)  # as they are met: sums of floats depend on it
        return np.log1p(counts[order].astype(np.float32)) @ self.nb_ptc[features[order]] + self.nb_pc


def primary_language(value: str) -> str | None:
    """The primary subtag of a language tag (BCP 47), in small letters: ``en`` of ``en-GB``."""
    match = TAG.match(value.strip().lower())
    return match.group() if match and match.group() != "und" else None


def language_of(text: str, said: str | None) -> tuple[str | None, float | None]:
    """The primary subtag of the text's language and how sure that is (0 to 1), ``None`` where it is not known.

    ``said`` is what the page says, if anything; letters overrule it only when they are sure and the two languages are
    not alike and the text is long. A text that is too short to tell has the language that the page says.
    """
    seen, share = _by_letters(text)
    if seen is None or seen == "zxx":
        return said, None
    if said is None:
        return seen, share
    if _same(seen, said):
        return said, share
    if len(text) < LONG:
        return said, None
    return (seen, share) if share is not None and share >= SURE else (said, 1.0 - (share or 0.0))


def _by_letters(text: str) -> tuple[str | None, float | None]:
    is_short = len(text) < LONG
    if is_short and len(LETTER.findall(text)) + len(DENSE.findall(text)) < MIN_LETTERS:
        return None, None
    language, share = _identifier().classify(text[:MAX_CHARACTERS])
    if is_short and share < SURE_OF_SHORT and language in CHINESE:
        share = sum(part for one, part in _identifier().rank(text) if one in CHINESE)
    if is_short and share < SURE_OF_SHORT:
        return None, None
    return str(language), round(min(1.0, float(share)), 3)


def _same(one: str, other: str) -> bool:
    pair = {OLD_CODES.get(one, one), OLD_CODES.get(other, other)}
    return len(pair) == 1 or any(pair <= group for group in ALIKE)


@cache
def _identifier() -> Identifier:
    identifier: Identifier = Identifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier
