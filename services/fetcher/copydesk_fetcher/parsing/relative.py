"""Relative addresses in the markup of a feed, made absolute: the markup is read far from where it stood."""

import re
from urllib.parse import urljoin

# Neither looks beyond the next "<", so that hostile markup costs no more than its length.
TAG = re.compile(r"<[a-zA-Z](?=[^<>]*?\s(?:href|src|poster|cite|longdesc)\s*=)[^<>]*+>", re.IGNORECASE)
ADDRESS = re.compile(
    r"""(\s(?:href|src|poster|cite|longdesc)\s*=\s*)(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""", re.IGNORECASE
)
ABSOLUTE = re.compile(r"\s*(?:[a-zA-Z][\w+.-]*:|#|$)")


def with_absolute_addresses(markup: str, base: str) -> str:
    """The markup with what its links, pictures and quotations refer to as seen from ``base`` (RFC 3986 section 5)."""

    def address(found: re.Match[str]) -> str:
        value = next(value for value in found.groups()[1:] if value is not None)
        if ABSOLUTE.match(value):
            return found[0]
        try:
            return f'{found[1]}"{urljoin(base, value.strip())}"'.replace("\n", "")
        except ValueError:
            return found[0]

    return TAG.sub(lambda tag: ADDRESS.sub(address, tag[0]), markup) if base else markup
