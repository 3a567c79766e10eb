"""Handing in an article: it goes to ``articles.fetched`` as if it had been fetched, and through the pipeline."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Header
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from copydesk_api.admin.feeds import TheOperating
from copydesk_api.admin.router import Body, Writer, router
from copydesk_api.problems import INVALID_BODY, KEY_REUSED, TOO_LARGE, Problem, ProblemDetails
from copydesk_api.submissions import KeyReusedError, Submissions
from copydesk_api.values import Timestamp, Visible, WebUrl
from copydesk_shared.errors import Poison
from copydesk_shared.identity import article_id, canonical_url, registrable_domain
from copydesk_shared.messages import PAGE_CHARACTERS, TEXT_CHARACTERS, Page, Source
from copydesk_shared.telemetry import get_logger
from copydesk_shared.text import plain_text, scrubbed
from copydesk_shared.topics import FETCHED
from copydesk_shared.urls import plain_url
from copydesk_shared.wire import encode

WRITER = "articles-api"
WRITER_VERSION = "1"
LONGEST_TITLE = 1000
LONGEST_NAME = 200
MOST_AUTHORS = 50
LONGEST_KEY = 255
TYPES: dict[str, Literal["text/html", "text/plain"]] = {"html": "text/html", "text": "text/plain"}
# More would be taken here, and be a dead letter of the cleaner that its sender never hears of.
MOST_CHARACTERS = {"html": PAGE_CHARACTERS, "text": TEXT_CHARACTERS}

api = router("articles")


def _address(value: str) -> str:
    url = plain_url(value)
    registrable_domain(url)
    return url


Name = Annotated[str, StringConstraints(max_length=LONGEST_NAME)]


class NewArticle(Body):
    """An article that is handed in: its address, and its text or its page."""

    url: Annotated[WebUrl, AfterValidator(_address)] = Field(
        description="Its http or https URL. Two with the same URL are one article."
    )
    html: Visible | None = Field(default=None, description="The page, of which the cleaner takes the article out.")
    text: Visible | None = Field(default=None, description="Or the text, a paragraph a line.")
    title: Annotated[str, StringConstraints(max_length=LONGEST_TITLE)] = Field(
        default="", description="Where the page or text does not say it."
    )
    authors: tuple[Name, ...] = Field(
        default=(), max_length=MOST_AUTHORS, description="Where the page does not name them."
    )
    published_at: Timestamp | None = Field(default=None, description="Where the page does not say it.")
    source: Name | None = Field(default=None, description="The name of the publisher; left out: the domain.")


class Accepted(BaseModel):
    """An article that is on its way through the pipeline."""

    article_id: str
    revision: int = Field(description="The same again for what was handed in before.")


async def _submissions(request: Request) -> Submissions:
    submissions: Submissions = request.app.state.submissions
    return submissions


TheSubmissions = Annotated[Submissions, Depends(_submissions)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=LONGEST_KEY,
        description="Any text. A request that comes again with it within a day, after an answer that got lost, is the "
        "same one; with another article it is refused.",
    ),
]  # fmt: skip
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"description": "It is on the topic. Location is where it will be, if the pipeline finds an article in it."},
    413: {"model": ProblemDetails, "description": TOO_LARGE.meaning},
    422: {"model": ProblemDetails, "description": KEY_REUSED.meaning},
}


def _page(wanted: NewArticle, now: datetime) -> Page:
    """The page as the fetcher would hand it on. Raises :class:`Problem`."""
    given = {kind: value for kind in TYPES if (value := getattr(wanted, kind)) is not None}
    if len(given) != 1:
        raise Problem(INVALID_BODY, "Give either html or text.")
    ((kind, content),) = given.items()
    if len(content) > MOST_CHARACTERS[kind]:
        raise Problem(TOO_LARGE, f"{kind} has at most {MOST_CHARACTERS[kind]} characters.")
    canonical = canonical_url(wanted.url)
    domain = registrable_domain(canonical)
    authors = (plain_text(author, LONGEST_NAME) for author in wanted.authors)
    return Page(
        article_id=article_id(canonical),
        url=wanted.url,
        canonical_url=canonical,
        source=Source(name=plain_text(wanted.source or "", LONGEST_NAME) or domain, domain=domain),
        content_type=TYPES[kind],
        content=scrubbed(content),
        fetched_at=now,
        entry_title=plain_text(wanted.title, LONGEST_TITLE),
        entry_authors=tuple(author for author in authors if author),
        entry_published_at=wanted.published_at,
    )


@api.post("/articles", summary="Hand in an article", status_code=202, responses=ANSWERS)
async def submit_article(
    caller: Writer, wanted: NewArticle, operating: TheOperating, submissions: TheSubmissions, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Accepted:  # fmt: skip
    """It is cleaned and tagged as any other, and takes the place of an earlier revision of the article.

    What is accepted is stored on the topic. While the brokers are away the answer is 503: try again then. What was
    handed in before, word for word, is accepted and not handed on again.
    """
    page = _page(wanted, datetime.now(UTC))
    try:
        begun = await run_in_threadpool(submissions.begin, page, caller.key_id, idempotency_key)
    except KeyReusedError:
        raise Problem(KEY_REUSED, KEY_REUSED.meaning) from None
    if not begun.is_stored:
        record = encode(FETCHED, page.model_copy(update={"revision": begun.revision}), stage=WRITER,
                        version=WRITER_VERSION)  # fmt: skip
        try:
            await operating.outlet.write([record])
        except Poison:
            raise Problem(TOO_LARGE, "The article is larger than a message may be.") from None
        await run_in_threadpool(submissions.confirm, page.article_id, begun.revision)
        get_logger().info("an article was handed in", article_id=page.article_id, revision=begun.revision,
                          by=caller.key_id)  # fmt: skip
    response.headers["Location"] = f"/v1/articles/{page.article_id}"
    return Accepted(article_id=page.article_id, revision=begun.revision)
