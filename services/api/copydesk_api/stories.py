"""Stories: articles that are nearly the same text follow the one that came first, the lead.

Texts are compared by their similarity hashes (Charikar 2002) of 64 bits. Two that differ in at most three bits share at
least one of four pieces of sixteen bits, which is what the database looks for (Manku, Jain and Das Sarma 2007).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, case, delete, func, insert, literal, select, update

from copydesk_api.schema import article_bands, articles

NEAR_BITS = 3
BANDS = 4
BAND_BITS = 16
WINDOW = timedelta(days=3)
FEWEST_WORDS = 40  # short texts look alike without being so
MOST_ALIKE = 5_000


@dataclass(frozen=True)
class Told:
    """An article as far as its story goes."""

    row_id: int
    simhash: str
    at: datetime
    word_count: int

    def bands(self) -> list[int]:
        """The pieces of its hash, each with its number; none when it cannot be told apart by it."""
        value = _value(self.simhash)
        if not value or self.word_count < FEWEST_WORDS:
            return []
        return [(number << BAND_BITS) | (value >> (number * BAND_BITS)) & 0xFFFF for number in range(BANDS)]


@dataclass(frozen=True)
class _Known:
    row_id: int
    lead: int
    value: int
    at: datetime


def _value(simhash: str) -> int:
    try:
        return int(simhash, 16) & 0xFFFF_FFFF_FFFF_FFFF
    except ValueError:
        return 0


def place(connection: Connection, told: Sequence[Told]) -> None:
    """Find out whom each of these follows. They are in the tables already, but in no story."""
    comparable = [each for each in told if each.bands()]
    known = _alike(connection, comparable)
    for each in comparable:
        own = _Known(each.row_id, each.row_id, _value(each.simhash), each.at)
        near = [other for band in each.bands() for other in known[band] if _is_near(own, other)]
        if near:
            lead = min(other.lead for other in near)
            own = _Known(own.row_id, lead, own.value, own.at)
        for band in each.bands():
            known[band].append(own)
    _save(connection, comparable, known)


def stays(before: str | None, now: str) -> bool:
    """Whether an article that was changed tells the same story still."""
    return bool(before) and (_value(before or "") ^ _value(now)).bit_count() <= NEAR_BITS


def renew_bands(connection: Connection, told: Sequence[Told]) -> None:
    """These stay in their stories, with hashes that differ a little."""
    if not told:
        return
    connection.execute(delete(article_bands).where(article_bands.c.row_id.in_([each.row_id for each in told])))
    if rows := _band_rows(told):
        connection.execute(insert(article_bands), rows)


def _band_rows(told: Sequence[Told]) -> list[dict[str, int]]:
    return [{"band": band, "row_id": each.row_id} for each in told for band in each.bands()]


def _is_near(one: _Known, other: _Known) -> bool:
    return (
        one.row_id != other.row_id
        and (one.value ^ other.value).bit_count() <= NEAR_BITS
        and abs(one.at - other.at) <= WINDOW
    )


def _alike(connection: Connection, told: Sequence[Told]) -> "defaultdict[int, list[_Known]]":
    """Articles of about the same time that share a piece with any of these, by the pieces."""
    known: defaultdict[int, list[_Known]] = defaultdict(list)
    bands = sorted({band for each in told for band in each.bands()})
    if not bands:
        return known
    since, until = min(each.at for each in told) - WINDOW, max(each.at for each in told) + WINDOW
    found = (
        select(article_bands.c.band, articles.c.row_id, articles.c.follows, articles.c.simhash, articles.c.sort_at)
        .join(articles, articles.c.row_id == article_bands.c.row_id)
        .where(article_bands.c.band.in_(bands), articles.c.sort_at.between(since, until))
        .order_by(articles.c.row_id)
        .limit(MOST_ALIKE)
    )
    for row in connection.execute(found):
        lead = row.row_id if row.follows is None else row.follows
        known[row.band].append(_Known(row.row_id, lead, _value(row.simhash or ""), row.sort_at))
    return known


def _save(connection: Connection, told: Sequence[Told], known: "defaultdict[int, list[_Known]]") -> None:
    rows = _band_rows(told)
    if not rows:
        return
    connection.execute(insert(article_bands), rows)
    numbers = {each.row_id for each in told}
    followers = {each.row_id: each.lead for found in known.values() for each in found if each.row_id in numbers}
    if moved := [{"key": row_id, "lead": lead} for row_id, lead in followers.items() if lead != row_id]:
        statement = update(articles).where(articles.c.row_id == bindparam("key")).values(follows=bindparam("lead"))
        connection.execute(statement, moved)


def leave(connection: Connection, row_ids: Collection[int]) -> None:
    """Take these out of their stories; the first of those who followed one of them leads from now on."""
    if not row_ids:
        return
    connection.execute(delete(article_bands).where(article_bands.c.row_id.in_(row_ids)))
    connection.execute(update(articles).where(articles.c.row_id.in_(row_ids)).values(follows=None))
    heirs = (
        select(articles.c.follows, func.min(articles.c.row_id)).where(articles.c.follows.in_(row_ids))
        .group_by(articles.c.follows)
    )  # fmt: skip
    for lead, heir in connection.execute(heirs).all():
        follows = case((articles.c.row_id == heir, None), else_=literal(heir, BigInteger))
        connection.execute(update(articles).where(articles.c.follows == lead).values(follows=follows))
