"""What schemathesis may find: valid by the document and refused all the same, for what no schema can say.

A refusal is passed over only if all that it names stands here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

BAD_REQUEST = 400
# How schemathesis names what it has made wrong.
NAMED = re.compile("parameters? (.*) in query")
NAME = re.compile("`([a-z_]+)`")


@dataclass(frozen=True)
class Exemption:
    """Values of these parameters, or fields of a body, may be refused with such a detail; ``why`` no schema says so."""

    names: tuple[str, ...]
    detail: str
    why: str


EXEMPT = (
    Exemption(("cursor", "after"), "cursor|no place in the list", "cursors are opaque and checked"),
    # An error in the filters of a webhook names these as a whole.
    Exemption(
        ("q", "filters"),
        "no word to search for|more than 32",
        "what is a word is told by Unicode and by quotation marks",
    ),
    Exemption(
        ("published_from", "published_to", "filters"), "use a date", "which days there are is told by a calendar"
    ),
    Exemption(("published_at", "expires_at"), "before the year 1", "in UTC it may be another year"),
    Exemption(("expires_at",), "in the past", "it depends on now"),
    Exemption(("order",), "relevance needs q", "it depends on another parameter"),
    Exemption(("interval",), "is not between", "the bounds are in seconds, whatever the unit"),
    Exemption(("url", "hub.callback"), "URL|resolved|public|port|canonical", "which hosts are public is told by DNS"),
    Exemption(("hub.topic",), "no feed of this service", "which feeds there are depends on the address of the service"),
    Exemption(("hub.secret",), "bytes at most", "the length is in bytes, not in characters"),
    Exemption(("hub.lease_seconds",), "number of seconds", "a form has no numbers, only texts"),
)
# Refusals of the body as a whole.
EXEMPT_DETAILS: Mapping[str, str] = {
    "Give either html or text.": "it is about two fields; oneOf would spoil the model for generators of clients",
    "the file: ": "OPML is XML, which JSON Schema does not describe",
}
# Refusals that depend on what is there already.
EXEMPT_STATES: Mapping[str, str] = {
    "/docs#key-reused": "it depends on what came with the same Idempotency-Key before",
    "/docs#gone": "it depends on what was removed, or is not kept any more",
}
# What was made with such a call need not be there yet.
EXEMPT_LATER: Mapping[str, str] = {
    "POST /v1/articles": "202: the article is there when it has come through the pipeline",
}
# Values that are no lists, and are taken for one.
EXEMPT_LISTS: Mapping[str, str] = {
    "tag": "what comes once in a query is a list of one, whatever type it was drawn as",
}


def is_exempt(status: int, problem: Mapping[str, Any]) -> bool:
    """Whether everything that this answer names may be refused."""
    if problem["type"] in EXEMPT_STATES:
        return True
    errors = problem.get("errors") or []
    if not errors:
        return status == BAD_REQUEST and problem["detail"].startswith(tuple(EXEMPT_DETAILS))
    return status == BAD_REQUEST and all(_may_be_refused(each["parameter"], each["detail"]) for each in errors)


def is_right_as_sent(said: str, url: str) -> bool:
    """Whether what a request is blamed for is not in it: a value that comes once is a list of one, and what is empty,
    or not there at all, counts as not given.

    What was drawn tells little: of a list or an object one value may be sent, or nothing.
    """
    named = NAMED.search(said)
    sent = parse_qs(urlsplit(url).query, keep_blank_values=True)
    given = {name: sent.get(name, []) for name in NAME.findall(named[1] if named else "")}
    lists = {name for name, values in given.items() if name in EXEMPT_LISTS and len(values) == 1}
    return bool(given) and all(name in lists or not any(values) for name, values in given.items())


def _may_be_refused(name: str, detail: str) -> bool:
    return any(name in each.names and re.search(each.detail, detail) for each in EXEMPT)
