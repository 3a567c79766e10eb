"""Articles that stand in one line: what goes there, and what stays because nothing tells where it ends."""

import pytest

from copydesk_cleaner.text import normalise
from copydesk_shared.removals import restore
from tests.cleaner.pages import article_of, text_page

FIRST = "The board met on Friday and voted to sell the quay."
NEXT = "Nobody knows who asked for a second count. It was refused."
STORY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable. "
    "The crews say that the timetable leaves them no time to eat, and that the ferries are too old for it."
)
END = (
    "The board will publish its answer next week, the chairwoman told the crews after the meeting had closed. "
    "Until then the ferries of the harbour keep to the timetable of the summer, the board said on Friday."
)


def test_a_bid_ends_where_a_quotation_begins() -> None:
    text = f'{FIRST} Follow us on Facebook and Twitter "Nobody asked us," said Ada Holm. {NEXT}'
    assert article_of(text_page(text)).text == f'{FIRST} "Nobody asked us," said Ada Holm. {NEXT}'


@pytest.mark.parametrize(
    "junk",
    [
        "READ MORE: Ferry crews walk out over winter timetable",
        "Read more: Norwick yard to close after 140 years",
        "SEE ALSO: Boris Johnson sells castle to Holm",
        "DON'T MISS: Norwick Yard To Close After Strike",
        "Sign up for our daily newsletter to get the top stories in your inbox.",
        "Download our app for the latest headlines.",
        "Téléchargez notre application.",
        "Suscríbete a nuestro boletín.",
        "Zapisz się do newslettera.",
    ],
)
def test_what_stands_between_two_sentences_goes_to_its_end(junk: str) -> None:
    article = article_of(text_page(f"{FIRST} {junk} {NEXT}"))
    assert article.text == f"{FIRST} {NEXT}"
    assert restore(article) == normalise(f"{FIRST} {junk} {NEXT}")


@pytest.mark.parametrize(
    "twin",
    [
        "READ MORE: Ferry crews walk out over winter timetable Norwick waits.",  # nothing tells where the headline ends
        "READ MORE: Ferry crews walk out over winter timetable at The Hague.",
        "Guarda anche: Il treno va verso L'Aquila, città del Norte.",
        "“Read more: it does no harm to The Board,” she said.",
        "Read more of the file, the judge said.",
        "“Download our app,” they told the crews.",
        "“Nobody came. Sign up for our newsletter. Nobody will,” she said.",
        "Members sign up for the newsletter at the quay.",
        "Later that year she was in Live At The Apollo, he said.",
    ],
)
def test_what_only_looks_like_it_stays(twin: str) -> None:
    text = f"{FIRST} {twin} {NEXT}"
    assert article_of(text_page(text)).text == text


@pytest.mark.parametrize(
    "headline",
    [
        "Hollywood actor reveals secret wedding to childhood sweetheart in Tuscany",
        "Singer admits gambling debts worth millions, says Emma Quill",
    ],
)
def test_a_bare_headline_between_two_sentences_goes(headline: str) -> None:
    article = article_of(text_page(f"{STORY} {headline} {END}"))
    assert article.text == f"{STORY} {END}"
    assert [link.title for link in article.related_links] == [headline]


@pytest.mark.parametrize(
    "heading",
    [
        "What the ferry crews want the harbour board to change",
        "The timetable of the ferry crews and the board",
    ],
)
def test_a_sub_head_between_two_sentences_stays(heading: str) -> None:
    text = f"{STORY} {heading} {END}"
    assert article_of(text_page(text)).text == text


def test_a_sentence_that_was_broken_into_lines_is_no_headline() -> None:
    text = f"{STORY}\nThe sale was first told by Agence France-Presse (AFP)\nand then by two newspapers in Holm.\n{END}"
    assert article_of(text_page(text)).text.split() == text.split()


def test_a_prompt_takes_no_sentence_that_begins_behind_it_without_a_stop() -> None:
    text = (
        "Через снігопад у горах закрили дві дороги. Рятувальники радять не вирушати в путь до вечора суботи. "
        "Підписуйтесь на наш Telegram-канал Читайте прогноз, кажуть вони, і вірте йому."
    )
    article = article_of(text_page(text))
    assert [removal.text.strip() for removal in article.removals] == ["Підписуйтесь на наш Telegram-канал"]
    assert article.text.endswith("Читайте прогноз, кажуть вони, і вірте йому.")


@pytest.mark.parametrize(
    ("junk", "following"),
    [
        ("READ MORE: Ferry crews walk out over pay", "“Nobody asked us,” said Ada Holm."),
        ("LIRE AUSSI - Le loup aperçu devant la mairie", "« Nous avons peur », a déclaré le maire."),
        ("SEE ALSO: Embassy closes after power is cut off", "His lawyer said that he would appeal."),
        ("Related: Ferry crews remember who beat them", "Board members asked for a second count."),
        ("The engineer who said the quay would break Read more", "The board has counted the foundations."),
        ("Advertisement", "More than 60 people spoke at the meeting."),
        ("Media playback is unsupported on your device", "Vicar Jude Amos said that he would ring the bell."),
        ("À lire aussi", "« Nous avons peur », a déclaré le maire."),
        ("Guarda anche: Il video del porto in secca", "L'uomo, 44 anni, è tornato a casa."),
        ("Lesen Sie auch: Waschbär bricht in Bäckerei ein", "Die Polizei lockte ihn mit Trauben ins Freie."),
        ("RELATED: Ferry crews accept pay deal after two years", "Talks go on at the harbour office."),
    ],
)
def test_what_was_joined_to_a_sentence_goes_up_to_it(junk: str, following: str) -> None:
    text = f"{FIRST} {junk} {following} The members of the board met again. {NEXT}"
    article = article_of(text_page(text))
    assert article.text == f"{FIRST} {following} The members of the board met again. {NEXT}"
    assert restore(article) == normalise(text)
    assert article_of(text_page(article.text)).text == article.text


@pytest.mark.parametrize(
    "junk", ["(dpa/lno)", "Riproduzione riservata", "READ MORE: Ferry crews walk out over pay", "Follow us on Facebook"]
)
def test_what_was_joined_to_the_end_goes(junk: str) -> None:
    assert article_of(text_page(f"{FIRST} {NEXT} {junk}")).text == f"{FIRST} {NEXT}"


@pytest.mark.parametrize(
    "sentence",
    [
        "Live Nation sells the tickets for the ferry.",
        "Bloomberg News reported on Friday that the quay is shut.",
        'SEE ALSO: Minister calls plan "a joke" at World Cup final.',
        "The ferry sails over Los Angeles Bay at night.",
        "Police say World War Two bombs lie under the quay.",
        "The board spoke of a world where World Cup crews row.",
    ],
)
def test_a_sentence_with_names_is_not_taken_apart(sentence: str) -> None:
    text = f"{FIRST} {sentence} {NEXT}"
    assert article_of(text_page(text)).text == text
