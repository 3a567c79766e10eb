"""The sample article in other languages gets its three tags by their words; a language without a lexicon gets none."""

import pytest

from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy
from copydesk_shared.messages import ClassifiedArticle
from tests.classifier.samples import DATA, article, tags_of

EXPECTED = {"conflict", "aviation", "prisoner-exchange"}
LANGUAGES = ("de", "fr", "es", "ru", "uk")
FINNISH = "Venäläinen sotilaskone putosi Belgorodin lähellä. Koneessa oli 65 ukrainalaista sotavankia."
APOSTROPHES = ("\u2019", "\u02bc", "\u2018", "`")
WITH_APOSTROPHES = {
    "fr": "L'avion de l'armée s'est écrasé. Un échange d'otages devait avoir lieu à l'aéroport après l'attentat d'hier.",
    "uk": "Об'єднані сили домовилися про перемир'я. В'язнів обміняють, п'ятеро ув'язнених прилетять літаком без пілота на борту.",
}


def _sample(language: str) -> list[str]:
    return (DATA / "sample" / f"{language}.txt").read_text(encoding="utf-8").splitlines()


def _evidence(classified: ClassifiedArticle) -> list[tuple[str, float, list[tuple[int, int]]]]:
    return [(tag.tag, tag.score, [(each.start, each.end) for each in tag.evidence]) for tag in classified.tags]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_article_in_a_further_language(packaged: Taxonomy, language: str) -> None:
    classified = classify(article(*_sample(language), language=language), packaged)
    assert tags_of(classified) == EXPECTED
    assert not classified.unsupported_language


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_first_sentences_are_enough(packaged: Taxonomy, language: str) -> None:
    sample = _sample(language)
    classified = classify(article(sample[0], sample[4], language=language), packaged)
    assert tags_of(classified) == EXPECTED


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_the_language_is_not_known_all_are_tried(packaged: Taxonomy, language: str) -> None:
    assert tags_of(classify(article(*_sample(language), language=None), packaged)) >= EXPECTED


@pytest.mark.parametrize("sign", APOSTROPHES)
@pytest.mark.parametrize("language", WITH_APOSTROPHES)
def test_any_sign_for_an_apostrophe(packaged: Taxonomy, language: str, sign: str) -> None:
    text = WITH_APOSTROPHES[language]
    plain = classify(article(text, language=language), packaged)
    assert "conflict" in tags_of(plain)
    assert "prisoner-exchange" in tags_of(plain)
    assert _evidence(classify(article(text.replace("'", sign), language=language), packaged)) == _evidence(plain)


@pytest.mark.parametrize(("language", "other"), [("uk", "ru"), ("ru", "uk")])
def test_a_text_taken_for_the_neighbouring_language_gets_no_tag(packaged: Taxonomy, language: str, other: str) -> None:
    classified = classify(article(*_sample(language), language=other), packaged)
    assert tags_of(classified) == set()
    assert not classified.unsupported_language


def test_russian_with_and_without_its_dots(packaged: Taxonomy) -> None:
    dotted = "\n".join(_sample("ru"))
    plain = dotted.replace("\u0451", "\u0435")
    assert plain != dotted
    assert _evidence(classify(article(plain, language="ru"), packaged)) == _evidence(
        classify(article(dotted, language="ru"), packaged)
    )


def test_a_language_without_a_lexicon(packaged: Taxonomy) -> None:
    classified = classify(article(FINNISH, language="fi"), packaged)
    assert classified.unsupported_language
    assert classified.tags == ()
