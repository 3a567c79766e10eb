import pytest

from tests.cleaner.pages import article_of, html_page, text_page

BODY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new winter timetable.",
    "Ferry crews say that the timetable leaves them no time to rest between the crossings to the islands.",
    "The board will publish its answer next week, the chairwoman told members after the meeting had closed.",
    "Crossings to the islands will go on as before until the board has decided on the complaint.",
)
HEADLINE = "Pop star Mira Lane spotted shopping for garden gnomes with former husband"


def with_line(line: str, place: int = 2) -> str:
    return "\n".join((*BODY[:place], line, *BODY[place:]))


def test_a_headline_off_the_topic_is_a_related_link() -> None:
    article = article_of(text_page(with_line(HEADLINE)))
    assert article.paragraphs == BODY
    assert [link.title for link in article.related_links] == [HEADLINE]
    assert article.removals[0].rule == "headline.off-topic"


@pytest.mark.parametrize(
    "line",
    [
        "Ferry crews say the winter timetable leaves no rest",
        "A crisis on the islands",
        "Pop star Mira Lane spotted shopping for garden gnomes with former husband.",
        "- Pop star Mira Lane spotted shopping for garden gnomes with former husband",
        "2. Pop star Mira Lane spotted shopping for garden gnomes with former husband",
        "She writes:",
        "Mira Lane writes of gnomes, gardens, husbands and shopping trips abroad:",
        "This is a sentence of another kind that lost its end mark somewhere",
    ],
)
def test_sub_heads_list_items_and_sentences_stay(line: str) -> None:
    assert line in article_of(text_page(with_line(line))).paragraphs


def test_the_first_and_the_last_line_stay() -> None:
    assert HEADLINE in article_of(text_page(with_line(HEADLINE, 0))).paragraphs
    assert HEADLINE in article_of(text_page(with_line(HEADLINE, 4))).paragraphs


def test_a_list_of_short_lines_is_not_a_list_of_headlines() -> None:
    dates = tuple(
        f"Mira Lane plays Brixton Academy with guests, gate number {word}"
        for word in "one two three four five six seven".split()
    )
    article = article_of(text_page("\n".join((*BODY[:2], *dates, *BODY[2:]))))
    assert article.paragraphs == (*BODY[:2], *dates, *BODY[2:])


def test_a_known_title_is_a_related_link_whatever_its_topic_and_punctuation() -> None:
    title = "Ferry crews say: ‘winter timetable’ leaves no rest"
    line = "FERRY CREWS SAY 'Winter Timetable' leaves no rest"
    article = article_of(text_page(with_line(line), known_titles=(title, "Another")))
    assert article.paragraphs == BODY
    assert article.removals[0].rule == "related.known-title"


def test_the_own_title_is_no_related_link() -> None:
    article = article_of(
        text_page(with_line("Harbour row grows", 0), title="Harbour row grows", known_titles=("Harbour row grows",))
    )
    assert article.removals[0].kind == "title"
    assert article.related_links == ()


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("MIRA LANE OPENS UP ABOUT GARDEN GNOMES AND HER FORMER HUSBAND", None),
        ("Mike Johnson’s Art of the Deal Mike Johnson’s Art of the Deal", "Mike Johnson’s Art of the Deal"),
    ],
)
def test_lines_that_are_headlines_by_their_wording(line: str, title: str | None) -> None:
    article = article_of(text_page(with_line(line)))
    assert article.paragraphs == BODY
    assert article.related_links[0].title == (title or line)


def paragraphs_and(extra: str) -> str:
    inner = "".join(f"<p>{line}</p>" for line in BODY[:2]) + extra + "".join(f"<p>{line}</p>" for line in BODY[2:])
    return f"<div>{inner}</div>"


def test_a_line_that_is_a_link_goes_and_a_heading_that_is_one_stays() -> None:
    linked = "<a href='/x'>Ferry crews say timetable leaves no rest</a>"
    assert article_of(html_page(paragraphs_and(f"<p>{linked}</p>"))).removals[0].rule == "headline.link"
    assert article_of(html_page(paragraphs_and(f"<h2>{linked}</h2>"))).removals == ()


def test_a_link_that_is_a_sentence_stays_without_a_stop() -> None:
    linked = "<p><a href='/x'>The full report of the inquiry into the pier is here</a></p>"
    assert article_of(html_page(paragraphs_and(linked))).removals == ()


def test_a_sub_head_stays_however_far_off_the_topic_it_is() -> None:
    assert article_of(html_page(paragraphs_and(f"<h2>{HEADLINE}</h2>"))).removals == ()
    assert article_of(html_page(paragraphs_and(f"<p>{HEADLINE}</p>"))).removals != ()


def test_the_title_repeated_as_a_line() -> None:
    title = "Harbour board hears complaint of ferry crews"
    for line in (title, "HARBOUR BOARD HEARS COMPLAINT OF FERRY CREWS", f"{title} again"):
        assert article_of(text_page(with_line(line, 0), title=title)).paragraphs == BODY
    kept = f"{title}, and much more happened on that long and windy Friday in the old town hall of the islands."
    assert kept in article_of(text_page(with_line(kept, 0), title=title)).paragraphs
    assert article_of(text_page(title, title=title)).paragraphs == (title,)


MUST_KEEP = (
    "Ferry crews want more rest",
    "Was die Fähren für die Inseln bedeuten",
    "Ce que demandent les équipages des ferries",
    "Lo que piden las tripulaciones del ferry",
    "Wat de bemanning van de veerboten wil",
    "Mira Lane, chairwoman of the harbour board",
    "MIRA LANE: WE ARE TIRED",
    "“Nobody asked us what we thought of the new timetable”",
    "“Nobody asked us what we thought about any of it, and the letters went unanswered for weeks",
    "What happens to passengers with old tickets?",
    "Islanders United 3, Harbour Rovers 1 after extra time",
    "14 March 2019: Storm sinks ferry Aurora near Skerry lighthouse",
    "Saturday, October 4, 2025, Grand Hall, Market Square, Old Town",
    "Release date: November 17, 2017, in shops everywhere",
    "1. Whisk eggs, sugar and butter until pale and fluffy",
    "- 200 g of dark chocolate, chopped into coarse pieces",
    "Add cinnamon, nutmeg, raisins, walnuts and orange peel:",
    "Speaking to reporters in the rain, Lane added that nobody slept",
    "The weather office tweeted, “Did you see that fireball just now?”",
    "Read the letter aloud, slowly and twice",
    "Watch out for seals",
    "Related to this was money.",
    "Chess prodigy Ilya Brandt opened Moscow garden gnome exhibition on Friday. (Xinhua)",
    "Chess prodigy beats robot as Moscow gnome exhibition collapses, organisers said. (AP/Reuters)",
    "Salah (14, 67 pen), Kane (32), Mbappe (45) as Spurs fall",
    "Arsenal 2 (Saka 14, 60) Tottenham Hotspur 1 (Kane 32 pen)",
    "Manchester United (4-3-3): De Gea; Shaw, Maguire, Lindelof, Dalot; Fred",
    "What we know about Getty Images",
    "What we know about Getty Images after Shutterstock purchase in January",
    "Was wir über Getty Images und Shutterstock wissen",
)


@pytest.mark.parametrize("line", MUST_KEEP)
def test_what_is_no_headline_of_another_story_stays(line: str) -> None:
    article = article_of(text_page(with_line(line)))
    assert line in article.paragraphs
    assert article.related_links == ()


VERSE = ("Grey geese across the winter moon", "Old Peter hums a wordless tune", "Thin ice is creaking by the quay")
STEPS = ("Lap 14 Ericsson hits the barrier at speed", "Lap 20 Raikkonen spins on painted kerbs", "Lap 31 Massa retires")


@pytest.mark.parametrize("lines", [VERSE, STEPS])
def test_verse_and_timelines_stay(lines: tuple[str, ...]) -> None:
    article = article_of(text_page("\n".join((*BODY[:2], *lines, *BODY[2:]))))
    assert article.paragraphs == (*BODY[:2], *lines, *BODY[2:])


@pytest.mark.parametrize(
    "headline",
    [
        "Rock star Ilse Brandt ‘devastated’ after burglars take guitar collection",
        "Chess prodigy beats robot as Moscow tournament descends into chaos",
        "Supermarket recalls hummus over fears of plastic fragments",
        "Bäckerei in Leipzig verkauft jetzt Brötchen mit Goldstaub und Himbeeren",
    ],
)
def test_headlines_of_other_stories_are_found_between_paragraphs_and_glued_to_one(headline: str) -> None:
    for text in (with_line(headline), f"{BODY[0]}\n{BODY[1]}{headline}\n{BODY[2]}\n{BODY[3]}"):
        article = article_of(text_page(text))
        assert article.paragraphs == BODY
        assert [link.title for link in article.related_links] == [headline]


TITLE = "Pop star Mira Lane spotted shopping for garden gnomes"


@pytest.mark.parametrize(
    "line",
    [
        "Pop star Mira Lane spotted shopping for…",
        "POP STAR MIRA LANE SPOTTED SHOPPING FOR GARDEN GNOMES | The Courier",
        "Pop star 'Mira Lane' spotted: shopping for garden gnomes",
    ],
)
def test_a_known_title_is_found_broken_off_and_with_the_name_of_the_site(line: str) -> None:
    for known in (TITLE, f"{TITLE} - The Courier"):
        (removal,) = article_of(text_page(with_line(line), known_titles=(known,))).removals
        assert removal.rule == "related.known-title"


def test_a_short_part_of_a_known_title_is_no_title() -> None:
    known = ("Harbour row - Ferry crews walk out", "The winter timetable | The Courier")
    line = "The winter timetable"
    assert line in article_of(text_page(with_line(line), known_titles=known)).paragraphs


ISLANDS = (
    "About 1,200 passengers have been stranded since Monday night, many of them tourists who came to the islands.",
    "Ferry services between the mainland and the outer islands were suspended after a storm, the port authority said.",
    "Engineers spent the morning inspecting the concrete piles, and sailings were not expected before the weekend.",
)
SENTENCES_WITHOUT_A_STOP = (
    "The minister will make a statement to parliament on Wednesday",
    "Her report was first published by Agence France-Presse (AFP)",
    "The victims were named as Jane Roe, 46, and Ann Poe, 12",
    "Jane Roe, 46, a teacher from Stornoway, waited in her car for nine hours with three children",
    "The union has 4,000 members on the ferries and in the ports",
    "The pier (built in 1911) is owned by the council",
    "The coalition (CDU/CSU) rejected the motion on Tuesday evening in Berlin",
    "The rules apply to freight and passengers (and/or crew)",
    "The board, which is meeting next week, wants money (Details on page 7)",
    "Il a dit : « Nous n'avons pas été consultés » (source syndicale)",
    "Der Minister hat am Mittwoch im Landtag eine Erklärung zu dem Vorfall abgegeben",
    "Los vecinos del barrio fueron evacuados durante la madrugada por los bomberos",
    "De wethouder heeft dinsdag een onderzoek naar de brand in de haven aangekondigd",
)
SUB_HEADS_ON_TOPIC = (
    "Key dates in the dispute",
    "Ferries stay in port, islanders stay on the shore and supermarkets empty",
    "Island councillor Ewan Muir quits over ferry row",
)
LISTS = (
    """Hail the size of golf balls fell on Ardmair
Trees blocked the road at Braemore
Four homes lost their roofs
A school bus slid into a ditch""",
    """The sea is calm to-night,
The tide is full, the moon lies fair
Upon the straits; on the French coast the light
Gleams and is gone""",
    """O Captain! my Captain! our fearful trip is done,
The ship has weather’d every rack, the prize we sought is won,
The port is near, the bells I hear, the people all exulting,
While follow eyes the steady keel, the vessel grim and daring""",
)


@pytest.mark.parametrize("lines", [*SENTENCES_WITHOUT_A_STOP, *SUB_HEADS_ON_TOPIC, *LISTS])
@pytest.mark.parametrize("place", [1, 2])
def test_sentences_sub_heads_and_verse_stay_without_an_end_mark(lines: str, place: int) -> None:
    text = "\n".join((*ISLANDS[:place], lines, *ISLANDS[place:]))
    article = article_of(text_page(text))
    assert article.removals == ()


@pytest.mark.parametrize(
    "headline",
    [
        "Chancellor to announce cut in beer duty ahead of Christmas party season",
        "Wife of former footballer breaks silence on messy divorce court battle",
        "Actor says ‘the show was a lie’ as streaming giant drops second series",
        "11 best sleeping bags (2024): ultralight, warm weather, for kids",
    ],
)
def test_headlines_of_other_stories_still_go(headline: str) -> None:
    article = article_of(text_page("\n".join((*ISLANDS[:2], headline, ISLANDS[2]))))
    assert [removal.text.strip() for removal in article.removals] == [headline]
