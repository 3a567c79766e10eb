"""URLs as people write them."""

import re

# A host as it is written without its scheme: with a dot or a port in it, or it may be any word.
HOST = re.compile(r"(?:(?:[\w-]+\.)+[\w-]{2,}\.?|[\w.-]+(?=:\d)|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?=[/?#]|$)")


def spelt_out(text: str) -> str:
    """The URL that somebody means who leaves out ``https://``; anything else as it is."""
    return f"https://{text.strip()}" if HOST.match(text.strip()) else text
