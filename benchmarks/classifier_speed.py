"""Documents a CPU-second through the packaged taxonomy: ``python benchmarks/classifier_speed.py [--documents N]``.

The texts are put together from a few sentences of our own, half of them about the tags, in three lengths.
"""

import argparse
import pickle
import random
import resource
import time
from datetime import UTC, datetime

from copydesk_classifier.oneshot import article_from
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from copydesk_shared.messages import Article

ON_TOPIC = (
    "Shelling killed at least nine people in the eastern city overnight, the governor said.",
    "The airline said a passenger jet had made an emergency landing after an engine caught fire.",
    "Both sides agreed to a ceasefire and to a prisoner exchange at the border on Friday.",
    "Rebels seized the airport after government troops withdrew from the provincial capital.",
    "The hostages were released in return for 40 jailed fighters, a negotiator told reporters.",
)
OFF_TOPIC = (
    "The council approved a plan to plant two hundred trees along the river before the winter.",
    "Shares in the retailer rose by four per cent after it reported strong sales in the spring.",
    "A museum in the old mill shows how paper was made here for more than three hundred years.",
    "The striker scored twice in the second half and the home side went top of the table.",
    "Doctors said that the new treatment had helped most of the patients who took part.",
)
LENGTHS = (200, 2_000, 20_000)


def synthetic(characters: int, rng: random.Random) -> Article:
    """An article of about that many characters, three sentences a paragraph."""
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < characters:
        paragraphs.append(" ".join(rng.choice(ON_TOPIC if rng.random() < 0.5 else OFF_TOPIC) for _ in range(3)))
    text = "\n".join(paragraphs)[:characters]
    return article_from(text, datetime(2026, 1, 1, tzinfo=UTC))


def documents_per_second(taxonomy: Taxonomy, characters: int, count: int) -> float:
    """CPU time of this process only."""
    rng = random.Random(characters)
    articles = [synthetic(characters, rng) for _ in range(count)]
    started = time.process_time()
    for article in articles:
        classify(article, taxonomy)
    return count / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000, help="documents of 2,000 characters (default 1000)")
    count = max(1, parser.parse_args().documents)
    started = time.process_time()
    taxonomy = load_taxonomy()
    loaded = time.process_time()
    pickle.loads(pickle.dumps(taxonomy))  # noqa: S301 - our own bytes; what each worker process pays
    print(f"load and test the taxonomy  {loaded - started:8.2f} s")
    print(f"compile it in a worker      {time.process_time() - loaded:8.2f} s")
    for characters in LENGTHS:
        rate = documents_per_second(taxonomy, characters, max(1, count * 2_000 // characters))
        print(f"{characters:>6} characters          {rate:10,.0f} documents per CPU-second")
    print(f"resident                    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB at most")


if __name__ == "__main__":
    main()
