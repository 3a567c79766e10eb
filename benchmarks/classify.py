"""The classifier beside other ways to tag, on the same articles in one run: how right, how fast, how much memory.

``python benchmarks/classify.py`` (with the dependency group ``bench``) prints a table. Speed is articles per second of
processor time at 2,000 characters of real news; every row runs in a process of its own, so that its memory is its own.
F1 is the mean over conflict, aviation and prisoner-exchange on the labelled texts of the tests, which the tags' authors
knew: it shows what the others lack, not how well the classifier does on texts that nobody has seen.

* lexicon and similarity: all packaged tags, everything on; lexicon alone: the same without the embeddings
* PhraseMatcher: spaCy's, over the same phrases, a tag for any phrase that is strong enough by itself
* TF-IDF: scikit-learn's linear support vector machine, judged by cross-validation on the same texts
* WordLlama: nearness to the tags' descriptions, the best single threshold for each tag

The articles are those of the developer data beside the checkout, in ``../shared``.
"""

import argparse
import gzip
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from copydesk_classifier.evaluation import f1_of
from copydesk_classifier.labelled import LabelledText, labelled_texts
from copydesk_classifier.oneshot import article_from
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[1]
LABELLED = ROOT / "tests/classifier/data/tags_dev.jsonl"
NEWS = ROOT.parent / "shared/data/clean/fundus"
TAGS = ("conflict", "aviation", "prisoner-exchange")
CHARACTERS = 2_000
NOW = datetime(2026, 12, 1, tzinfo=UTC)

Tagger = Callable[[str], set[str]]


@dataclass(frozen=True)
class Row:
    """``f1`` is the mean over the tags; ``rate`` in articles per second of processor time; ``memory`` in MB."""

    name: str
    f1: float
    rate: float
    memory: float


def news(count: int) -> list[str]:
    """So many real articles of 2,000 characters; repeated where there are not enough."""
    bodies: list[str] = []
    for path in sorted(NEWS.rglob("*.json*")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            bodies += _bodies(json.load(file))
    texts = [body[:CHARACTERS] for body in bodies if len(body) >= CHARACTERS]
    if not texts:
        raise SystemExit(f"no articles of {CHARACTERS} characters in {NEWS}")
    return list(islice(cycle(texts), count))


def _bodies(found: Any) -> list[str]:
    """Every text in the gold files of the developer data that is long enough to be an article's."""
    if isinstance(found, str):
        return [found] if len(found) >= CHARACTERS else []
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if isinstance(found, list) and found and all(isinstance(each, str) for each in found):
        return _bodies("\n".join(found))
    return [body for part in parts for body in _bodies(part)]


def hybrid() -> Tagger:
    taxonomy = load_taxonomy()
    if not taxonomy.has_similarity:
        raise SystemExit("WordLlama is not installed")
    return lambda text: {tag.tag for tag in classify(article_from(text, NOW), taxonomy).tags}


def lexicon() -> Tagger:
    sys.modules["copydesk_classifier.similarity"] = None  # type: ignore[assignment]  # as where it is not installed
    taxonomy = load_taxonomy()
    return lambda text: {tag.tag for tag in classify(article_from(text, NOW), taxonomy).tags}


def phrase_matcher() -> Tagger:
    """The phrases that pass the gate of their tag by themselves, and those that do not as noise to be found too."""
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    for tag in load_taxonomy().tags:
        for part in tag.lexica:
            strong = {group.name for group in part.phrases if group.weight >= part.core.weight}
            for group in part.phrases:
                name = tag.id if group.name in strong else f"-{tag.id}-{group.name}"
                matcher.add(name, [nlp.make_doc(phrase) for phrase in part.expand(group.any)])

    def tags(text: str) -> set[str]:
        document = nlp.make_doc(text)
        return {nlp.vocab.strings[match] for match, _, _ in matcher(document)} & set(TAGS)

    return tags


def tf_idf() -> Tagger:
    """Fitted to the labelled texts, and for the texts of the labelled set to the others of it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import cross_val_predict
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    texts = labelled_texts(LABELLED)
    wanted = [[tag in text.tags for tag in TAGS] for text in texts]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), OneVsRestClassifier(LinearSVC(class_weight="balanced"))
    )
    words = [text.text for text in texts]
    unseen = dict(zip(words, cross_val_predict(model, words, wanted, cv=5), strict=True))
    model.fit(words, wanted)

    def tags(text: str) -> set[str]:
        given = unseen[text] if text in unseen else model.predict([text])[0]
        return {tag for tag, is_given in zip(TAGS, given, strict=True) if is_given}

    return tags


def word_llama() -> Tagger:
    import numpy as np
    import wordllama
    from wordllama import WordLlama

    folder = Path(wordllama.__file__).parent
    model = WordLlama.load(dim=256, cache_dir=folder, disable_download=True)
    described = {tag.id: tag.file.description for tag in load_taxonomy().tags}
    vectors = model.embed([described[tag] for tag in TAGS], norm=True)
    texts = labelled_texts(LABELLED)
    near = model.embed([text.text for text in texts], norm=True) @ vectors.T
    cuts = np.array([_best_cut(tag, texts, near[:, at]) for at, tag in enumerate(TAGS)])

    def tags(text: str) -> set[str]:
        given = model.embed([text], norm=True)[0] @ vectors.T >= cuts
        return {tag for tag, is_given in zip(TAGS, given, strict=True) if is_given}

    return tags


def _best_cut(tag: str, texts: Sequence[LabelledText], near: Any) -> float:
    def f1(cut: float) -> float:
        return _f1([(value >= cut, tag in text.tags) for value, text in zip(near, texts, strict=True)])

    return float(max(near, key=f1))


WAYS: dict[str, Callable[[], Tagger]] = {
    "lexicon and similarity": hybrid,
    "lexicon alone": lexicon,
    "spaCy PhraseMatcher": phrase_matcher,
    "TF-IDF, linear": tf_idf,
    "WordLlama alone": word_llama,
}


def _f1(pairs: Sequence[tuple[bool, bool]]) -> float:
    return f1_of(pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))


def measure(name: str, count: int, rounds: int) -> Row:
    """The best of a few rounds, since other programs can only make a round slower."""
    tags = WAYS[name]()
    texts = labelled_texts(LABELLED)
    found = [tags(text.text) for text in texts]
    f1 = [_f1([(tag in given, tag in text.tags) for given, text in zip(found, texts, strict=True)]) for tag in TAGS]
    articles = news(count)
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        for article in articles:
            tags(article)
        spent.append(time.process_time() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(name, sum(f1) / len(f1), count / min(spent), memory)


def _send(pipe: Connection, name: str, count: int, rounds: int) -> None:
    try:
        pipe.send(measure(name, count, rounds))
    except ModuleNotFoundError as error:
        pipe.send(f"classify.py: {name} needs {error.name}, of the dependency group bench; --only leaves a row out")


def in_a_process(name: str, count: int, rounds: int) -> Row:
    """The row. Ends the program with a line when a library is not there."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, name, count, rounds))
    process.start()
    there.close()
    row: Row | str = here.recv()
    process.join()
    if isinstance(row, str):
        raise SystemExit(row)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000, help="articles a round (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (default 3)")
    parser.add_argument("--only", choices=WAYS, action="append", help="only this row; can be given again")
    arguments = parser.parse_args()
    print(f"{'':24}  mean F1  articles/CPU-s  of the first  MB at most")
    first = 0.0
    for name in arguments.only or WAYS:
        row = in_a_process(name, max(1, arguments.articles), max(1, arguments.rounds))
        first = first or row.rate
        print(f"{row.name:24}  {row.f1:7.3f}  {row.rate:14,.0f}  {row.rate / first:12.2f}  {row.memory:10.0f}")


if __name__ == "__main__":
    main()
