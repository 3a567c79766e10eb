import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.tokens import Document, phrase_words, read_document


def _words(document: Document) -> list[str]:
    return [word for at in range(len(document)) for word in document.words(at, at + 1)]


def _sentences(text: str) -> int:
    return len(set(read_document("", text).sentences))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Il-76 crashed.", ["The", "Il", "76", "crashed"]),
        ("Israel's army", ["Israel", "army"]),
        ("Israel’s army", ["Israel", "army"]),
        ("the soldiers' wives", ["the", "soldiers", "wives"]),
        ("O’Hare isn't shut", ["O'Hare", "isn't", "shut"]),
        ("U.S. troops", ["U.S.", "troops"]),
        ("1,027 prisoners and 3.5 tonnes", ["1,027", "prisoners", "and", "3.5", "tonnes"]),
        ("snake_case", ["snake", "case"]),
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
        ("The firm example.com grew.", 1),
        ("on board the aircraft.Another source spoke", 2),
        ("Really?! Yes.", 2),
        ("Wait... what", 1),
        ("One line\nanother line", 2),
    ],
)
def test_where_a_sentence_ends(text: str, count: int) -> None:
    assert _sentences(text) == count


@pytest.mark.parametrize(
    ("text", "haystack"),
    [
        ("Russia-Ukraine row", " | russia ukraine row "),
        ("Russia–Ukraine row", " | russia ukraine row "),
        ("prisoner, exchange", " | prisoner | exchange "),
        ("shot down - this", " | shot down | this "),
        ('the "prisoner" exchange', " | the prisoner exchange "),
        ("STRASSE Straße", " | strasse strasse "),
    ],
)
def test_punctuation_breaks_phrases_but_hyphens_and_quotes_do_not(text: str, haystack: str) -> None:
    assert read_document("", text).haystack == haystack


def test_the_title_is_a_paragraph_of_its_own() -> None:
    document = read_document("A title", "One.\nTwo.")
    assert document.title_words == 2
    assert document.paragraphs == [0, 0, 1, 2]
    assert len(set(document.sentences)) == 3


def test_a_line_break_in_a_title_is_a_space() -> None:
    document = read_document("Two\nlines", "Text.")
    assert document.paragraphs == [0, 0, 1]
    assert document.words(1, 2) == ("lines",)


@given(st.text(), st.text())
def test_every_word_stands_where_it_says_and_in_the_haystack(title: str, text: str) -> None:
    document = read_document(title, text)
    for offset, at in document.word_at.items():
        source = title if at < document.title_words else text
        word = source[document.starts[at] : document.ends[at]]
        folded = word.replace("’", "'").casefold()
        assert word
        assert document.haystack[offset - 1 : offset + len(folded) + 1] == f" {folded} "
    assert len(document.word_at) == len(document)
    assert document.sentences == sorted(document.sentences)
    assert document.paragraphs == sorted(document.paragraphs)


def test_phrase_words_keep_their_case() -> None:
    assert phrase_words("Il-76 plane") == ("Il", "76", "plane")


@pytest.mark.parametrize("phrase", ["", "  ", "...", "prisoner, exchange", "one. Two", "a/b"])
def test_a_phrase_that_cannot_match_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"no words|punctuation inside"):
        phrase_words(phrase)
