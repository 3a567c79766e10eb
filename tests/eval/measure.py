"""How near the cleaner's articles come to the gold: shares between 0 and 1, 1 is best."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from copydesk_shared.messages import Article
from tests.eval.gold import PageGold, TextGold

SHINGLE = 4
SURE = 25  # characters; a shorter line may be part of an honest sentence, so it has to be a line to count
LIST_OR_TABLE = re.compile(r"^(?:- |\d+\. )|\|")

Figures = dict[str, float]
Tally = list[bool]


def plain(line: str) -> str:
    """The words of a line without the marks of a list or a table, and with single spaces."""
    return " ".join(LIST_OR_TABLE.sub(" ", line.strip()).replace("---", " ").split())


def lines_of(paragraphs: Iterable[str]) -> list[str]:
    return [line for line in map(plain, paragraphs) if line]


def gone(junk: str, lines: Sequence[str]) -> bool:
    wanted = plain(junk)
    return wanted not in lines and (len(wanted) < SURE or wanted not in " ".join(lines))


def share(right: Iterable[bool]) -> float:
    tally = list(right)
    return sum(tally) / len(tally) if tally else 1.0


def shares(tallies: dict[str, Tally]) -> Figures:
    return {name: share(tally) for name, tally in tallies.items()}


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1)))


def shingle_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """F1 of mean precision and mean recall over (gold, found), as scrapinghub/article-extraction-benchmark has it."""
    counted = [(_shingles(gold), _shingles(found)) for gold, found in pairs]
    precision = statistics.mean((gold & found).total() / max(1, found.total()) for gold, found in counted)
    recall = statistics.mean((gold & found).total() / max(1, gold.total()) for gold, found in counted)
    return 2 * precision * recall / (precision + recall)


def page_figures(judged: Sequence[tuple[PageGold, Article]]) -> Figures:
    tallies: dict[str, Tally] = defaultdict(list)
    for gold, article in judged:
        for name, tally in page_tallies(gold, article).items():
            tallies[name] += tally
    pairs = [("\n".join(lines_of(gold.body)), "\n".join(story(gold, article))) for gold, article in judged]
    return {"shingle_f1": shingle_f1(pairs), **shares(tallies)}


def story(gold: PageGold, article: Article) -> list[str]:
    """The article's lines without those that count neither way."""
    may = lines_of(gold.may)
    return [line for line in lines_of(article.paragraphs) if line not in may]


def page_tallies(gold: PageGold, article: Article) -> dict[str, Tally]:
    lines, body = story(gold, article), lines_of(gold.body)
    return {
        "junk_gone": [gone(junk, lines) for junk in gold.junk],
        "keep_kept": [line in lines for line in lines_of(gold.keep)],
        "lines_intact": [line in lines for line in body],
        "documents_exact": [lines == body],
        "title": [article.title == gold.title],
        "authors": [list(article.authors) == gold.authors],
        "published_at": [article.published_at == gold.published_at],
        "language": [article.language == gold.language],
        "section": [article.section == gold.section] if gold.section else [],
        "captions": found(gold.captions, (image.caption for image in article.images)),
        "credits": found(gold.credits, (image.credit for image in article.images)),
        "related": found(gold.related, (link.title for link in article.related_links)),
    }


def found(wanted: Iterable[str], named: Iterable[str | None]) -> Tally:
    """Whether each is named; a full stop at the end makes no difference."""
    names = {plain(name or "").rstrip(".") for name in named}
    return [plain(each).rstrip(".") in names for each in wanted]


def text_figures(judged: Sequence[tuple[TextGold, Sequence[str]]], *, one_line: bool) -> Figures:
    tallies: dict[str, Tally] = defaultdict(list)
    for gold, paragraphs in judged:
        for name, tally in text_tallies(gold, paragraphs, one_line=one_line).items():
            tallies[name] += tally
    return shares(tallies)


def text_tallies(gold: TextGold, paragraphs: Sequence[str], *, one_line: bool) -> dict[str, Tally]:
    whole = " ".join(paragraphs)
    tallies: dict[str, Tally] = defaultdict(list)
    for kind, text in gold.junk:
        tallies[f"{kind}_gone"].append(text not in whole)
    tallies["lines_intact"] = [line in whole if one_line else line in paragraphs for line in gold.body]
    tallies["documents_exact"] = [whole == " ".join(gold.body) if one_line else list(paragraphs) == gold.body]
    return tallies
