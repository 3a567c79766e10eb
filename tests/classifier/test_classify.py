"""The engine: what counts, how much, where, and that it is always the same."""

import os
import subprocess
import sys
from math import exp
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.scoring import GATED
from copydesk_classifier.stage import MAX_EVIDENCE, MAX_EVIDENCE_CHARACTERS, classify
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from copydesk_classifier.tokens import MAX_CHARACTERS, read_document
from copydesk_shared.messages import Article
from copydesk_shared.tags import Tag
from tests.classifier.samples import TAG_FILE, article, folder, spans_fit, tags_of

WORDS = st.sampled_from(
    "prisoner exchange hostages released in return for soldiers killed airstrike plane crash Boeing Il-76 truce war "
    "ceasefire the a film trial sentenced rebels seized airport U.S. Gen. “quoted” İstanbul straße 😀 , . ! ? - — … \n".split(
        " "
    )
)
TEXTS = st.lists(WORDS, max_size=60).map(" ".join) | st.text()


def _only(story: Article, taxonomy: Taxonomy) -> Tag | None:
    classified = classify(story, taxonomy)
    return next(iter((*classified.tags, *classified.candidates)), None)


def _score(taxonomy: Taxonomy, *paragraphs: str, title: str = "") -> float:
    tag = _only(article(*paragraphs, title=title), taxonomy)
    return tag.score if tag else 0.0


def test_a_phrase_counts_by_its_zone(ferries: Taxonomy) -> None:
    filler = "Nothing of note stood here at all that day. " * 10
    assert _score(ferries, "The ferry left.") == pytest.approx(2.4)
    assert _score(ferries, "", title="The ferry left") == pytest.approx(3.2)
    assert _score(ferries, filler, "The ferry left.") == pytest.approx(1.6)


def test_repeats_count_half_as_much_each_time(ferries: Taxonomy) -> None:
    assert _score(ferries, "A ferry met a ferry.") == pytest.approx(2.4 + 1.2)
    assert _score(ferries, "A ferry met two ferries.") == pytest.approx(2.4 + 2.4)


def test_a_long_text_counts_less_unless_one_paragraph_is_about_it(ferries: Taxonomy) -> None:
    words = "nothing of note stood here at all on that day " * 80
    fused = _score(ferries, "The ferry left the quay. " + words)
    apart = _score(ferries, "The ferry left the quay.", words)
    assert fused < apart == pytest.approx(2.4 + 1.2)


def test_a_topic_late_in_a_story_of_one_line_is_found(ferries: Taxonomy) -> None:
    filler = "Nothing of note stood here at all on that long day. " * 40
    topic = "The car ferry left the quay with the gangway down. "
    (tag,) = classify(article(filler + topic + filler), ferries).tags
    assert tag.score == pytest.approx(0.8 * (2 + 1 + 1))
    assert _score(ferries, filler, topic, filler) == tag.score


@pytest.mark.parametrize(
    ("text", "tagged"),
    [
        ("The FERRY left.", True),
        ("The car-ferry left.", True),
        ("Two ferries left.", True),
        ("The ferryman left.", False),
        ("A ferry tale.", False),
        ("A ferry tale of a ferry.", True),
        ("The ferry’s crew left.", True),
        ("A vessel with passengers sank.", True),
        ("Passengers said the vessel suddenly sank.", True),
        ("The crew said: sank the vessel.", True),
        ("A vessel sank.", False),
        ("A vessel of the line sadly sank with its crew.", False),
        ("A vessel with passengers. It sank.", False),
        ("The vessel had passengers; it sank.", False),
        ("The crew of the quay wept; the vessel sank.", True),
        ("The model stayed ashore; the vessel sank with its crew.", False),
        ("It sank. The vessel with passengers sank.", True),
        ("A model vessel with passengers sank.", False),
        ("The quay, the gangway and the harbour master.", True),
        ("The quay and the harbour master.", False),
        ("The quay, a quay and another quay and a quay.", False),
    ],
)
def test_what_gets_the_tag(ferries: Taxonomy, text: str, tagged: bool) -> None:
    assert (tags_of(classify(article(text), ferries)) == {"ferry"}) is tagged


def test_weak_phrases_alone_stay_candidates(ferries: Taxonomy) -> None:
    classified = classify(article("The quay and the harbour master.", title="The quay"), ferries)
    assert classified.tags == ()
    assert [tag.score for tag in classified.candidates] == [pytest.approx(GATED * 2.0)]


def test_a_sentence_veto_dampens_its_own_sentence_only(ferries: Taxonomy) -> None:
    assert _score(ferries, "The toy ferry left.") == 0
    assert _score(ferries, "The ferry left. The toy stayed.") == pytest.approx(2.4)
    half = _only(article("The toy ferry left the harbour master at the quay."), ferries)
    assert half
    assert half.score == pytest.approx(1.2 * 4 * 0.5)
    assert [(each.rule, each.weight) for each in half.evidence if each.weight < 0] == [("toy", -2.0)]


def test_a_document_veto_lowers_the_whole(ferries: Taxonomy) -> None:
    assert _score(ferries, "The ferry and a ferry left.", "It is a novel.") == pytest.approx(3.6 - 2.4)


def test_candidates_lie_between_half_the_threshold_and_the_threshold(ferries: Taxonomy) -> None:
    near = classify(article("Nothing of note stood here at all that day. " * 10, "The ferry left."), ferries)
    assert near.tags == ()
    assert [(tag.tag, tag.score) for tag in near.candidates] == [("ferry", 1.6)]
    assert classify(article("The gangway fell; nobody was there."), ferries).candidates[0].score == pytest.approx(1.2)
    assert classify(article("A bus left."), ferries).candidates == ()


@pytest.mark.parametrize(
    ("language", "tagged"), [("en", True), ("en-GB", True), ("EN_us", True), (None, True), ("de", False)]
)
def test_a_tag_applies_in_its_languages_and_where_none_is_known(
    ferries: Taxonomy, language: str | None, tagged: bool
) -> None:
    classified = classify(article("The ferry left.", language=language), ferries)
    assert bool(classified.tags) is tagged
    assert tagged or classified.candidates == ()
    assert classified.unsupported_language is (language == "de")


def test_what_speaks_against_a_tag_is_shown_beside_much_that_speaks_for_it(ferries: Taxonomy) -> None:
    sentences = "The ferry left the quay. The harbour master was there. " * 8
    (tag,) = classify(article(sentences + "The toy ferry stayed. It is a novel."), ferries).tags
    assert len(tag.evidence) == MAX_EVIDENCE
    assert {each.rule for each in tag.evidence if each.weight < 0} == {"toy", "fiction"}


def test_what_a_tag_carries(ferries: Taxonomy) -> None:
    story = article("The ferry left the quay.", title="A ferry at last")
    classified = classify(story, ferries)
    (tag,) = classified.tags
    assert (tag.label, tag.threshold, tag.iptc) == ("Ferries", 2.0, ("medtop:20000337",))
    assert not tag.calibrated
    assert tag.probability == pytest.approx(1 / (1 + exp(-4 * (tag.score / 2 - 1))), abs=1e-4)
    assert [(each.rule, each.field, each.text, each.weight) for each in tag.evidence] == [
        ("boats", "title", "ferry", 3.2),
        ("boats", "text", "ferry", 1.2),
        ("harbour", "text", "quay", 1.2),
    ]
    assert classified.classifier_version == ferries.version
    assert (
        classified.model_dump(exclude={"tags", "candidates", "unsupported_language", "classifier_version"})
        == story.model_dump()
    )


def test_case_matters_where_a_group_says_so(packaged: Taxonomy) -> None:
    assert tags_of(classify(article("Delta Airlines posted a loss."), packaged)) == {"aviation"}
    assert "aviation" not in tags_of(classify(article("He sat in the condor flight of garuda statues."), packaged))


def test_tags_come_best_first(packaged: Taxonomy) -> None:
    scores = [tag.score for tag in classify(article("Rebels shot down a military transport plane."), packaged).tags]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_an_article_without_words_gets_nothing(packaged: Taxonomy) -> None:
    for story in (article(), article(""), article("… —", title="?!")):
        assert (classify(story, packaged).tags, classify(story, packaged).candidates) == ((), ())


@given(TEXTS, st.lists(TEXTS, max_size=4))
def test_evidence_stands_where_it_says(packaged: Taxonomy, title: str, paragraphs: list[str]) -> None:
    classified = classify(article(*paragraphs, title=title), packaged)
    assert spans_fit(classified)
    for tag in (*classified.tags, *classified.candidates):
        assert 0 < len(tag.evidence) <= MAX_EVIDENCE
        assert [-each.weight for each in tag.evidence] == sorted(-each.weight for each in tag.evidence)
    assert all(tag.score >= tag.threshold for tag in classified.tags)
    assert all(tag.threshold / 2 <= tag.score < tag.threshold for tag in classified.candidates)


@given(TEXTS)
def test_the_same_text_gives_the_same_bytes(packaged: Taxonomy, text: str) -> None:
    story = article(text)
    assert classify(story, packaged).model_dump_json() == classify(story, packaged).model_dump_json()


@pytest.mark.parametrize(
    ("unit", "most_matches"),
    [("ferry ", 1.0), ("the ferry left the quay ", 0.5), ("ferry\n", 1.0), ("Two ferries met. ", 1.0)],
)
def test_work_grows_with_what_is_read_and_what_is_read_is_bounded(
    ferries: Taxonomy, unit: str, most_matches: float
) -> None:
    """Counts matches and words instead of seconds: both are in step with the text up to the limit and then stay."""
    counts = []
    for characters in (MAX_CHARACTERS // 4, MAX_CHARACTERS // 2, MAX_CHARACTERS, 15 * MAX_CHARACTERS):
        text = unit * (characters // len(unit))
        document = read_document("", text)
        found = [spans for part in ferries._lexicon.find(document).values() for _, _, spans in part]
        counts.append((len(document), sum(map(len, found))))
        assert counts[-1][1] <= most_matches * len(document)
    quarter, half, full, beyond = counts
    assert beyond[0] == pytest.approx(full[0], rel=0.01)
    for one, other in ((quarter, half), (half, full)):
        assert other == pytest.approx((2 * one[0], 2 * one[1]), rel=0.01)


PRINT_BYTES = """
import sys
from pathlib import Path
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.messages import Article
print(classify(Article.model_validate_json(sys.stdin.read()), load_taxonomy()).model_dump_json())
"""


def test_the_bytes_do_not_depend_on_the_process(packaged: Taxonomy) -> None:
    story = article(
        "Hamas freed three hostages in exchange for 90 Palestinian prisoners as shelling and an air strike killed nine.",
        "Rebels seized the airport and shot down a helicopter; the ceasefire, the truce and the peace talks failed.",
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", PRINT_BYTES],
            input=story.model_dump_json(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        assert done.stdout.strip() == classify(story, packaged).model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "prisoner exchange " * 58_000,
        "hostages released in exchange for prisoners " * 23_000,
        "attack\n" * 150_000,
        ". " * 500_000,
        "U.S." * 250_000,
        "a" * 1_000_000,
        "'" * 1_000_000,
        "ferry " * 1_000_000,
        "ferry - quay, gangway\n" * 200_000,
        "x\n" * 200_000,
        "Bob's s ferry " * 70_000,
        "(“" * 500_000,
        ". " + " " * 1_000_000 + "x",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_megabyte_of_anything_is_no_trouble(packaged: Taxonomy, text: str) -> None:
    # The suite's own time-out is the limit; quadratic work on a megabyte would take hours.
    classified = classify(article(text), packaged)
    assert spans_fit(classified)
    assert all(len(tag.evidence) <= MAX_EVIDENCE for tag in classified.tags)


def test_evidence_is_short_even_when_a_word_between_is_huge(packaged: Taxonomy) -> None:
    classified = classify(article(f"The hostages {'x' * 100_000} swapped."), packaged)
    assert tags_of(classified) == {"prisoner-exchange"}
    assert spans_fit(classified)
    assert max(len(each.text) for tag in classified.tags for each in tag.evidence) <= MAX_EVIDENCE_CHARACTERS


def test_a_tag_may_ask_for_more_than_a_mention_in_passing(tmp_path: Path) -> None:
    filler = "Nothing of note stood here at all that day. " * 60
    story = article(filler, "The ferry left the quay.")
    low = load_taxonomy(folder(tmp_path, TAG_FILE.replace("threshold: 2.0", "threshold: 2.0\nparagraph_weight: 0.4")))
    assert tags_of(classify(story, low)) == set()
    high = load_taxonomy(folder(tmp_path, TAG_FILE.replace("threshold: 2.0", "threshold: 2.0\nparagraph_weight: 0.8")))
    assert [tag.score for tag in classify(story, high).tags] == [pytest.approx(0.8 * 3)]
    lead = article("The ferry left the quay.", filler)
    assert tags_of(classify(lead, low)) == {"ferry"}


def _ferries(folder_path: Path, old: str, new: str) -> Taxonomy:
    return load_taxonomy(folder(folder_path, TAG_FILE.replace(old, new)))


@pytest.mark.parametrize(("share", "tail"), [(0.0, 0.0), (0.5, 0.8), (1.0, 1.6), (1.2, 1.92)])
def test_what_a_story_says_after_its_lead_may_weigh_less_or_more(tmp_path: Path, share: float, tail: float) -> None:
    with_share = f"threshold: 2.0\nparagraph_weight: 0\nbody_weight: {share}"
    taxonomy = _ferries(tmp_path, "threshold: 2.0", with_share)
    filler = "Nothing of note stood here at all that day. " * 7
    document, found = taxonomy.score("", f"The harbour master spoke. {filler}\nThe ferry left.", "en")
    assert len(document) < 150
    assert [each.scored.score for each in found] == [pytest.approx(1.2 + tail)]
    assert _score(taxonomy, "The ferry left.") == pytest.approx(2.4)


def test_the_best_paragraph_and_vetoes_do_not_go_by_the_weight_of_the_body(tmp_path: Path) -> None:
    filler = "Nothing of note stood here at all that day. " * 60
    low = _ferries(tmp_path, "threshold: 2.0", "threshold: 2.0\nbody_weight: 0")
    assert _score(low, filler, "The ferry left the quay.") == pytest.approx(0.8 * 3)
    opposed = article("The ferry left. A ferry came.", "Nothing of note stood here at all that day. " * 7, "A novel.")
    assert _score(low, *opposed.text.split("\n")) == pytest.approx(3.6 - 1.6)


@pytest.mark.parametrize(("least", "tagged"), [(0, True), (0.4, True), (0.5, False)])
def test_words_of_little_weight_may_be_left_out_of_the_different_ones(
    tmp_path: Path, least: float, tagged: bool
) -> None:
    light = "    any: [$boats]\n  - name: light\n    weight: 0.4\n    any: [toll]\n"
    (tmp_path / "tag").mkdir()
    written = TAG_FILE.replace("    any: [$boats]\n", light).replace("distinct: 3", f"distinct: 3, least: {least}")
    taxonomy = load_taxonomy(folder(tmp_path / "tag", written))
    story = article("The quay, the gangway, the toll.")
    assert (tags_of(classify(story, taxonomy)) == {"ferry"}) is tagged


ACROSS = """    window: 12
    across: true
    unless: [model]
    need: [passengers, crew]"""


@pytest.mark.parametrize(
    ("paragraphs", "score"),
    [
        (["The boat left with a crew of two. It sank at noon."], 3.6),
        (["It was a boat; the crew was asleep; it sank."], 3.6),
        (["The crew of the boat slept.", "It sank at noon."], 3.6),
        (["The boat left at noon. It sank."], 0),
        (["The boat left. It was a model. It sank with its crew."], 0),
        (["The boat left with a crew of two. Nobody saw it again on that day or on the next. It sank."], 0),
    ],
)
def test_a_rule_may_look_across_sentences(tmp_path: Path, paragraphs: list[str], score: float) -> None:
    within = "    window: 3\n    unless: [model]\n    need: [passengers, crew]"
    assert within in TAG_FILE
    taxonomy = _ferries(tmp_path, within, ACROSS)
    assert _score(taxonomy, *paragraphs) == pytest.approx(score)


VETO_ACROSS = """vetoes:
  - name: in-a-bath
    weight: 9
    scope: sentence
    near: {across: true, a: [boat], b: [bath, tub], window: 9}
"""


@pytest.mark.parametrize(
    ("paragraphs", "score"),
    [
        (["It was a bath.", "The boat with its crew sank."], 0),
        (["The boat with its crew sank.", "It was a bath."], 0),
        (["It was a bath. The boat with its crew sank."], 0),
        (["The boat with its crew sank."], 3.6),
    ],
)
def test_a_veto_across_sentences_dampens_the_sentence_of_its_first_side(
    tmp_path: Path, paragraphs: list[str], score: float
) -> None:
    taxonomy = _ferries(tmp_path, "vetoes:\n", VETO_ACROSS)
    assert _score(taxonomy, *paragraphs) == pytest.approx(score)


def test_what_a_rule_across_sentences_shows_stands_in_one_paragraph(tmp_path: Path) -> None:
    within = "    window: 3\n    unless: [model]\n    need: [passengers, crew]"
    story = article("The crew of the boat slept.", "It sank at noon.")
    tag = _only(story, _ferries(tmp_path, within, ACROSS))
    assert tag
    assert [each.text for each in tag.evidence] == ["boat slept"]
