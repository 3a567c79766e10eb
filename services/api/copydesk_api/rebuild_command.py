"""The command that makes the index anew: ``copydesk index rebuild``, ``copydesk-api index rebuild``."""

import asyncio
import logging
import sys
from contextlib import AbstractAsyncContextManager, closing

from copydesk_api.migrating import Schema
from copydesk_api.rebuilding import rebuild
from copydesk_api.store import Keep, Standing, Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import Retryable, UserError
from copydesk_shared.kafka import follow
from copydesk_shared.log import Log, LogError

CLIENT_ID = "copydesk-index-rebuild"
AGAIN = "the index is as it was; the same command goes on where this one stopped"


def rebuild_index(url: str, keep: Keep, brokers: Brokers, *, afresh: bool = False) -> int:
    """Rebuild the index of the database from the brokers' topic. Returns the exit code; raises :class:`UserError`."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is told in one line of ours

    def open_log() -> AbstractAsyncContextManager[Log]:
        return follow(brokers, client_id=CLIENT_ID)

    with closing(Store.open(url, keep, migrate=False)) as live:
        if live.schema() in (Schema.EMPTY, Schema.OLDER):
            raise UserError("the database has to be migrated first: copydesk-api migrate")
        try:
            standing = asyncio.run(rebuild(live, keep, open_log, _say, afresh=afresh))
        except LogError as error:
            raise UserError(f"Kafka at {brokers} cannot be used: {error}; {AGAIN}") from None
        except Retryable as error:
            raise UserError(f"{error}; {AGAIN}") from None
        except KeyboardInterrupt:
            _say(f"stopped; {AGAIN}")
            raise
    sys.stdout.write(f"{_done(standing)}\n")
    return 0


def _done(standing: Standing) -> str:
    return f"the index is new, with {standing.position:,} changes; its feed is {standing.feed}, and pollers begin again"


def _say(line: str) -> None:
    sys.stderr.write(f"copydesk: {line}\n")
    sys.stderr.flush()
