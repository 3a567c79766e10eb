"""Trained heads: linear models over words and pairs of words, applied without a library.

See :class:`copydesk_classifier.weights.Head` for the arithmetic and the file. It is the usual TF-IDF with sublinear
counts and Euclidean norm (G. Salton, C. Buckley, 1988), so that a model fitted elsewhere can be written down as a file.
"""

from collections import Counter
from itertools import pairwise
from math import fsum, log, sqrt

from copydesk_classifier.tokens import BREAKS, Document
from copydesk_classifier.weights import Head

DIGITS = 6


def features(document: Document) -> Counter[str]:
    """How often each word occurs, and each pair of neighbours with no break between them."""
    counts: Counter[str] = Counter()
    tokens = document.haystack.split(" ")[1:-1]
    words = [token[0] not in BREAKS for token in tokens]
    counts.update(token for token, is_word in zip(tokens, words, strict=True) if is_word)
    for (first, one), (second, other) in pairwise(zip(tokens, words, strict=True)):
        if one and other:
            counts[f"{first} {second}"] += 1
    return counts


def margin(head: Head, counts: Counter[str]) -> float:
    """How far the text lies on the tag's side, or if negative on the other."""
    values, products = [], []
    for feature, count in counts.items():
        known = head.features.get(feature)
        if known:
            value = (1 + log(count)) * known[0]
            values.append(value * value)
            products.append(value * known[1])
    length = sqrt(fsum(values))
    return round((fsum(products) / length if length else 0.0) + head.intercept, DIGITS)
