"""Lines of text as the fetcher and the cleaner compare them: by a digest of their words."""

import base64
import hashlib
import re

NOT_WORD = re.compile(r"[\W_]+")
# What becomes of each byte of ASCII: letters and digits stay.
ASCII_KEY = "".join(letter.lower() if letter.isalnum() else " " for letter in map(chr, range(128))).encode().ljust(256)
DIGEST_BYTES = 8


def line_key(text: str) -> str:
    """The text without case, punctuation and spacing: equal keys are the same words."""
    if text.isascii():  # as most lines; two or three times faster
        return b" ".join(text.encode().translate(ASCII_KEY).split()).decode()
    return NOT_WORD.sub(" ", text.casefold()).strip()


def line_digest(text: str) -> str:
    """The first 64 bits of the BLAKE2b digest (RFC 7693) of the line's key, as 11 characters of base64url."""
    digest = hashlib.blake2b(line_key(text).encode("utf-8", "replace"), digest_size=DIGEST_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
