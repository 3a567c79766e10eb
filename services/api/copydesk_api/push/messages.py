"""What is sent to webhooks."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from copydesk_api import cursors
from copydesk_api.bodies import change_item
from copydesk_api.push.records import CHOOSABLE, Event, Message, Pending, Receiver
from copydesk_api.push.signatures import webhook_headers
from copydesk_api.push.store import event_id
from copydesk_api.records import FeedChange

JSON = {"content-type": "application/json"}
RESET = "The feed was built anew: read /v1/changes from its beginning for a full copy."


class WebhookVoice:
    """Says it by the payload and the headers of Standard Webhooks, a change at a time."""

    def events(self, receiver: Receiver) -> Sequence[Event]:
        """Those to look for in the feed."""
        return [each for each in CHOOSABLE if each in receiver.events]

    def messages(self, receiver: Receiver, pending: Pending) -> Sequence[Message]:
        """What is to be sent, in order."""
        return [
            change_message(event_id(receiver.receiver_id, pending.feed, change.position), pending.feed, event, change)
            for event, change in pending.changes
        ]

    def reset(self, receiver: Receiver, feed: str) -> Message | None:
        """What is to be sent where the feed is another one than the receiver knows."""
        data = {"detail": RESET}
        return plain_message(event_id(receiver.receiver_id, feed, Event.RESET.value), Event.RESET, data)

    def headers(self, receiver: Receiver, message: Message) -> Mapping[str, str]:
        """The headers of an attempt that is made now."""
        now = datetime.now(UTC)
        signed = webhook_headers(message.event_id, now, message.body, receiver.keys(now))
        return {**message.headers, **signed}


def change_message(message_id: str, feed: str, event: Event, change: FeedChange) -> Message:
    """A change of the feed. ``cursor`` is where a poller would go on after it."""
    head = {
        "type": event.value,
        "timestamp": _told(change.at),
        "cursor": cursors.encode_position(change.position, feed),
    }
    body = f'{json.dumps(head, separators=(",", ":"))[:-1]},"data":{change_item(change)}}}'
    return Message(message_id, event, JSON, body.encode(), change.position, change.article_id)


def plain_message(message_id: str, event: Event, data: Mapping[str, str]) -> Message:
    """What is no change."""
    body = json.dumps({"type": event.value, "timestamp": _told(datetime.now(UTC)), "data": data})
    return Message(message_id, event, JSON, body.encode())


def _told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
