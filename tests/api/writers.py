"""A process that writes to the store, made to be killed: what it writes is the same each time it is started."""

import random

from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article

ROUNDS = 12
IDS = 15

Message = tuple[str, ClassifiedArticle | None]


def once(writer: int) -> set[str]:
    """The ids that are written in one round only, so every poller has to get each exactly once."""
    return {f"w{writer}-once-{number}" for number in range(ROUNDS)}


def rounds(writer: int) -> list[list[Message]]:
    """Batches with new articles, later revisions and tombstones."""
    chance = random.Random(writer)
    batches: list[list[Message]] = []
    for number in range(ROUNDS):
        batch: list[Message] = [(f"w{writer}-once-{number}", article(f"w{writer}-once-{number}"))]
        for _ in range(chance.randint(0, 5)):
            article_id = f"w{writer}-{chance.randrange(IDS)}"
            gone = chance.random() < 0.1
            batch.append((article_id, None if gone else article(article_id, number + 1, f"text {number}")))
        batches.append(batch)
    return batches


def write_all(url: str, writer: int) -> None:
    """Go on where the store says, with the last batch once more: its answer may have got lost."""
    store = Store.open(url)
    batches = rounds(writer)
    for number in range(max(0, store.positions([writer]).get(writer, 0) - 1), ROUNDS):
        store.write(batches[number], {writer: number + 1})
    store.close()
