"""Marks: the headers that Copydesk puts on a record that is put off, given up or brought back.

They come after the record's own headers, behind one header whose value is its own place in the list, so that the
record's own headers come back exactly as they were, whatever their names. That one name is reserved: a record that
comes with such a header at such a place is taken for one that was marked.
"""

from collections.abc import Mapping

from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.wire import as_headers

BORDER = "copydesk-own-headers"
# aiokafka sends no record that has neither key nor value; this mark says that the empty key stands for none.
NO_KEY = "copydesk-no-key"
LARGEST_NUMBER_DIGITS = 18


def _border(headers: Headers) -> int | None:
    places = [place for place, (name, value) in enumerate(headers) if name == BORDER and value == b"%d" % place]
    return places[-1] if places else None


def own_headers(record: Record) -> Headers:
    """The headers as the record first had them."""
    border = _border(record.headers)
    return record.headers if border is None else record.headers[:border]


def own_key(record: Record) -> bytes | None:
    """The key as the record first had it."""
    return None if record.key == b"" and NO_KEY in marks(record) else record.key


def marks(record: Record) -> dict[str, str]:
    """What was marked on the record, by name; of two marks of one name the last counts."""
    border = _border(record.headers)
    if border is None:
        return {}
    return {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers[border + 1 :]}


def marked(topic: str, record: Record, said: Mapping[str, str]) -> Outgoing:
    """The record for another topic, with these marks and no others."""
    own = own_headers(record)
    key = own_key(record)
    why = dict(said)
    if key is None and record.value is None:
        key, why = b"", {**why, NO_KEY: "1"}
    headers = (*own, (BORDER, b"%d" % len(own)), *as_headers(why))
    return Outgoing(topic, key, record.value, headers)


def number(text: str | None) -> int | None:
    """The number that a mark says; ``None`` for anything that is not one."""
    if text and len(text) <= LARGEST_NUMBER_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return None
