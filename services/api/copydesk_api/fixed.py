"""Answers that are the same as long as the program runs: the OpenAPI document and the page that is made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True)
class Fixed:
    """A body with its tag."""

    body: bytes
    tag: str

    def answer(self, request: Request, media_type: str) -> Response:
        """The body, or 304 for who has it (RFC 9110 section 13.1.2)."""
        headers = {"ETag": self.tag}
        given = ",".join(request.headers.getlist("if-none-match")).split(",")
        if any(each.strip().removeprefix("W/") in ("*", self.tag) for each in given):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(self.body, headers=headers, media_type=media_type)


class FixedAnswers:
    """They are made when they are asked for first."""

    def __init__(self) -> None:
        self._made: dict[str, Fixed] = {}

    def of(self, name: str, make: Callable[[], bytes]) -> Fixed:
        """The answer with this name."""
        made = self._made.get(name)
        if made is None:
            body = make()
            made = self._made[name] = Fixed(body, f'"{blake2b(body, digest_size=16).hexdigest()}"')
        return made
