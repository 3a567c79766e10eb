"""The topics of the WebSub hub: feeds of ours, with any filter, and what is pushed of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from copydesk_api.formats.feeds import FORMATS, FeedFormat
from copydesk_api.formats.selection import Selection
from copydesk_api.parameters import REPEATABLE, ListParameters
from copydesk_api.problems import invalid_parameters
from copydesk_api.push.records import Event, Message, Pending, Receiver
from copydesk_api.push.signatures import hub_signature
from copydesk_api.push.store import event_id
from copydesk_shared.messages import ClassifiedArticle

HUB_PATH = "/websub"
# Of filters whose list is in another order than that of time, or is a later page, nothing can be pushed.
NOT_PUSHED = ("cursor", "order")


@dataclass(frozen=True)
class Topic:
    """A feed: its format, and the filters as query parameters."""

    url: str
    format: FeedFormat
    filters: Mapping[str, Any]
    subject: str


def topic_of(url: str, base_url: str) -> Topic:
    """Raises ``ValueError`` for what is no feed of ours that can be pushed."""
    start = urlsplit(base_url)
    parts = urlsplit(url)
    path = parts.path.removeprefix(start.path)
    format_ = FORMATS.get(path)
    is_ours = (parts.scheme, parts.netloc) == (start.scheme, start.netloc) and parts.path == f"{start.path}{path}"
    if not is_ours or format_ is None or parts.fragment:
        raise ValueError(f"no feed of this service, which are {', '.join(f'{base_url}{each}' for each in FORMATS)}")
    given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), max_num_fields=100)
    repeated = sorted(name for name, values in given.items() if len(values) > 1 and name not in REPEATABLE)
    if repeated or (refused := sorted(set(given) & set(NOT_PUSHED))):
        raise ValueError(f"{', '.join(repeated or refused)}: what is new of this feed cannot be told")
    values = {name: each if name in REPEATABLE else each[0] for name, each in given.items()}
    try:
        parameters = ListParameters.model_validate(values)
    except ValidationError as error:
        found = [{**each, "loc": ("query", *each["loc"])} for each in error.errors(include_url=False)]
        raise ValueError(invalid_parameters(found).details.detail) from None
    subject = ", ".join(f"{name} {value}" for name, value in parameters.pairs())
    return Topic(url, format_, parameters.model_dump(mode="json", exclude_defaults=True, exclude={"limit"}), subject)


def hub_links(base_url: str, topic: str) -> str:
    """The value of ``Link``: where the hub is, and what it knows the feed by."""
    return f'<{base_url}{HUB_PATH}>; rel="hub", <{topic}>; rel="self"'


class HubVoice:
    """Says it by a feed with the new and the changed entries alone, in the format of the topic."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def events(self, receiver: Receiver) -> Sequence[Event]:
        """Those to look for: a feed reader cannot be told of removals. Raises ``ValueError`` for a former address."""
        topic_of(receiver.topic or "", self._base_url)
        return (Event.PUBLISHED, Event.REVISED, Event.RETAGGED)

    def messages(self, receiver: Receiver, pending: Pending) -> Sequence[Message]:
        """One feed with all of them, the newest first."""
        documents = {change.article_id: change.document for _, change in pending.changes if change.document}
        if not documents:
            return ()
        topic = topic_of(receiver.topic or "", self._base_url)
        articles = sorted(map(ClassifiedArticle.model_validate_json, documents.values()), key=_time, reverse=True)
        selection = Selection(articles, self._base_url, topic.url, None, f"{self._base_url}{HUB_PATH}", topic.subject)
        headers = {"content-type": topic.format.media_type, "link": hub_links(self._base_url, topic.url)}
        last = pending.changes[-1][1].position
        message_id = event_id(receiver.receiver_id, pending.feed, last)
        return (Message(message_id, Event.CONTENT, headers, topic.format.write(selection), last),)

    def reset(self, _receiver: Receiver, _feed: str) -> Message | None:
        """Nothing: a feed reader knows no positions."""
        return None

    def headers(self, receiver: Receiver, message: Message) -> Mapping[str, str]:
        """With a signature where the subscriber has given a secret."""
        if not receiver.secret:
            return message.headers
        return {**message.headers, "x-hub-signature": hub_signature(message.body, receiver.secret)}


def _time(article: ClassifiedArticle) -> tuple[Any, str]:
    return (article.published_at or article.fetched_at).astimezone(UTC), article.article_id
