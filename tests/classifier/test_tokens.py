from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.tokens import BREAKS, MAX_CHARACTERS, Document, fold, phrase_words, read_document


def _words(document: Document) -> list[str]:
    return [_word(document, at) for at in range(len(document))]


def _word(document: Document, at: int) -> str:
    in_title, start, end = document.span(at, at + 1)
    return (document.title if in_title else document.text)[start:end]


def _places(document: Document, of: Callable[[int], int]) -> list[int]:
    return [of(at) for at in range(len(document))]


def _sentences(text: str) -> int:
    document = read_document("", text)
    return len(set(_places(document, document.sentence)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Il-76 crashed.", ["The", "Il", "76", "crashed"]),
        ("Israel's army", ["Israel", "army"]),
        ("Israel’s army", ["Israel", "army"]),
        ("the soldiers' wives", ["the", "soldiers", "wives"]),
        ("O’Hare isn't shut", ["O’Hare", "isn't", "shut"]),
        ("U.S. troops", ["U.S.", "troops"]),
        ("EE.UU. y Rusia", ["EE.UU.", "y", "Rusia"]),
        ("1,027 prisoners and 3.5 tonnes", ["1,027", "prisoners", "and", "3.5", "tonnes"]),
        ("snake_case", ["snake", "case"]),
        ("L'armée de l’air et d'autres", ["L", "armée", "de", "l", "air", "et", "d", "autres"]),
        ("jusqu'à l'aéroport d'Orly", ["jusqu", "à", "l", "aéroport", "d", "Orly"]),
        ("Qu’il s'est écrasé aujourd’hui", ["Qu", "il", "s", "est", "écrasé", "aujourd’hui"]),
        ("l'état-major n'a rien dit", ["l", "état", "major", "n", "a", "rien", "dit"]),
        ("dell'esercito, All'alba, un'auto", ["dell", "esercito", "All", "alba", "un", "auto"]),
        ("rock'n'roll o'clock O'Brien", ["rock'n'roll", "o'clock", "O'Brien"]),
        ("об'єкт п’ять зв\u02bcязок м`яч", ["об'єкт", "п’ять", "зв\u02bcязок", "м`яч"]),
        ("", []),
        ("—!?…", []),
    ],
)
def test_what_a_word_is(text: str, words: list[str]) -> None:
    assert _words(read_document("", text)) == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One here. Two here.", 2),
        ('He said: "Go." Then he left.', 2),
        ("Gen. Smith met Lt. Col. Jones.", 1),
        ("George W. Bush spoke.", 1),
        ("It cost 3.5 million.", 1),
        ("Es kostet 3 Mrd. Euro.", 1),
        ("EE.UU. Rusia", 1),
        ("The firm example.com grew.", 1),
        ("on board the aircraft.Another source spoke", 2),
        ("Really?! Yes.", 2),
        ("Wait... what", 1),
        ("One line\nanother line", 2),
        ("The heat killed 40 people; the army handed out water.", 1),
    ],
)
def test_where_a_sentence_ends(text: str, count: int) -> None:
    assert _sentences(text) == count


def test_a_semicolon_ends_a_clause() -> None:
    document = read_document("A; title", "One, two; three. Four;\nFive; six")
    clauses = [[0], [1], [2, 3], [4], [5], [6], [7]]
    assert len(document) == sum(map(len, clauses))
    for clause in clauses:
        together = [word for word in range(len(document)) if document.is_one_clause(clause[0], word)]
        assert together == clause


@pytest.mark.parametrize(
    ("text", "haystack"),
    [
        ("Russia-Ukraine row", " \n russia ukraine row "),
        ("Russia–Ukraine row", " \n russia ukraine row "),
        ("prisoner, exchange", " \n prisoner , exchange "),
        ("shot down - this", " \n shot down - this "),
        ('the "prisoner" exchange', " \n the prisoner exchange "),
        ("the prisoner's exchange", " \n the prisoner exchange "),
        ("Lt. Col. Jones", " \n lt col jones "),
        ("he didn't. Now", " \n he didn't . now "),
        ("it is 1.5. Now", " \n it is 1.5 . now "),
        ("STRASSE Straße", " \n strasse strasse "),
        ("Самолёт, САМОЛЕТ", " \n самолет , самолет "),
        ("Об’єкт об\u02bcєкт об\u2018єкт об`єкт", " \n об'єкт об'єкт об'єкт об'єкт "),
        ("coup d’État", " \n coup d état "),
        ("Israel's d's l's", " \n israel d l "),
    ],
)
def test_punctuation_breaks_phrases_but_hyphens_and_quotes_do_not(text: str, haystack: str) -> None:
    assert read_document("", text).haystack == haystack


def test_the_title_is_a_paragraph_of_its_own() -> None:
    document = read_document("A title", "One.\nTwo.")
    assert document.title_words == 2
    assert _places(document, document.paragraph) == [0, 0, 1, 2]
    assert [document.passage_words(paragraph) for paragraph in range(3)] == [2, 1, 1]
    assert [document.passage_text(paragraph, 100) for paragraph in range(3)] == ["A title", "One.", "Two."]
    assert len(set(_places(document, document.sentence))) == 3


def test_a_line_break_in_a_title_is_a_space() -> None:
    document = read_document("Two\nlines", "Text.")
    assert _places(document, document.paragraph) == [0, 0, 1]
    assert document.span(0, 2) == (True, 0, 9)


def test_empty_paragraphs_have_no_words() -> None:
    document = read_document("", "\n\nOne two\n\nThree -\nFour")
    assert [document.passage_words(paragraph) for paragraph in range(7)] == [0, 0, 0, 2, 0, 1, 1]
    assert _words(document) == ["One", "two", "Three", "Four"]


def _sentence(count: int) -> str:
    return f"{' '.join(['Word'] * count)}. "


@pytest.mark.parametrize(
    ("sentences", "passages"),
    [
        ([20] * 10, [200]),
        ([20] * 11, [120, 100]),
        ([50, 50, 50, 51], [100, 101]),
        ([10] * 24, [120, 120]),
        ([10] * 36, [120, 120, 120]),
        ([300], [300]),
        ([10, 300, 10], [10, 300, 10]),
        ([300, 10, 10], [300, 20]),
    ],
)
def test_a_long_paragraph_is_looked_at_in_passages(sentences: list[int], passages: list[int]) -> None:
    document = read_document("A title", f"Before.\n\n{''.join(map(_sentence, sentences))}\nAfter.")
    numbers = _places(document, document.passage)
    assert numbers[:3] == [0, 0, 1]
    assert [document.passage_words(number) for number in range(3, numbers[-1])] == passages
    assert document.passage_words(numbers[-1]) == 1
    for word, number in enumerate(numbers):
        if number and number != numbers[word - 1]:
            start = document.span(word, word + 1)[1]
            assert document.passage_start(number) == start
            assert document.passage_text(number, 4) == document.text[start:][:4]


@given(st.lists(st.integers(1, 400), max_size=8), st.lists(st.sampled_from([" ", ". ", "; ", "\n"])))
def test_passages_lie_within_paragraphs(counts: list[int], ends: list[str]) -> None:
    text = "".join(f"{'Word ' * count}{end}" for count, end in zip(counts, ends, strict=False))
    document = read_document("", text)
    paragraphs, passages = _places(document, document.paragraph), _places(document, document.passage)
    assert passages == sorted(passages)
    assert sum(document.passage_words(number) for number in set(passages)) == len(document)
    by_passage = dict(zip(passages, paragraphs, strict=True))
    assert [by_passage[passage] for passage in passages] == paragraphs


@given(st.text(), st.text())
def test_every_word_stands_where_it_says_and_in_the_haystack(title: str, text: str) -> None:
    document = read_document(title, text)
    words = [token for token in document.haystack.split(" ") if token and token[0] not in BREAKS]
    assert [fold(word) for word in _words(document)] == words
    assert sum(document.passage_words(at) for at in range(text.count("\n") + 2)) == len(document) == len(words)
    for of in (document.sentence, document.paragraph, document.passage):
        places = _places(document, of)
        assert places == sorted(places)


@given(st.text(alphabet="aB '’\u02bcldqu.,-–!?5\n()“”s", max_size=40))
def test_a_range_of_words_stands_where_its_words_stand(text: str) -> None:
    document = read_document("", text)
    for at in range(len(document) - 1):
        if document.paragraph(at) == document.paragraph(at + 1):
            _, start, end = document.span(at, at + 2)
            assert (start, end) == (document.span(at, at + 1)[1], document.span(at + 1, at + 2)[2])


@given(st.text(alphabet="aBsldquèё '’\u02bc\u2018`.,-\n", max_size=60), st.text(alphabet="lsd'\u02bcaё ", max_size=20))
def test_words_with_apostrophes_stand_where_they_say(text: str, title: str) -> None:
    document = read_document(title, text)
    words = [token for token in document.haystack.split(" ") if token and token[0] not in BREAKS]
    assert [fold(word) for word in _words(document)] == words


def test_what_lies_beyond_the_limit_is_not_read() -> None:
    document = read_document("", "word " * MAX_CHARACTERS)
    assert len(document) == MAX_CHARACTERS / len("word ")


def test_phrase_words_keep_their_case() -> None:
    assert phrase_words("Il-76 plane") == ("Il", "76", "plane")


@pytest.mark.parametrize("phrase", ["", "  ", "...", "prisoner, exchange", "one. Two", "a/b"])
def test_a_phrase_that_cannot_match_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"no words|punctuation inside"):
        phrase_words(phrase)
