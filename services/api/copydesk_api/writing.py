"""The one way into the tables: what a batch of messages changes, in the transaction of the caller.

The row of positions is locked first: whoever writes next sees this batch, and pollers see positions in order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from copydesk_api.database import WRITE_SECONDS, patiently
from copydesk_api.derived import Derived
from copydesk_api.history import keep_history
from copydesk_api.planning import Known, Plan, Tagging, expiry, plan
from copydesk_api.rows import Row, article_row, change_row, tagging_columns
from copydesk_api.schema import articles, changes, positions, source_offsets
from copydesk_api.search import Search
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered
from copydesk_shared.topics import CLASSIFIED

GROUP = "api"

Batch = Sequence[Delivered[ClassifiedArticle] | tuple[str, ClassifiedArticle | None]]


@dataclass(frozen=True)
class Keep:
    """How much is kept: earlier revisions of each article, and days since it was fetched (``None``: for good)."""

    revisions: int = 20
    days: int | None = None

    def since(self) -> datetime | None:
        """What was fetched before is not kept."""
        return None if self.days is None else datetime.now(UTC) - timedelta(days=self.days)


class Writer:
    """Writes to the tables by one connection, within its transaction."""

    def __init__(self, connection: Connection, search: Search, keep: Keep) -> None:
        self._connection = connection
        self._derived = Derived(connection, search)
        self._keep = keep

    @patiently(WRITE_SECONDS)
    def write(self, batch: Batch, next_offsets: Mapping[int, int]) -> None:
        """See :meth:`copydesk_api.store.Store.write`."""
        newest = self._lock()
        if next_offsets and offsets(self._connection, next_offsets) == next_offsets:
            return
        known, row_ids = _known(self._connection, {each[0] for each in batch})
        planned = plan(known, self._young(batch, known))
        self._apply(planned, newest, row_ids)
        _note(self._connection, planned)
        save_offsets(self._connection, next_offsets)

    @patiently(WRITE_SECONDS)
    def expire(self, before: datetime, most: int) -> int:
        """Remove up to so many articles that were fetched before, the oldest first; says how many there were."""
        newest = self._lock()
        old = (
            select(articles.c.article_id)
            .where(articles.c.fetched_at < before)
            .order_by(articles.c.fetched_at)
            .limit(most)
        )
        known, row_ids = _known(self._connection, self._connection.scalars(old).all())
        self._apply(expiry(known), newest, row_ids)
        return len(known)

    @patiently(WRITE_SECONDS)
    def catch_up(self, most: int) -> int:
        """See :meth:`copydesk_api.store.Store.catch_up`."""
        self._lock()
        return self._derived.catch_up(most)

    def _lock(self) -> int:
        newest: int = self._connection.execute(select(positions.c.newest).with_for_update()).scalar_one()
        return newest

    def _young(self, batch: Batch, known: Mapping[str, Known]) -> Batch:
        """Without articles that would be removed at once: a topic that is read again holds what has expired."""
        since = self._keep.since()
        if since is None:
            return batch
        return [each for each in batch if each[1] is None or each[0] in known or each[1].fetched_at >= since]

    def _apply(self, planned: Plan, newest: int, row_ids: Mapping[str, int]) -> None:
        if not planned.changes:
            return
        now = datetime.now(UTC)
        placed = list(enumerate(planned.changes, newest + 1))
        last = {change.article_id: (position, change) for position, change in placed}
        keep_history(self._connection, placed, row_ids, now, self._keep.revisions)
        self._connection.execute(insert(changes), [change_row(position, change, now) for position, change in placed])
        self._connection.execute(update(positions).values(newest=placed[-1][0]))
        rows = [
            article_row(row_ids.get(article_id, last[article_id][0]), *last[article_id], now, article)
            for article_id, article in planned.final.items()
        ]
        new = [row for row in rows if row["article_id"] not in row_ids]
        old = [row for row in rows if row["article_id"] in row_ids]
        before = self._derived.hashes([row["row_id"] for row in old])
        key = articles.c.row_id == bindparam("key")
        for alike in _alike({**row, "key": row["row_id"]} for row in old):
            self._connection.execute(update(articles).where(key), alike)
        for alike in _alike(new):
            self._connection.execute(insert(articles), alike)
        final = ((row["row_id"], planned.final[row["article_id"]]) for row in rows)
        self._derived.renew(before, [(row_id, article) for row_id, article in final if article is not None])


def _alike(rows: Iterable[Row]) -> Collection[list[Row]]:
    """Rows of the same columns together: a statement takes its columns from the first of its rows."""
    groups: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(row)
    return groups.values()


def _known(connection: Connection, ids: Iterable[str]) -> tuple[dict[str, Known], dict[str, int]]:
    columns = (articles.c.article_id, articles.c.row_id, articles.c.revision, articles.c.fingerprint,
               articles.c.tagged_at, articles.c.classifier_version)  # fmt: skip
    gone = articles.c.document.is_(None).label("gone")
    rows = connection.execute(select(*columns, gone).where(articles.c.article_id.in_(list(ids)))).all()
    known = {row.article_id: Known(row.revision, row.fingerprint, bool(row.gone), _tagging(row)) for row in rows}
    return known, {row.article_id: row.row_id for row in rows}


def _tagging(row: Any) -> Tagging | None:
    return None if row.tagged_at is None else Tagging(row.tagged_at, row.classifier_version)


def _note(connection: Connection, planned: Plan) -> None:
    # The document stays as pollers have seen it: nothing in it that matters has changed.
    if planned.noted:
        statement = update(articles).where(articles.c.article_id == bindparam("key"))
        parameters = [
            {"key": article_id, "revision": revision, **tagging_columns(planned.tagged[article_id])}
            for article_id, revision in planned.noted.items()
        ]
        connection.execute(statement, parameters)


def offsets(connection: Connection, partitions: Iterable[int] | None = None) -> dict[int, int]:
    """The next offset to read of those partitions (all of them, when none are named) that have one."""
    statement = select(source_offsets.c.partition, source_offsets.c.next_offset).where(
        source_offsets.c.consumer_group == GROUP, source_offsets.c.topic == CLASSIFIED.name
    )
    if partitions is not None:
        statement = statement.where(source_offsets.c.partition.in_(list(partitions)))
    return {row.partition: row.next_offset for row in connection.execute(statement)}


def save_offsets(connection: Connection, next_offsets: Mapping[int, int]) -> None:
    """Offsets may go back: a topic that was made anew starts at 0, and what comes twice is ignored."""
    if not next_offsets:
        return
    ours = (source_offsets.c.consumer_group == GROUP, source_offsets.c.topic == CLASSIFIED.name)
    connection.execute(delete(source_offsets).where(*ours, source_offsets.c.partition.in_(list(next_offsets))))
    connection.execute(
        insert(source_offsets),
        [
            {"consumer_group": GROUP, "topic": CLASSIFIED.name, "partition": partition, "next_offset": offset}
            for partition, offset in next_offsets.items()
        ],
    )
