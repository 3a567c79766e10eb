"""The links of the OpenAPI document: which answer holds what another call takes (OpenAPI 3.1, the Link Object)."""

from collections.abc import Mapping
from typing import Any

_BODY = "$response.body#"
_FIRST = f"{_BODY}/items/0"
_ARTICLE = {"article_id": f"{_FIRST}/article_id"}
_NEXT = {"cursor": f"{_BODY}/next"}
_KEY = {"key_id": f"{_BODY}/key_id"}
_FEED = {"feed_id": f"{_BODY}/feed_id"}
_WEBHOOK = {"webhook_id": f"{_BODY}/webhook_id"}
_SAME_WEBHOOK = {"webhook_id": "$request.path.webhook_id"}
_OF_WEBHOOKS = (
    "get_webhook", "change_webhook", "rotate_webhook", "list_deliveries", "replay_webhook", "send_test",
    "remove_webhook",
)  # fmt: skip

# By the call that answers: the call that comes after it, and what that takes from the answer.
LINKS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "list_articles": {"list_articles": _NEXT, "get_article": _ARTICLE, "list_revisions": _ARTICLE},
    "list_revisions": {"list_revisions": {"article_id": "$request.path.article_id", **_NEXT}},
    "list_changes": {"list_changes": {"after": f"{_BODY}/next"}, "stream": {"after": f"{_BODY}/next"},
                     "get_article": _ARTICLE},
    "list_tags": {"list_articles": {"tag": f"{_FIRST}/tag"}},
    "list_sources": {"list_sources": _NEXT, "get_source_health": {"domain": f"{_FIRST}/domain"}},
    "list_dead_letters": {"list_dead_letters": _NEXT},
    "create_key": {"rotate_key": _KEY, "remove_key": _KEY},
    "list_feeds": {"list_feeds": _NEXT, "get_feed": {"feed_id": f"{_FIRST}/feed_id"}},
    "add_feed": {"get_feed": _FEED, "change_feed": _FEED, "remove_feed": _FEED},
    "list_webhooks": {"get_webhook": {"webhook_id": f"{_FIRST}/webhook_id"}},
    "create_webhook": dict.fromkeys(_OF_WEBHOOKS, _WEBHOOK),
    "list_deliveries": {
        "list_deliveries": {**_SAME_WEBHOOK, **_NEXT},
        "replay_delivery": {**_SAME_WEBHOOK, "number": f"{_FIRST}/number"},
    },
    "send_test": {"replay_delivery": {**_SAME_WEBHOOK, "number": f"{_BODY}/number"}},
}  # fmt: skip


def declare_links(call: dict[str, Any]) -> None:
    """Add them to what the document says of a call."""
    found = LINKS.get(call["operationId"])
    if found:
        status = min(call["responses"], key=int)
        call["responses"][status]["links"] = {
            after: {"operationId": after, "parameters": dict(taken)} for after, taken in found.items()
        }
