"""Text that was decoded with the wrong character set somewhere on its way: doesnâ€™t for doesn't."""

# The characters that such text is made of.
# ruff: noqa: RUF001

import re

import ftfy

# What UTF-8 becomes when it is read as Windows-1252, Latin-1 or Windows-1251. ftfy decides; it costs a hundred times as
# much as this look.
SUSPECT = re.compile(
    "[ÂÃÐÑ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â[€\x80]|вЂ|ð[Ÿ\x9f]|ï[¿»]|"
    "(?:[РС][\x80-\xbf€‚ѓ„…†‡‰‹‘’“”•–—™›ЂЃЉЊЌЋЏђљњќћџЎўЈҐЁЄЇІіґё№єјЅѕї]){3}"
)
# What each of them begins with; most texts have none, and one set of characters is looked for faster than sequences.
FIRST = re.compile("[ÂÃÐÑâвðïРС]")


def is_suspect(text: str) -> bool:
    """Whether a closer look is worth it."""
    return not text.isascii() and FIRST.search(text) is not None and SUSPECT.search(text) is not None


def repaired(text: str) -> str:
    """The text with such sequences put right, line by line, since the lines of a page may have come different ways."""
    return "\n".join(ftfy.fix_encoding(line) if SUSPECT.search(line) else line for line in text.split("\n"))
