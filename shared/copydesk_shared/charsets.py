"""Which charset bytes are in that say nothing of it and are no UTF-8."""

import re

from charset_normalizer import from_bytes

# Bytes that are no ASCII stand alone in Western European text, in rows in other scripts.
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
SAMPLE = 65_536
MIN_HIGH_RUN = 2
MIN_HIGH_BYTES = 12
DETECTED = 8192
MAX_UNIT = 4  # bytes of one character


def guess(content: bytes) -> list[str]:
    """Python's names of the charsets the bytes may be in, the likeliest first; none where they look Western European.

    What is not Western European is left to charset-normalizer (https://charset-normalizer.readthedocs.io), which does
    not tell Western from Central European and sees Japanese where there is a pound sign.
    """
    high = HIGH_RUN.search(content)
    if high is None:
        return []
    sample = content[high.start() : high.start() + SAMPLE]
    runs = HIGH_RUN.findall(sample)
    if sum(map(len, runs)) < max(MIN_HIGH_BYTES, MIN_HIGH_RUN * len(runs)):
        return []
    if len(sample) <= DETECTED:
        return _detected(sample)
    # The sample may end within a character.
    guesses = (_detected(sample[: DETECTED - cut]) for cut in range(MAX_UNIT))
    return next((each for each in guesses if each), [])


def _detected(sample: bytes) -> list[str]:
    return [match.encoding for match in from_bytes(sample) if match.encoding != "utf_8"]
