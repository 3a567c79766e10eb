"""A similarity hash of a text (Charikar 2002), fast enough to be taken of every article."""

from functools import lru_cache
from hashlib import blake2b

import numpy as np

from copydesk_cleaner.text import key

BITS = 64
ENOUGH_WORDS = 32


def simhash(text: str) -> str:
    """64 bits as 16 hexadecimal digits: near texts differ in few of them.

    Each word votes on every bit; only longer words do where there are enough of them, since short ones are in any text.
    """
    words = _telling(key(text).split())
    digests = np.frombuffer(b"".join(map(_digest, words)), dtype=np.uint8).reshape(len(words), BITS // 8)
    votes = np.unpackbits(digests, axis=1, bitorder="little").sum(axis=0, dtype=np.intp)
    bits = np.packbits(votes >= (len(words) + 1) // 2, bitorder="little")
    return f"{int.from_bytes(bits.tobytes(), 'little'):016x}"


def _telling(words: list[str]) -> list[str]:
    for shortest in (5, 4, 3, 2):
        longer = [word for word in words if len(word) >= shortest]
        if len(longer) >= ENOUGH_WORDS:
            return longer
    return words


@lru_cache(maxsize=1 << 14)
def _digest(word: str) -> bytes:
    return blake2b(word.encode("utf-8", "replace"), digest_size=BITS // 8).digest()
