"""What follows from the documents: tags and their counts, words for search, stories."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from copydesk_api.rows import Row, derived_columns, search_row, sort_time, tag_rows
from copydesk_api.schema import STALE, article_tags, articles, tag_counts
from copydesk_api.search import Search
from copydesk_api.stories import Told, leave, place, renew_bands, stays
from copydesk_shared.messages import ClassifiedArticle

Present = Sequence[tuple[int, ClassifiedArticle]]


class Derived:
    """Keeps it by one connection, within its transaction."""

    def __init__(self, connection: Connection, search: Search) -> None:
        self._connection = connection
        self._search = search

    def hashes(self, row_ids: Collection[int]) -> dict[int, str | None]:
        """The similarity hashes as they are; to be asked for before rows are changed."""
        if not row_ids:
            return {}
        found = select(articles.c.row_id, articles.c.simhash).where(articles.c.row_id.in_(row_ids))
        return {row.row_id: row.simhash for row in self._connection.execute(found)}

    def renew(self, before: Mapping[int, str | None], present: Present) -> None:
        """``before``: rows that were there, with their hashes; ``present``: those that have a document now."""
        self._count(-1, self._tags_of(before))
        tags = self._put_tags(list(before), present)
        self._count(+1, tags)
        self._renew_words(list(before), present)
        self._tell(before, present)

    def is_behind(self) -> bool:
        """Whether there are rows that another program has written."""
        return self._connection.execute(select(articles.c.row_id).where(STALE).limit(1)).first() is not None

    def catch_up(self, most: int) -> int:
        """Do so for up to so many rows that another program has written; says how many there were."""
        columns = (articles.c.row_id, articles.c.simhash, articles.c.document)
        stale = self._connection.execute(select(*columns).where(STALE).order_by(articles.c.row_id).limit(most)).all()
        before = {row.row_id: row.simhash for row in stale}
        present = [
            (row.row_id, ClassifiedArticle.model_validate_json(row.document))
            for row in stale
            if row.document is not None
        ]
        if stale:
            self._put_tags(list(before), present)
            self._renew_words(list(before), present)
            self._mark(before, present)
            self._tell(before, present)
            if len(stale) < most:
                self._recount()
        return len(stale)

    def _mark(self, row_ids: Collection[int], present: Present) -> None:
        values = {row_id: derived_columns(article) for row_id, article in present}
        nothing: Row = dict.fromkeys(("language", "primary_language", "access", "simhash"))
        statement = update(articles).where(articles.c.row_id == bindparam("key"))
        statement = statement.values(derived_position=articles.c.position)
        self._connection.execute(statement, [{"key": row_id, **values.get(row_id, nothing)} for row_id in row_ids])

    def _renew_words(self, stale: Sequence[int], present: Present) -> None:
        self._search.replace(self._connection, stale, [search_row(*each) for each in present])

    def _put_tags(self, stale: Sequence[int], present: Present) -> Counter[tuple[str, str]]:
        if stale:
            self._connection.execute(delete(article_tags).where(article_tags.c.row_id.in_(stale)))
        rows = [row for each in present for row in tag_rows(*each)]
        if rows:
            self._connection.execute(insert(article_tags), rows)
        return Counter((row["tag"], row["label"]) for row in rows)

    def _tags_of(self, row_ids: Collection[int]) -> Counter[tuple[str, str]]:
        if not row_ids:
            return Counter()
        found = select(article_tags.c.tag, article_tags.c.label).where(article_tags.c.row_id.in_(list(row_ids)))
        return Counter((row.tag, row.label) for row in self._connection.execute(found))

    def _count(self, sign: int, tags: Counter[tuple[str, str]]) -> None:
        if not tags:
            return
        known = set(
            self._connection.scalars(select(tag_counts.c.tag).where(tag_counts.c.tag.in_({tag for tag, _ in tags})))
        )
        labels = {tag: label for tag, label in tags if tag not in known}
        if labels:
            new = [{"tag": tag, "label": label, "count": 0} for tag, label in labels.items()]
            self._connection.execute(insert(tag_counts), new)
        statement = update(tag_counts).where(tag_counts.c.tag == bindparam("key"))
        statement = statement.values(label=bindparam("now"), count=tag_counts.c.count + bindparam("more"))
        moved = [{"key": tag, "now": label, "more": sign * number} for (tag, label), number in tags.items()]
        self._connection.execute(statement, moved)

    def _recount(self) -> None:
        counted = select(article_tags.c.tag, func.max(article_tags.c.label), func.count()).group_by(article_tags.c.tag)
        self._connection.execute(delete(tag_counts))
        self._connection.execute(insert(tag_counts).from_select(["tag", "label", "count"], counted))

    def _tell(self, before: Mapping[int, str | None], present: Present) -> None:
        told = [Told(row_id, each.simhash, sort_time(each), each.word_count) for row_id, each in present]
        staying = [each for each in told if stays(before.get(each.row_id), each.simhash)]
        stay = {each.row_id for each in staying}
        leave(self._connection, [row_id for row_id in before if row_id not in stay])
        renew_bands(self._connection, staying)
        place(self._connection, [each for each in told if each.row_id not in stay])
