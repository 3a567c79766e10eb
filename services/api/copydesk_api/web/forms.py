"""What the forms of the pages send: small, and URL-encoded."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from copydesk_api.problems import INVALID_BODY, Problem

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_BYTES = 64 * 1024
MOST_FIELDS = 100


async def form_of(request: Request) -> dict[str, str]:
    """The fields of the form; of one that comes twice the last. Raises :class:`Problem` for what is no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Problem(INVALID_BODY, f"Expected {MEDIA_TYPE}.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Problem(INVALID_BODY, f"A form has at most {MOST_BYTES} bytes.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise Problem(INVALID_BODY, f"The form cannot be read: {error}.") from None
