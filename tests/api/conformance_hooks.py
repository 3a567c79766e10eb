"""What schemathesis is told besides ``schemathesis.toml``. It imports this; no test does, for the time that takes."""

import re
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

from tests.api.exemptions import EXEMPT_LATER, EXEMPT_LISTS, is_exempt

NAMED = re.compile("parameters? (.*) in query")
NAME = re.compile("`([a-z_]+)`")
EMPTY: tuple[object, ...] = ("", None, [], [""], {})


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the failure is one."""
    if isinstance(failure, EnsureResourceAvailability):
        return failure.created_with not in EXEMPT_LATER
    if isinstance(failure, AcceptedNegativeData):
        return not _is_list_of_one(failure.message, case.query)
    return not (isinstance(failure, RejectedPositiveData) and is_exempt(response.status_code, response.json()))


def _is_list_of_one(said: str, query: Any) -> bool:
    """Whether one of these is all that is wrong; what is sent empty beside it counts as not given."""
    named = NAMED.search(said)
    values = query if named and isinstance(query, dict) else {}
    given = {name: values.get(name) for name in NAME.findall(named[1] if named else "")}
    lists = {name for name in given if name in EXEMPT_LISTS and isinstance(given[name], bool | int | float | str)}
    return bool(lists) and all(name in lists or value in EMPTY for name, value in given.items())
