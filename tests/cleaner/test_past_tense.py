"""Which sentences tell what happened; a credit takes none of them with it."""

# Both alphabets.

import pytest

from copydesk_cleaner.past_tense import past_start
from tests.cleaner.pages import article_of, text_page

BEFORE = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
AFTER = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
PAST = (
    "Der Minister trat zurück.",
    "Der Minister ist am Freitag zurückgetreten.",
    "Die Fähre wurde beschädigt.",
    "Das Schiff kenterte im Hafen.",
    "Le ministre a démissionné.",
    "Le navire s’est échoué.",
    "La ministre est partie.",
    "Le maire avait promis un pont.",
    "El ministro dimitió.",
    "Los vecinos protestaron.",
    "El alcalde ha muerto.",
    "Il ministro si è dimesso.",
    "La giunta ha approvato il piano.",
    "Il ponte è crollato.",
    "O ministro demitiu-se.",
    "A balsa afundou.",
    "O barco caiu na água.",
    "De minister stapte op.",
    "Het schip is gezonken.",
    "De raad heeft het plan afgewezen.",
    "Minister podał się do dymisji.",
    "Most został zamknięty.",
    "Załoga uciekła.",
    "Министр подал в отставку.",
    "Паром затонул.",
    "Совет отклонил жалобу.",
    "Министр ушёл.",
    "Міністр подав у відставку.",
    "Пором затонув.",
    "Рада відхилила скаргу.",
)
PRESENT = (
    "Elf Wagen liegen neben den Gleisen.",
    "Die Fähre im alten Hafen.",
    "Eine Fähre wartet im alten Hafen.",
    "Ein Polizist steht vor dem Haus in Berlin.",
    "Les brebis sur la bretelle de l’A99, mardi.",
    "Un ferry attend au vieux port.",
    "Le président à la sortie du conseil.",
    "Un ferry espera en el muelle viejo.",
    "El burro, ya fuera del pozo, junto a su dueña.",
    "Un traghetto al molo vecchio.",
    "La nave vista dal molo di Porto Sereno.",
    "Uma balsa espera no cais velho.",
    "O farol da Ponta Negra visto do mar.",
    "Een veerboot wacht aan de oude kade.",
    "Het schip ligt dwars in de geul.",
    "Prom czeka przy starym nabrzeżu.",
    "Barka zaklinowana pod mostem w Mielinie.",
    "Паром стоит у старого причала.",
    "Пожар в школе на севере города.",
    "Дети у входа в зал.",
    "Пором стоїть біля старого причалу.",
    "Жителі на площі перед театром.",
    "The minister of war in the harbour.",
)


@pytest.mark.parametrize("sentence", PAST)
def test_a_verb_of_the_past_is_told(sentence: str) -> None:
    assert past_start(sentence) is not None


@pytest.mark.parametrize("sentence", PRESENT)
def test_what_a_picture_shows_has_none(sentence: str) -> None:
    assert past_start(sentence) is None


@pytest.mark.parametrize("sentence", [*PAST, "The minister resigned.", "The minister for the islands resigned."])
@pytest.mark.parametrize("credit", [" (Jane Roe/PA)", "(Foto: Jane Roe/dpa)", " Photo: Jane Roe / AFP"])
def test_a_credit_takes_no_sentence_that_tells_what_happened(sentence: str, credit: str) -> None:
    article = article_of(text_page(f"{BEFORE}\n{sentence}{credit}\n{AFTER}"))
    assert article.paragraphs == (BEFORE, sentence, AFTER)
