"""What schemathesis is told besides ``schemathesis.toml``. It imports this; no test does, for the time that takes."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

from tests.api.exemptions import EXEMPT_LATER, is_exempt, is_right_as_sent


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the failure is one."""
    if isinstance(failure, EnsureResourceAvailability):
        return failure.created_with not in EXEMPT_LATER
    if isinstance(failure, AcceptedNegativeData):
        return not is_right_as_sent(failure.message, str(response.request.url))
    return not (isinstance(failure, RejectedPositiveData) and is_exempt(response.status_code, response.json()))
