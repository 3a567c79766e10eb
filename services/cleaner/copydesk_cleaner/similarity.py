"""A similarity hash of a text (Charikar 2002), fast enough to be taken of every article."""

import re
from functools import lru_cache
from hashlib import blake2b

BITS = 64
LANE = 16  # bits that count how many words have one bit of the hash set
MAX_WORDS = (1 << LANE) - 1
ENOUGH_WORDS = 32
WORD = re.compile(r"[^\W_]+")

# For each byte, its eight bits spread over eight lanes.
_SPREAD = tuple(sum((byte >> bit & 1) << (bit * LANE) for bit in range(8)) for byte in range(256))


def simhash(text: str) -> str:
    """64 bits as 16 hexadecimal digits: near texts differ in few of them.

    Each word votes on every bit; only longer words do where there are enough of them, since short ones are in any text.
    """
    words = _telling(WORD.findall(text.casefold()))[:MAX_WORDS]
    votes = sum(map(_votes, words))
    half = (len(words) + 1) // 2
    lane = (1 << LANE) - 1
    return f"{sum(1 << bit for bit in range(BITS) if votes >> (bit * LANE) & lane >= half):016x}"


def _telling(words: list[str]) -> list[str]:
    for shortest in (5, 4, 3, 2):
        longer = [word for word in words if len(word) >= shortest]
        if len(longer) >= ENOUGH_WORDS:
            return longer
    return words


@lru_cache(maxsize=1 << 14)
def _votes(word: str) -> int:
    """The bits of the word's hash, each at the foot of its lane."""
    digest = blake2b(word.encode("utf-8", "replace"), digest_size=BITS // 8).digest()
    return sum(_SPREAD[byte] << (place * 8 * LANE) for place, byte in enumerate(digest))
