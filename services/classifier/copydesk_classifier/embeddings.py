"""Texts as vectors: WordLlama's static token vectors, 256 numbers each, out of the installed wheel.

A text is the mean of its tokens' vectors (https://github.com/dleemiller/WordLlama). The package's own loader asks a hub
for the tokenizer and holds everything twice; here the weights stay in the file, mapped into memory, and nothing is
asked. This module can only be imported where the extra ``similarity`` is installed.
"""

import hashlib
import json
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Vector = NDArray[np.float64]

DIMENSIONS: Final = 256
WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
MATRIX: Final = "embedding.weight"
LENGTH_BYTES: Final = 8
# Words whose tokens are kept, and as many again that were used less; about 200 bytes each.
MAX_KNOWN: Final = 10_000
# A half's sign and its other bits, moved to their places in a double, are the number times 2**-1008 (IEEE 754: the
# exponents are biased by 15 and 1023). It is exact, for the smallest numbers too, and faster than what NumPy does.
WIDER: Final = 42
HALF_BITS: Final = -(1 << 63) | 0x7FFF << WIDER
SCALE: Final = 2.0**1008


def package_folder() -> Path:
    """Where WordLlama is installed. Raises ``ImportError`` if it is not; the package itself is never imported."""
    spec = find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("wordllama is not installed")
    return Path(spec.submodule_search_locations[0])


def _mapped(path: Path) -> NDArray[np.float16]:
    """The matrix in a safetensors file: a length, a JSON header with offsets, and the numbers."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(LENGTH_BYTES), "little")
        entry = json.loads(file.read(size))[MATRIX]
    if entry["dtype"] != "F16" or entry["shape"][1] != DIMENSIONS:
        raise ImportError(f"{path.name} is not as this version knows it")
    offset = LENGTH_BYTES + size + entry["data_offsets"][0]
    return np.asarray(np.memmap(path, dtype="<f2", mode="r", offset=offset, shape=tuple(entry["shape"])))


class Embedder:
    """Turns texts into vectors. Raises ``ImportError`` where the wheel does not hold what this version reads.

    White space of any kind and length counts as one blank. No token of the vocabulary spans one, so words are taken to
    pieces one by one and the pieces of the last words seen are kept.
    """

    def __init__(self) -> None:
        folder = package_folder()
        self._files = (folder / WEIGHTS, folder / TOKENIZER)
        if not all(path.is_file() for path in self._files):
            raise ImportError("this version of wordllama holds other files")
        self._matrix = _mapped(self._files[0])
        self._tokenizer = Tokenizer.from_file(str(self._files[1]))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._known: dict[str, list[int]] = {}
        self._once_known: dict[str, list[int]] = {}

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and the tokenizer."""
        both = hashlib.sha256()
        for path in self._files:
            with path.open("rb") as file:
                both.update(hashlib.file_digest(file, "sha256").digest())
        return both.hexdigest()

    def embed(self, text: str) -> Vector:
        """The mean of the text's token vectors; zeros for a text without tokens."""
        words = text.split()
        known = list(map(self._known.get, words))
        pieces = (
            [each or self._recall(word) for each, word in zip(known, words, strict=True)] if None in known else known
        )
        ids = list(chain.from_iterable(filter(None, pieces)))
        if not ids:
            return np.zeros(DIMENSIONS)
        # In double precision the sum does not depend on the machine in any digit that is published.
        bits = self._matrix[ids].view("<i2").astype(np.int64)
        bits <<= WIDER
        bits &= HALF_BITS
        total: Vector = np.add.reduce(bits.view(np.float64), axis=0)
        return total * SCALE / len(ids)

    def _recall(self, word: str) -> list[int]:
        """The pieces of a word that is not known or was only known once: half of what was known is kept at a time."""
        if len(self._known) >= MAX_KNOWN:
            self._once_known.clear()
            self._once_known.update(self._known)
            self._known.clear()
        ids = self._once_known.get(word)
        if ids is None:
            ids = self._tokenizer.encode(word, add_special_tokens=False).ids
        self._known[word] = ids
        return ids

    def direction(self, text: str) -> Vector:
        """The vector of the text with length 1, so that a product of two is their cosine; zeros stay zeros."""
        vector = self.embed(text)
        length = float(np.sqrt(vector @ vector))
        return vector / length if length else vector
